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
