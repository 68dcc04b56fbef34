// @module-tag long
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sealCheaply } from '../test/make-owner.js';
import { hasProgram } from '../test/programs.js';
import { runOnTerminal } from '../test/run-on-terminal.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

const isHere = hasProgram('script', '--version');
const QUESTION = /◆ +What do you call this key/;
const CTRL_C = '\u0003';

let setup: Setup;
let words: string;
let sheet: string;

/** Somebody who names keys, shows addresses, and then has his words and his sheet only. */
beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'notes', '--for', 'message');
  await createKey(setup, 'savings', '--for', 'bitcoin', '--network', 'signet');
  words = join(setup.scratch.path, 'words');
  sheet = join(setup.scratch.path, 'sheet');
  await setup.json(['seed', 'backup', '--out', words]);
  await setup.json(['sheet', '--out', sheet]);
}, 120_000);
afterAll(() => setup.close());

async function restoredIn(name: string, ...flags: readonly string[]) {
  const environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, name) };
  await setup.json(['seed', 'restore', '--from', words, ...flags], { environment });
  await sealCheaply(environment);
  return environment;
}

const keysIn = async (environment: Record<string, string>) =>
  (await setup.json<{ name: string; network: string | null }[]>(['key', 'list'], { environment })).map(
    ({ name }) => name,
  );

test('keys that stand on the sheet come back under their names and for their network, and nobody is asked', async () => {
  const before = await setup.ckm(['address', 'savings']);
  const environment = await restoredIn('with-sheet', '--sheet', sheet);
  const fetched = await setup.ckm(['key', 'fetch', '--no-input'], { environment });
  expect([fetched.status, fetched.stderr]).toEqual([
    0,
    expect.stringMatching(/(?:notes|savings): as on your recovery sheet/),
  ]);
  expect(await keysIn(environment)).toEqual(['notes', 'savings']);
  const after = await setup.ckm(['address', 'savings'], { environment });
  expect([after.stdout, after.stdout.slice(0, 4)]).toEqual([before.stdout, 'tb1p']);
  // It was handed out, and this home cannot know.
  expect(before.stderr).toContain('never handed out here before');
  expect(after.stderr).not.toContain('never handed out');
  expect(after.stderr.replace(/\s+/g, ' ')).toContain(
    'what was handed out before, or elsewhere, is not known here',
  );
  expect((await setup.ckm(['doctor'], { environment })).stdout).not.toContain('fail');
});

test.skipIf(!isHere)(
  'without a sheet each name is asked for beside its likeness, again where it is taken, and leaving loses none (needs script)',
  async () => {
    const environment = await restoredIn('without-sheet');
    for (const [name, { url }] of Object.entries(setup.servers))
      await setup.json(['server', 'add', name, url, '--yes'], { environment });
    const first = await runOnTerminal(
      ['key', 'fetch'],
      [
        [QUESTION, 'mine\r'],
        [QUESTION, CTRL_C],
      ],
      environment,
      120,
    );
    expect(first.screen).toMatch(/What do you call this key\? (?:[a-z]+-){5}[a-z]+ [0-9a-f]{8} \(empty/);
    expect(first.screen).toContain('the other keys are not on record');
    expect(await keysIn(environment)).toEqual(['mine']);
    const second = await runOnTerminal(
      ['key', 'fetch'],
      [
        [QUESTION, 'mine\r'],
        [/there is already a key mine: try again[^]*◆ +What do you call this key/, 'other\r'],
      ],
      environment,
      120,
    );
    expect(second.status).toBe(0);
    expect(await keysIn(environment)).toEqual(['mine', 'other']);
  },
);
