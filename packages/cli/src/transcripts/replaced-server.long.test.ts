// @module-tag long
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOf } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

/** As docs/repair.md tells it: a server that is gone for good, and another one in its place. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/repair.md'), 'utf8');
const REPAIR = 'ckm key repair treasury --server bravo --by delta';
const BY_DELTA = REPAIR.replace('treasury', 'letters').split(' ').slice(1);
const NAMED = [...BY_DELTA, '--key-name', 'letters'];

let setup: Setup;
let words: string;
beforeAll(async () => {
  setup = await openSetup({ names: ['alpha', 'bravo', 'charlie', 'delta'] });
  await createKey(setup, 'letters', '--for', 'message', '--change-delay', '0');
  await setup.servers['bravo']!.stop();
}, 120_000);
afterAll(() => setup.close());

const ckm = (...args: string[]) => setup.ckm([...args, '--timeout', '2']);
const signersWithout = async (name: string) =>
  (
    await setup.json<{ signers: string[] }>([
      'sign',
      'letters',
      '--message',
      'hello',
      '--without',
      name,
      '--yes',
    ])
  ).signers;

test('the page has this command', () => {
  expect(PAGE).toContain(REPAIR);
});

describe('ckm key repair NAME --server bravo --by delta, when bravo is gone for good', () => {
  test('says before it begins that the share of bravo dies, who must be there, and what it does not protect from', async () => {
    const { stdout, stderr, status } = await ckm(...BY_DELTA, '--preview');
    expect([status, stdout]).toEqual([0, 'nothing was sent\n']);
    for (const line of [
      /Servers +2 of 3: alpha, delta, charlie/,
      /Join +delta/,
      /Leave +bravo/,
      /Dies +the share of bravo: nobody gives it back, and it is of no use beside the new ones, whoever finds it/,
      /Must be there +all of alpha, delta, charlie/,
      /Waits .* not before its operator has typed the six words/,
      /Does not help +against a server that keeps its old share in secret/,
    ])
      expect(stderr).toMatch(line);
    ({ words } = await setup.json<{ words: string }>([...BY_DELTA, '--preview']));
    expect(stderr).toContain(words);
  });

  test.each([
    ['the same server', '--server bravo --by bravo', 'SERVERS_NOT_DISTINCT', 64],
    ['one that holds a share already', '--server bravo --by alpha', 'SERVERS_NOT_DISTINCT', 64],
    ['one that nobody has added', '--server bravo --by golf', 'SERVER_UNKNOWN', 64],
    ['for one that nobody has added', '--server golf --by delta', 'SERVER_UNKNOWN', 64],
    ['for one that is none of the key', '--server delta --by alpha', 'CHANGE_NOTHING', 75],
    ['with helpers', '--server bravo --by delta --helpers alpha,charlie', 'OPTION_INVALID', 64],
    ['with --stop', '--server bravo --by delta --stop', 'OPTION_INVALID', 64],
    ['a key name without it', '--server bravo --key-name letters', 'OPTION_INVALID', 64],
    [
      'an answer that is no name of the key',
      '--server bravo --by delta --key-name other',
      'CANCELLED_BY_PERSON',
      75,
    ],
    ['without its name', '--server bravo --by delta --yes', 'CONFIRMATION_NEEDED', 64],
  ])('%s is refused in words, and nobody is asked', async (_, line, code, status) => {
    const outcome = await ckm('key', 'repair', 'letters', ...line.split(' '));
    const { message, hint, ...error } = errorOf(outcome);
    expect([error.code, outcome.status, outcome.stdout]).toEqual([code, status, '']);
    expect(message).toMatch(/\S/);
    expect(hint).toMatch(/\S/);
    expect(await setup.json(['sessions', 'list', '--open'])).toEqual([]);
  });

  test('waits for the operators of those that are to hold a share, and for nobody at bravo', async () => {
    const waiting = await ckm(...NAMED);
    expect([waiting.status, errorOf(waiting).code]).toEqual([77, 'CHANGE_WAITING']);
    expect(errorOf(waiting).message).toContain('the operators of alpha, delta and charlie');
    expect(await signersWithout('bravo')).toEqual(['alpha', 'charlie']);
  });

  test('goes on by itself with --wait once all of them have typed the six words, and is done', async () => {
    const going = setup.ckm([...NAMED, '--wait', '5m', '--timeout', '2'], { timeoutMs: 150_000 });
    const [open] = await setup.json<{ id: string }[]>(['sessions', 'list', '--open']);
    for (const name of ['alpha', 'charlie', 'delta'])
      await setup.json(['server', 'approve', setup.folderOf(name), open!.id, '--words', words]);
    const { status, stdout, stderr } = await going;
    expect([status, stderr.match(/error/)]).toEqual([0, null]);
    expect(stdout).toContain('letters is in epoch 1');
    expect(stdout).toMatch(/told to destroy their old shares: .*bravo has not said/);
    expect(stdout).not.toContain('not there yet');
    for (const [without, signers] of [
      ['alpha', ['delta', 'charlie']],
      ['charlie', ['alpha', 'delta']],
    ] as const)
      expect((await signersWithout(without)).toSorted()).toEqual(signers.toSorted());
  }, 200_000);

  test('said again it asks once more who destroyed an old share, and status names who has not said', async () => {
    const again = await ckm(...NAMED);
    expect([again.status, again.stdout.split('\n')[0]]).toEqual([0, 'letters is in epoch 1']);
    expect((await ckm('status')).stdout).toMatch(/told to destroy their old shares:[^]*bravo has not said/);
  });
});
