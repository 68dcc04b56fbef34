// The steps of set-up, one after the other.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNewEnough } from '../../packages/cli/bin/node-floor.js';
import { bringNode, environment, OWN_LINE, root } from './own-node.mjs';
import { runStep, say, sayError, SetupError } from './say.mjs';

const stampFile = join(root, '.ckm-setup.json');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const SEE_ABOVE = { code: 'SETUP_FAILED', hint: 'look at what is printed above, then run: npm run setup' };

export async function setUp(words) {
  try {
    if (words[0] === '--node') return await bringNode(words[1], npm);
    if (!isNewEnough(process.versions.node)) {
      say(`Node ${process.versions.node} of this machine is too old for CKM, and is left as it is`);
      await bringNode(OWN_LINE, npm);
    }
    const env = environment();
    await installDependencies(env);
    await runStep('compiling', ['node', join(root, 'node_modules/typescript/bin/tsc'), '-b'], {
      cwd: root,
      env,
      failure: SEE_ABOVE,
    });
    await runStep('bundling the ckm command', ['node', join(root, 'scripts/bundle.mjs')], {
      cwd: root,
      env,
      failure: SEE_ABOVE,
    });
    // Before a demo or tests nobody wants to hear of it.
    if (process.env['npm_lifecycle_event'] === 'setup')
      say(
        `ready: the command is ./ckm here; to type ckm anywhere: ln -s ${join(root, 'ckm')} ~/.local/bin/ckm`,
      );
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    sayError(error);
    process.exitCode = 69;
  }
}

async function installDependencies(env) {
  const stamp = dependencyStamp();
  if (readStamp() === stamp && existsSync(join(root, 'node_modules'))) return;
  await runStep(
    'installing dependencies (no install script of theirs runs)',
    [npm, 'ci', '--ignore-scripts', '--loglevel=error'],
    { cwd: root, env, failure: SEE_ABOVE },
  );
  writeFileSync(stampFile, `${JSON.stringify({ dependencies: stamp })}\n`);
}

/** Changes when the dependencies or the machine change. */
function dependencyStamp() {
  const hash = createHash('sha256');
  hash.update(`${process.platform} ${process.arch}\0`);
  hash.update(readFileSync(join(root, 'package-lock.json')));
  return hash.digest('hex');
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8')).dependencies;
  } catch {
    return undefined;
  }
}
