// @module-tag long
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { runCkm } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

/** A command that changes who holds a key, and stays with `--wait` while operators make up their minds. */
let setup: Setup;
beforeAll(async () => {
  setup = await openSetup({ names: ['alpha', 'bravo', 'charlie', 'delta'] });
  await createKey(setup, 'letters', '--for', 'message', '--change-delay', '0');
}, 60_000);
afterAll(() => setup.close());

const ALL = ['alpha', 'bravo', 'charlie', 'delta'];

const open = () => setup.json<{ id: string }[]>(['sessions', 'list', '--open']);
const wordsOf = async (args: readonly string[]) =>
  (await setup.json<{ words: string }>([...args, '--preview'])).words;
async function approveAll(id: string, words: string): Promise<void> {
  for (const name of ALL) await setup.json(['server', 'approve', setup.folderOf(name), id, '--words', words]);
}

describe('ckm key add-server --wait', () => {
  const args = ['key', 'add-server', 'letters', 'delta'];

  test('stays while operators are waited for, and is done when all have said yes', async () => {
    const words = await wordsOf(args);
    const waiting = runCkm([...args, '--key-name', 'letters', '--wait'], {
      environment: setup.environment,
      timeoutMs: 100_000,
    });
    await vi.waitUntil(async () => (await open()).length === 1, { timeout: 30_000, interval: 500 });
    await approveAll((await open())[0]!.id, words);
    const done = await waiting;
    expect([done.status, done.stdout]).toEqual([0, expect.stringMatching(/^letters is in epoch 1\n/)]);
    expect(done.stderr).not.toMatch(/CHANGE_WAITING|ckm: error/);
    expect(await open()).toEqual([]);
  }, 120_000);
});
