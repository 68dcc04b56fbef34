// @module-tag long
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, openSetup, type Setup } from '../test/run-server.js';
import { errorOf } from '../test/run-ckm.js';

let setup: Setup;
beforeAll(async () => {
  setup = await openSetup();
  for (const name of ['one', 'two', 'three']) await createKey(setup, name, '--for', 'message');
}, 60_000);
afterAll(() => setup.close());

interface Refreshed {
  readonly refreshed: readonly { readonly name: string; readonly epoch: number }[];
  readonly passed: readonly string[];
  readonly failed: readonly { readonly name: string; readonly code: string }[];
}
const all = ['key', 'refresh', '--all'];

test('ckm key refresh --all says what it will do, passes over what was refreshed before it was broken off, and does the rest', async () => {
  const { stderr, stdout } = await setup.ckm([...all, '--preview']);
  expect(stdout).toBe('nothing was sent\n');
  for (const line of [
    /Keys +3 keys, up to 4 at a time/,
    /Must be there +all servers of each key/,
    /Does not help +against a server that keeps its old share/,
    /Broken off +the same command goes on where it was/,
  ])
    expect(stderr).toMatch(line);
  expect((await setup.ckm(['key', 'refresh', 'two', '--yes'])).status).toBe(0);
  const done = await setup.json<Refreshed>([...all, '--yes']);
  expect(new Map(done.refreshed.map(({ name, epoch }) => [name, epoch]))).toEqual(
    new Map([
      ['one', 1],
      ['three', 1],
    ]),
  );
  expect([done.passed, done.failed]).toEqual([['two'], []]);
  expect((await setup.ckm([...all, '--yes'])).stdout).toBe('0 keys refreshed; 3 passed over\n');
});

test('a server that is away is waited for once, every key that needs it is named, and the command fails', async () => {
  for (const name of ['four', 'five']) await createKey(setup, name, '--for', 'message');
  await setup.servers['charlie']!.stop('SIGKILL');
  const outcome = await setup.ckm([...all, '--yes', '--timeout', '2']);
  expect(outcome.status).toBe(69);
  const said = outcome.stdout.match(
    /^[12] of 2 +(five|four) +NOT refreshed: .*charlie.*\(SERVERS_MISSING\)$/gm,
  );
  expect(said?.map((line) => line.slice(0, 6)).join()).toBe('1 of 2,2 of 2');
  expect(new Set(said?.map((line) => line.split(/ +/)[3]))).toEqual(new Set(['four', 'five']));
  expect(outcome.stdout).toMatch(/0 keys refreshed; 3 passed over; 2 NOT refreshed: say the same again\n$/);
  const some = await setup.ckm(['key', 'refresh', 'one', '--all', '--json']);
  expect(errorOf(some).code).toBe('OPTION_INVALID');
});
