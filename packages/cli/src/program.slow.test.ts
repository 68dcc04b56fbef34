import { expect, test } from 'vitest';
import { runCkm } from './test/run-ckm.js';

test.each([[['--version', '--json']], [['--json', '--version']]])('%j is JSON', async (args) => {
  const { stdout, status } = await runCkm(args);
  expect([status, JSON.parse(stdout)]).toEqual([0, { version: (await runCkm(['--version'])).stdout.trim() }]);
});
