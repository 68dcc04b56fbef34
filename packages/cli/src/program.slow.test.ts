import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callCkm } from './test/call-ckm.js';

test.each([[['--version', '--json']], [['--json', '--version']]])('%j is JSON', async (args) => {
  const { stdout, status } = await callCkm(args);
  expect([status, JSON.parse(stdout)]).toEqual([
    0,
    { version: (await callCkm(['--version'])).stdout.trim() },
  ]);
});

test('no file of the bundle imports node:http by name, which loads fetch and WebSocket for every command', () => {
  const bundle = join(import.meta.dirname, '../dist/bundle');
  const files = readdirSync(bundle).filter((name) => name.endsWith('.js'));
  const importing = files.filter((name) =>
    /from ?["'](node:)?http["']/.test(readFileSync(join(bundle, name), 'utf8')),
  );
  expect(files).toContain('ckm.js');
  expect(importing).toEqual([]);
});

test.each([
  [['help', 'exit'], /^Exit status:\n {2}0 +done\n[\s\S]* {2}77 /],
  [['help', 'server', 'start'], /^Usage: ckm server start /],
  [['help'], /^Usage: ckm \[options\][\s\S]*Exit status:/],
])('ckm %j is an answer', async (args, said) => {
  const { status, stdout, stderr } = await callCkm(args);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(said);
});
