// Brings a fresh clone to a state that runs: dependencies, compiled packages.
// Each step is skipped when nothing it depends on has changed, so that a second run is quick.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, '.ckm-setup.json');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function run(what, command, args) {
  const started = Date.now();
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (done.error || done.status !== 0) {
    process.stderr.write(`${done.stdout ?? ''}${done.stderr ?? ''}`);
    say(`${what} failed${done.error ? `: ${done.error.message}` : ` with exit status ${done.status}`}`);
    process.exit(1);
  }
  say(`${what} … done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) return;
  say(`Node ${process.versions.node} is too old: CKM needs 22.13 or newer`);
  process.exit(69);
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

requireNode();
const stamp = dependencyStamp();
if (readStamp() === stamp && existsSync(join(root, 'node_modules'))) {
  say('dependencies are up to date');
} else {
  run('installing dependencies (no install script of theirs runs)', npm, ['ci', '--ignore-scripts']);
  writeFileSync(stampFile, `${JSON.stringify({ dependencies: stamp })}\n`);
}
run('compiling', process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b']);
run('bundling the ckm command', process.execPath, [join(root, 'scripts/bundle.mjs')]);
