import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { callCkm } from './test/call-ckm.js';
import { runProgram } from './test/run-ckm.js';

test.each([[['--version', '--json']], [['--json', '--version']]])('%j is JSON', async (args) => {
  const { stdout, status } = await callCkm(args);
  expect([status, JSON.parse(stdout)]).toEqual([
    0,
    { version: (await callCkm(['--version'])).stdout.trim() },
  ]);
});

describe('the bundle of the command', () => {
  const bundle = join(import.meta.dirname, '../dist/bundle');
  const files = readdirSync(bundle).filter((name) => name.endsWith('.js'));

  test('imports no module of Node by name but node:module: with its name comes all that it makes when it is asked', () => {
    const importing = files.flatMap((name) =>
      [
        ...readFileSync(join(bundle, name), 'utf8').matchAll(/^import [^;]*from ?["']([^"'.][^"']*)["']/gm),
      ].map(([, from]) => `${name}: ${from!}`),
    );
    expect(files).toContain('ckm.js');
    expect(
      importing.filter((one) => isBuiltin(one.split(': ')[1]!) && !one.endsWith(' node:module')),
    ).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux' || process.arch !== 'x64' || existsSync('/etc/alpine-release'))(
    'loads each native addon from its usual place, and searches for none (needs Linux on x64, with glibc)',
    async () => {
      const core = join(
        bundle,
        files.find((name) => name.startsWith('core-'))!,
      );
      const script = `await import(${JSON.stringify(core)});
        console.log(JSON.stringify(Object.keys(process.getBuiltinModule('node:module')._cache)));`;
      const { stdout } = await runProgram(process.execPath, ['--input-type=module', '-e', script]);
      const loaded = JSON.parse(stdout) as string[];
      expect(loaded.map((path) => path.split('/').at(-1))).toEqual([
        'sodium-native.node',
        'secp256k1.glibc.node',
      ]);
    },
  );
});

test('help for programs is one JSON document, however it is asked for', async () => {
  const [asked, shown] = await Promise.all([
    callCkm(['help', 'key', 'create', '--json']),
    callCkm(['key', 'create', '--help', '--json']),
  ]);
  expect([asked.status, asked.stderr]).toEqual([0, '']);
  expect(JSON.parse(asked.stdout)).toEqual(JSON.parse(shown.stdout));
  expect(JSON.parse(asked.stdout)).toMatchObject({ command: 'ckm key create' });
  const { stdout } = await callCkm(['help', 'exit', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    exitStatuses: expect.arrayContaining([{ status: 0, meaning: 'done' }]),
  });
});

test.each([
  [['help', 'exit'], /^Exit status:\n {2}0 +done\n[\s\S]* {2}77 /],
  [['help', 'server', 'start'], /^Usage: ckm server start /],
  [['help', 'server'], /\nServers you use:\n +add [\s\S]*\nA server you run:\n +init /],
  [['help'], /^Usage: ckm \[options\][\s\S]*Exit status:/],
])('ckm %j is an answer', async (args, said) => {
  const { status, stdout, stderr } = await callCkm(args);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(said);
});
