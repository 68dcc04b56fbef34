// A Node of the clone's own, for machines whose Node is too old, and for trying several of them: docs/adr/0024.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNewEnough } from '../../packages/cli/bin/node-floor.js';
import { runStep, say, SetupError } from './say.mjs';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const PLATFORM = `${process.platform}-${process.arch}`;
const BY_YOURSELF = 'install Node 22.13 or newer yourself (24 is recommended), then try again';

/** The line that set-up brings where the machine's Node is too old. */
export const OWN_LINE = '24';

/** The environment of a program that runs under the Node that fits, and whose own programs do so too. */
export function environment(line = fittingLine()) {
  if (line === null) return process.env;
  const folder = folderOf(line);
  if (!runs(folder, pinned(line).version))
    throw new SetupError(
      'NODE_NOT_BROUGHT',
      `this clone has no Node ${line} that runs here, and the machine's is ${process.versions.node}`,
      line === OWN_LINE ? 'run: npm run setup' : `run: node scripts/setup.mjs --node ${line}`,
    );
  return { ...process.env, PATH: `${programsOf(folder)}${delimiter}${process.env.PATH ?? ''}` };
}

/** The line of the clone's own Node that is needed, or null where the one that runs this is new enough. */
function fittingLine() {
  return isNewEnough(process.versions.node) ? null : OWN_LINE;
}

/**
 * Brings a Node of that line into the clone, unless it is there: from the npm registry, by the hash in its lock file.
 * @throws SetupError `NODE_UNKNOWN_PLATFORM`, `NODE_NOT_BROUGHT`, `NODE_DOES_NOT_RUN`
 */
export async function bringNode(line, npm) {
  const { version, name } = pinned(line);
  const folder = folderOf(line);
  if (runs(folder, version)) return;
  const fresh = join(root, '.node', `new-${process.pid}`);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    for (const file of ['package.json', 'package-lock.json'])
      cpSync(join(locks(line), file), join(fresh, file));
    say(`bringing Node ${version} into this clone (.node, about 50 MB to fetch: npm package ${name})`);
    await runStep(`fetching Node ${version}`, [npm, 'ci', '--ignore-scripts', '--loglevel=error'], {
      cwd: fresh,
      failure: { code: 'NODE_NOT_BROUGHT', hint: `look at what npm said above, or ${BY_YOURSELF}` },
    });
    if (!runs(fresh, version))
      throw new SetupError(
        'NODE_DOES_NOT_RUN',
        `Node ${version} was brought, and does not run on this machine (${PLATFORM})`,
        BY_YOURSELF,
      );
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function locks(line) {
  return join(root, 'scripts/setup', `node-${line}`);
}

function folderOf(line) {
  return join(root, '.node', `${line}-${PLATFORM}`);
}

/** Holds `node`, and nothing else. */
function programsOf(folder) {
  return join(folder, 'node_modules/.bin');
}

/** The package of this platform, as the lock file of that line names it. */
function pinned(line) {
  const { packages } = JSON.parse(readFileSync(join(locks(line), 'package-lock.json'), 'utf8'));
  const found = Object.entries(packages).find(
    ([, { os, cpu }]) => os === process.platform && cpu === process.arch,
  );
  if (found === undefined)
    throw new SetupError(
      'NODE_UNKNOWN_PLATFORM',
      `Node ${process.versions.node} is too old, and none is known that could be brought for ${PLATFORM}`,
      BY_YOURSELF,
    );
  return { version: found[1].version, name: found[0].replace('node_modules/', '') };
}

function runs(folder, version) {
  const program = join(programsOf(folder), 'node');
  if (!existsSync(program)) return false;
  return spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${version}`;
}
