import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FreshClone, freshClone } from './test/fresh-clone.js';
import { errorOf, type Outcome } from './test/run-ckm.js';

const ROOT = join(import.meta.dirname, '../../..');
const OLD = '20.20.2';
const PINNED = (
  JSON.parse(readFileSync(join(ROOT, 'scripts/setup/node-24/package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string }>;
  }
).packages[`node_modules/node-${process.platform}-${process.arch}`]?.version;
const PLATFORM = `${process.platform}-${process.arch}`;

let clone: FreshClone;
beforeEach(() => {
  clone = freshClone();
});
afterEach(() => clone.remove());

/** The error of set-up, which has the three lines of every other. */
function setUpErrorOf({ stderr }: Outcome): { message: string; hint: string; code: string } {
  const lines = stderr.split('\n').filter((line) => /^setup: (error|hint|code): /.test(line));
  return errorOf({ status: null, stdout: '', stderr: lines.join('\n').replaceAll('setup: ', 'ckm: ') });
}

describe.skipIf(PINNED === undefined)('set-up on a Node that is too old', () => {
  const setUp = (flags: readonly string[], ...words: readonly string[]) =>
    clone.run(
      process.execPath,
      [...flags, 'scripts/setup.mjs', ...words],
      `${clone.path}/tools:${process.env['PATH']}`,
    );

  /** An npm that installs what set-up needs next: a Node in `.node`, a compiler elsewhere. */
  function npm(brought: readonly string[]): void {
    const node = clone.put('brought', ['#!/bin/sh', ...brought]);
    const compiler = clone.put('compiler', ["console.log(process.env.PATH.split(':')[0]);"]);
    clone.put('tools/npm', [
      '#!/bin/sh',
      'echo "npm $*" >> "$(dirname "$0")/calls"',
      'case $PWD in',
      `  */.node/*) mkdir -p node_modules/.bin && cp '${node}' node_modules/.bin/node ;;`,
      `  *) mkdir -p node_modules/typescript/bin && cp '${compiler}' node_modules/typescript/bin/tsc ;;`,
      'esac',
    ]);
    clone.put('package-lock.json', ['{}']);
    clone.put('scripts/bundle.mjs', [
      "import { writeFileSync } from 'node:fs';",
      "writeFileSync('started-with', process.env.PATH.split(':')[0]);",
    ]);
  }
  const fits = [`[ "$1" != --version ] || { echo v${PINNED}; exit; }`, `exec '${process.execPath}' "$@"`];

  test('brings one into the clone by its lock file, and does all that follows with it, once', async () => {
    npm(fits);
    const first = await setUp(clone.pretend({ node: OLD }));
    expect(first.stderr).toContain(`bringing Node ${PINNED} into this clone (.node, about 50 MB to fetch`);
    expect(first.status).toBe(0);
    const programs = join(clone.path, `.node/24-${PLATFORM}/node_modules/.bin`);
    expect(readFileSync(join(clone.path, 'started-with'), 'utf8')).toBe(programs);
    const again = await setUp(clone.pretend({ node: OLD }));
    expect(again.status).toBe(0);
    expect(readFileSync(join(clone.path, 'tools/calls'), 'utf8').trim().split('\n')).toEqual([
      'npm ci --ignore-scripts --loglevel=error',
      'npm ci --ignore-scripts --loglevel=error',
    ]);
    expect(readdirSync(join(clone.path, '.node'))).toEqual([`24-${PLATFORM}`]);
    const { stdout, status } = await clone.run(process.execPath, [
      ...clone.pretend({ node: OLD }),
      'scripts/with-node.mjs',
      'sh',
      '-c',
      'command -v node; exit 7',
    ]);
    expect([stdout.trim(), status]).toEqual([join(programs, 'node'), 7]);
  });

  test('says what it does while it does it', async () => {
    npm(fits);
    const outcome = await setUp(clone.pretend({ node: OLD }));
    const said = outcome.stderr.split('\n').map((line) => line.replace(/\d+\.\d s/, 'N s'));
    expect(said.slice(2)).toEqual([
      `setup: fetching Node ${PINNED} …`,
      `setup: fetching Node ${PINNED}: done in N s`,
      'setup: installing dependencies (no install script of theirs runs) …',
      'setup: installing dependencies (no install script of theirs runs): done in N s',
      'setup: compiling …',
      'setup: compiling: done in N s',
      'setup: bundling the ckm command …',
      'setup: bundling the ckm command: done in N s',
      '',
    ]);
  });

  test('that cannot fetch one shows what npm said, and leaves nothing behind', async () => {
    npm(fits);
    clone.put('tools/npm', ['#!/bin/sh', 'echo "npm error network" >&2', 'exit 1']);
    const outcome = await setUp(clone.pretend({ node: OLD }));
    expect(outcome.stderr).toContain('npm error network');
    expect([outcome.status, setUpErrorOf(outcome).code]).toEqual([69, 'NODE_NOT_BROUGHT']);
    expect(readdirSync(join(clone.path, '.node'))).toEqual([]);
  });

  test('whose new Node does not run on this machine says so, and leaves nothing behind', async () => {
    npm(['exit 127']);
    const outcome = await setUp(clone.pretend({ node: OLD }));
    expect([outcome.status, setUpErrorOf(outcome).code]).toEqual([69, 'NODE_DOES_NOT_RUN']);
    expect(readdirSync(join(clone.path, '.node'))).toEqual([]);
  });

  test('on a machine for which there is none says so', async () => {
    npm(fits);
    const outcome = await setUp(clone.pretend({ node: OLD, arch: 'riscv64' }));
    expect([outcome.status, setUpErrorOf(outcome).code]).toEqual([69, 'NODE_UNKNOWN_PLATFORM']);
  });

  test('that is too old even to bring one says so', async () => {
    const outcome = await setUp(clone.pretend({ node: '16.20.2' }));
    expect([outcome.status, setUpErrorOf(outcome)]).toEqual([
      69,
      {
        code: 'NODE_TOO_OLD',
        message: 'Node 16.20.2 is too old even to bring a newer one',
        hint: expect.stringContaining('install Node 22.13 or newer'),
      },
    ]);
  });

  test('and a program that is to run under a Node that was not brought is refused, not run under another', async () => {
    const outcome = await clone.run(process.execPath, [
      ...clone.pretend({ node: OLD }),
      'scripts/with-node.mjs',
      'true',
    ]);
    expect([outcome.status, setUpErrorOf(outcome)]).toMatchObject([
      69,
      { code: 'NODE_NOT_BROUGHT', hint: 'run: npm run setup' },
    ]);
  });
});
