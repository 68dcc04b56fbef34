import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CKM,
  errorOf,
  type Outcome,
  runCkm,
  runProgram,
  type Scratch,
  scratchFolder,
} from './test/run-ckm.js';

const ROOT = join(import.meta.dirname, '../../..');
const OLD = '20.20.2';
const PINNED = (
  JSON.parse(readFileSync(join(ROOT, 'scripts/setup/node-24/package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string }>;
  }
).packages[`node_modules/node-${process.platform}-${process.arch}`]?.version;
const PLATFORM = `${process.platform}-${process.arch}`;

let clone: Scratch;

function put(name: string, lines: readonly string[], mode = 0o755): string {
  const path = join(clone.path, name);
  mkdirSync(dirname(path), { recursive: true });
  clone.file(name, `${lines.join('\n')}\n`);
  chmodSync(path, mode);
  return path;
}

/** Makes this Node say that it is another one. */
function pretend(what: { readonly node?: string; readonly arch?: string }): string[] {
  const path = put('pretend.mjs', [
    ...(what.node === undefined
      ? []
      : [`Object.defineProperty(process.versions, 'node', { value: '${what.node}' });`]),
    ...(what.arch === undefined
      ? []
      : [`Object.defineProperty(process, 'arch', { value: '${what.arch}' });`]),
  ]);
  return ['--import', path];
}

function run(program: string, args: readonly string[], path = process.env['PATH']!): Promise<Outcome> {
  return runProgram(program, args, { cwd: clone.path, environment: { PATH: path } });
}

/** The error of set-up, which has the three lines of every other. */
function setUpErrorOf({ stderr }: Outcome): { message: string; hint: string; code: string } {
  const lines = stderr.split('\n').filter((line) => /^setup: (error|hint|code): /.test(line));
  return errorOf({ status: null, stdout: '', stderr: lines.join('\n').replaceAll('setup: ', 'ckm: ') });
}

beforeEach(() => {
  clone = scratchFolder();
  for (const name of [
    'ckm',
    'scripts/setup.mjs',
    'scripts/setup',
    'scripts/with-node.mjs',
    'packages/cli/bin',
  ])
    cpSync(join(ROOT, name), join(clone.path, name), { recursive: true });
  put('package.json', ['{ "type": "module" }']);
});
afterEach(() => clone.remove());

test('every package asks for the Node that the programs ask for', async () => {
  const { FLOOR } = (await import(join(ROOT, 'packages/cli/bin/node-floor.js'))) as { FLOOR: string };
  const manifests = ['.', ...readdirSync(join(ROOT, 'packages')).map((name) => join('packages', name))];
  const asked = manifests.map((folder) => {
    const text = readFileSync(join(ROOT, folder, 'package.json'), 'utf8');
    return (JSON.parse(text) as { engines?: { node?: string } }).engines?.node;
  });
  expect(new Set(asked)).toEqual(new Set([`>=${FLOOR}`]));
});

describe('ckm that cannot run says so in words', () => {
  const ckm = (flags: readonly string[], ...args: readonly string[]) =>
    run(process.execPath, [...flags, join(clone.path, 'packages/cli/bin/ckm.js'), ...args]);

  test.each(['20.20.2', '22.12.0', '18.0.0'])('on Node %s', async (node) => {
    const outcome = await ckm(pretend({ node }), '--version', '--json');
    expect(outcome.status).toBe(69);
    expect(errorOf(outcome)).toEqual({
      code: 'NODE_TOO_OLD',
      message: `Node ${node} is too old: ckm needs 22.13 or newer`,
      hint: expect.stringContaining('npm run setup'),
    });
    expect(JSON.parse(outcome.stdout)).toMatchObject({ error: { code: 'NODE_TOO_OLD' } });
  });

  test('where nothing is compiled yet', async () => {
    const outcome = await ckm([], 'status');
    expect([outcome.status, errorOf(outcome)]).toEqual([
      69,
      {
        code: 'NOT_COMPILED',
        message: 'nothing is compiled in this clone yet',
        hint: 'run: npm run setup',
      },
    ]);
  });

  test('where a package is not installed', async () => {
    put('packages/cli/dist/main.js', ["import 'kysely';"]);
    const outcome = await ckm([], 'status');
    expect([outcome.status, errorOf(outcome)]).toEqual([
      69,
      {
        code: 'PACKAGE_MISSING',
        message: expect.stringContaining("Cannot find package 'kysely'"),
        hint: expect.stringContaining('npm run setup'),
      },
    ]);
  });
});

test('a server whose SQLite has no part for this machine says so in words', async () => {
  const folder = join(clone.path, 'alpha');
  const made = await runCkm(['server', 'init', folder, '--name', 'alpha', '--listen', '127.0.0.1:0']);
  expect(made.status).toBe(0);
  const outcome = await runProgram(
    process.execPath,
    [...pretend({ arch: 'riscv64' }), CKM, 'server', 'start', folder],
    { environment: { CKM_ALLOW_INSPECT: '1' } },
  );
  expect([outcome.status, errorOf(outcome).code]).toEqual([74, 'STORAGE_DRIVER_MISSING']);
});

describe('./ckm', () => {
  const OWN = `.node/24-${PLATFORM}/node_modules/.bin/node`;
  const started = join('packages/cli/bin/ckm.js');

  test('runs the command with the Node that set-up has brought, also by a link and for what it starts', async () => {
    put(OWN, ['#!/bin/sh', 'echo "$0 $*"', 'command -v node']);
    mkdirSync(join(clone.path, 'elsewhere'));
    symlinkSync('../ckm', join(clone.path, 'elsewhere/ckm'));
    const { stdout } = await run(join(clone.path, 'elsewhere/ckm'), ['status', 'a b']);
    const own = join(clone.path, OWN);
    expect(stdout).toBe(`${own} ${join(clone.path, started)} status a b\n${own}\n`);
  });

  test('under the name ckm-git-sign is the program that git calls to sign', async () => {
    put(OWN, ['#!/bin/sh', 'echo "$*"']);
    cpSync(join(ROOT, 'ckm-git-sign'), join(clone.path, 'ckm-git-sign'), { verbatimSymlinks: true });
    const { stdout } = await run(join(clone.path, 'ckm-git-sign'), ['-Y', 'sign']);
    expect(stdout).toBe(`${join(clone.path, 'packages/cli/bin/ckm-git-sign.js')} -Y sign\n`);
  });

  test('runs it with the machine’s Node where none was brought, and sets nothing up', async () => {
    const node = put('tools/node', ['#!/bin/sh', 'echo "machine $*"']);
    const { stdout } = await run(join(clone.path, 'ckm'), ['status'], `${dirname(node)}:/usr/bin:/bin`);
    expect(stdout).toBe(`machine ${join(clone.path, started)} status\n`);
    expect(existsSync(join(clone.path, '.node'))).toBe(false);
  });

  test.each(['sh', 'bash'])('whose Node is of another machine says so in words (%s)', async (shell) => {
    put(OWN, ['\u007fELF of another machine']);
    const outcome = await run(shell, [join(clone.path, 'ckm'), 'status']);
    expect([outcome.status, errorOf(outcome).code]).toEqual([69, 'NODE_DOES_NOT_RUN']);
  });

  test('on a machine without any Node says so in words', async () => {
    mkdirSync(join(clone.path, 'tools'));
    for (const name of ['dirname', 'uname', 'readlink'])
      symlinkSync(`/usr/bin/${name}`, join(clone.path, 'tools', name));
    const outcome = await run('/bin/sh', [join(clone.path, 'ckm')], join(clone.path, 'tools'));
    expect([outcome.status, errorOf(outcome).code]).toEqual([69, 'NODE_MISSING']);
  });
});

describe.skipIf(PINNED === undefined)('set-up on a Node that is too old', () => {
  const setUp = (flags: readonly string[], ...words: readonly string[]) =>
    run(
      process.execPath,
      [...flags, 'scripts/setup.mjs', ...words],
      `${clone.path}/tools:${process.env['PATH']}`,
    );

  /** An npm that installs what set-up needs next: a Node in `.node`, a compiler elsewhere. */
  function npm(brought: readonly string[]): void {
    const node = put('brought', ['#!/bin/sh', ...brought]);
    const compiler = put('compiler', ["console.log(process.env.PATH.split(':')[0]);"]);
    put('tools/npm', [
      '#!/bin/sh',
      'echo "npm $*" >> "$(dirname "$0")/calls"',
      'case $PWD in',
      `  */.node/*) mkdir -p node_modules/.bin && cp '${node}' node_modules/.bin/node ;;`,
      `  *) mkdir -p node_modules/typescript/bin && cp '${compiler}' node_modules/typescript/bin/tsc ;;`,
      'esac',
    ]);
    put('package-lock.json', ['{}']);
    put('scripts/bundle.mjs', [
      "import { writeFileSync } from 'node:fs';",
      "writeFileSync('started-with', process.env.PATH.split(':')[0]);",
    ]);
  }
  const fits = [`[ "$1" != --version ] || { echo v${PINNED}; exit; }`, `exec '${process.execPath}' "$@"`];

  test('brings one into the clone by its lock file, and does all that follows with it, once', async () => {
    npm(fits);
    const first = await setUp(pretend({ node: OLD }));
    expect(first.stderr).toContain(`bringing Node ${PINNED} into this clone (.node, about 50 MB to fetch`);
    expect(first.status).toBe(0);
    const programs = join(clone.path, `.node/24-${PLATFORM}/node_modules/.bin`);
    expect(readFileSync(join(clone.path, 'started-with'), 'utf8')).toBe(programs);
    const again = await setUp(pretend({ node: OLD }));
    expect(again.status).toBe(0);
    expect(readFileSync(join(clone.path, 'tools/calls'), 'utf8').trim().split('\n')).toEqual([
      'npm ci --ignore-scripts --no-fund --no-audit',
      'npm ci --ignore-scripts',
    ]);
    expect(readdirSync(join(clone.path, '.node'))).toEqual([`24-${PLATFORM}`]);
    const { stdout, status } = await run(process.execPath, [
      ...pretend({ node: OLD }),
      'scripts/with-node.mjs',
      'sh',
      '-c',
      'command -v node; exit 7',
    ]);
    expect([stdout.trim(), status]).toEqual([join(programs, 'node'), 7]);
  });

  test('says what it does while it does it', async () => {
    npm(fits);
    const outcome = await setUp(pretend({ node: OLD }));
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
    put('tools/npm', ['#!/bin/sh', 'echo "npm error network" >&2', 'exit 1']);
    const outcome = await setUp(pretend({ node: OLD }));
    expect(outcome.stderr).toContain('npm error network');
    expect([outcome.status, setUpErrorOf(outcome).code]).toEqual([69, 'NODE_NOT_BROUGHT']);
    expect(readdirSync(join(clone.path, '.node'))).toEqual([]);
  });

  test('whose new Node does not run on this machine says so, and leaves nothing behind', async () => {
    npm(['exit 127']);
    const outcome = await setUp(pretend({ node: OLD }));
    expect([outcome.status, setUpErrorOf(outcome).code]).toEqual([69, 'NODE_DOES_NOT_RUN']);
    expect(readdirSync(join(clone.path, '.node'))).toEqual([]);
  });

  test('on a machine for which there is none says so', async () => {
    npm(fits);
    const outcome = await setUp(pretend({ node: OLD, arch: 'riscv64' }));
    expect([outcome.status, setUpErrorOf(outcome).code]).toEqual([69, 'NODE_UNKNOWN_PLATFORM']);
  });

  test('that is too old even to bring one says so', async () => {
    const outcome = await setUp(pretend({ node: '16.20.2' }));
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
    const outcome = await run(process.execPath, [...pretend({ node: OLD }), 'scripts/with-node.mjs', 'true']);
    expect([outcome.status, setUpErrorOf(outcome)]).toMatchObject([
      69,
      { code: 'NODE_NOT_BROUGHT', hint: 'run: npm run setup' },
    ]);
  });
});
