// @module-tag long
import { cpSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loseEpochKeys, restartChanged } from '../test/lose-epoch-keys.js';
import { errorOf } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup, type SetupServer } from '../test/run-server.js';

/** As docs/repair.md tells it, with servers that are processes. */
let setup: Setup;
const running: SetupServer[] = [];

interface Waiting {
  readonly sessionId: string;
  readonly kind: string;
  readonly sentence: string;
}

async function waitingAt(name: string): Promise<Waiting> {
  const [first, ...more] = await setup.json<Waiting[]>(['server', 'requests', setup.folderOf(name)]);
  expect(more).toEqual([]);
  return first!;
}

async function approveAt(name: string): Promise<void> {
  await approve(name, await waitingAt(name));
}

/** Where something else waits, too. */
async function approveOf(name: string, sentence: string): Promise<void> {
  const all = await setup.json<Waiting[]>(['server', 'requests', setup.folderOf(name)]);
  await approve(
    name,
    all.find((one) => one.sentence.startsWith(sentence))!,
  );
}

async function approve(name: string, { sessionId }: Waiting): Promise<void> {
  const folder = setup.folderOf(name);
  const approved = await setup.json<object>(['server', 'approve', folder, sessionId, '--yes']);
  expect(approved).toMatchObject({ sessionId, verdict: 'approved' });
}

const REPAIR = ['key', 'repair', 'letters', '--server', 'bravo'];

beforeAll(async () => {
  setup = await openSetup({ asProcesses: true });
  await createKey(setup, 'letters', '--for', 'message');
  running.push(await loseEpochKeys(setup, 'bravo'));
}, 120_000);
afterAll(async () => {
  for (const server of running) await server.stop('SIGKILL');
  await setup.close();
});

describe('a server that lost the folder of its epoch keys', () => {
  test('previewed, the repair says who would be asked, what stays, and what it does not protect from', async () => {
    const { stdout, stderr, status } = await setup.ckm([...REPAIR, '--preview']);
    expect([status, stdout]).toEqual([0, 'nothing was written\n']);
    expect(stderr).toContain('Give back   the share of letters that bravo has lost');
    expect(stderr).toContain('Helping     alpha, charlie: 2 are needed, and none of them sees it');
    expect(stderr).toContain('the old share stays valid');
    expect(stderr).toContain('Then        ckm key refresh letters: new shares for all');
    expect(stderr).not.toContain('Ends');
    const named = await setup.ckm([...REPAIR, '--key-name', 'letters', '--yes']);
    expect([named.status, errorOf(named).code]).toEqual([64, 'OPTION_INVALID']);
  });

  test('is named by a key check with the repair, whichever recovery the key has', async () => {
    const checked = await setup.ckm(['key', 'check', 'letters']);
    expect([checked.status, errorOf(checked)]).toEqual([
      69,
      {
        message: 'bravo has lost its share',
        hint: 'have it get its share back: ckm key repair letters --server bravo',
        code: 'SHARE_LOST',
      },
    ]);
  });

  test('is asked first: its operator reads what a yes means, and says that the share is lost', async () => {
    const first = await setup.ckm([...REPAIR, '--yes']);
    expect([first.status, errorOf(first).code]).toEqual([69, 'SERVERS_MISSING']);
    expect(await waitingAt('bravo')).toMatchObject({
      kind: 'repair',
      sentence:
        'Say that this server has lost its share of this key (epoch 0), and take it back from others.',
    });
    const { sessionId } = await waitingAt('bravo');
    const looked = await setup.ckm([
      'server',
      'approve',
      setup.folderOf('bravo'),
      sessionId.slice(0, 8),
      '--preview',
    ]);
    expect(looked.stdout).toBe(`would approve ${sessionId}\n`);
    expect(looked.stderr).toContain('Say yes only if the share is really gone');
    await approveAt('bravo');
  });

  test('has its share again when the helpers have agreed, and signs with one of them while the other is stopped', async () => {
    const second = await setup.ckm([...REPAIR, '--yes']);
    expect([second.status, errorOf(second).code]).toEqual([69, 'SERVERS_MISSING']);
    expect((await waitingAt('alpha')).sentence).toBe(
      'Help slot 2 of this key to the share that it has lost (epoch 0).',
    );
    for (const name of ['alpha', 'charlie']) await approveAt(name);
    const done = await setup.ckm([...REPAIR, '--yes']);
    expect([done.status, done.stdout]).toEqual([
      0,
      'bravo has its share of letters again, by alpha and charlie\n',
    ]);
    expect(done.stderr).toContain('next: ckm key refresh letters');
    await setup.servers['charlie']!.stop();
    const signed = await setup.json<{ signers: string[] }>([
      'sign',
      'letters',
      '--message',
      'with a repaired share',
      '--yes',
    ]);
    expect(signed.signers).toEqual(['alpha', 'bravo']);
  });

  test('has all of it in its log', async () => {
    const { stdout } = await setup.ckm(['server', 'audit', 'show', setup.folderOf('bravo')]);
    expect(stdout).toContain('Say that this server has lost its share of this key (epoch 0)');
  });
});

describe('a second server of the key that loses its share in the same epoch', () => {
  const SECOND = ['key', 'repair', 'letters', '--server', 'charlie'];

  test('is looked out for: status names the refresh that has to come first', async () => {
    running.push(await loseEpochKeys(setup, 'charlie'));
    const { stdout } = await setup.ckm(['status']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'bravo came back in this epoch, and one more ends all changes of its servers: ckm key refresh letters',
    );
  });

  test('is given its share back only by an owner who has said that no change comes after it', async () => {
    const { stdout, stderr } = await setup.ckm([...SECOND, '--preview']);
    expect(stdout).toBe('nothing was written\n');
    expect(stderr).toContain(
      'Ends        every change and refresh of letters: bravo came back in this epoch too',
    );
    expect(stderr).toContain('Instead     ckm key refresh letters, if charlie can be had back as it was');
    expect(stderr).not.toContain('Then ');
    const refused = await setup.ckm([...SECOND, '--yes']);
    expect([refused.status, errorOf(refused).code]).toEqual([75, 'REPAIR_ENDS_CHANGES']);
    const misnamed = await setup.ckm([...SECOND, '--yes', '--key-name', 'lettres']);
    expect([misnamed.status, errorOf(misnamed).code]).toEqual([75, 'CANCELLED_BY_PERSON']);
    expect(await setup.json(['server', 'requests', setup.folderOf('charlie')])).toEqual([]);
    const named = await setup.ckm([...SECOND, '--key-name', 'letters']);
    expect([named.status, errorOf(named).code]).toEqual([69, 'SERVERS_MISSING']);
    expect(await waitingAt('charlie')).toMatchObject({ kind: 'repair' });
  });
});

/** Everything in a folder but sockets, as a snapshot of the machine has it. */
function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !lstatSync(path).isSocket() });
}

describe('a server that is put back to before the last refresh of a key', () => {
  const REPAIR_ALPHA = ['key', 'repair', 'notes', '--server', 'alpha', '--helpers', 'bravo,charlie', '--yes'];
  const COMMAND = 'ckm key repair notes --server alpha';

  test('is led to its repair by check and verify, and proves its share of the new epoch after that', async () => {
    await createKey(setup, 'notes', '--for', 'message');
    const [folder, snapshot] = [setup.folderOf('alpha'), join(setup.scratch.path, 'alpha-before')];
    const before = await restartChanged(folder, setup.servers['alpha']!, () => copyFolder(folder, snapshot));
    running.push(before);
    expect((await setup.json<{ epoch: number }>(['key', 'refresh', 'notes', '--yes'])).epoch).toBe(1);
    running.push(
      await restartChanged(folder, before, () => {
        rmSync(folder, { recursive: true });
        copyFolder(snapshot, folder);
      }),
    );
    const checked = await setup.ckm(['key', 'check', 'notes']);
    expect([checked.status, errorOf(checked).code]).toEqual([77, 'KEY_NOT_CHECKED']);
    expect(errorOf(checked).hint).toBe(
      `if it came back from an older backup, have the others give it its share: ${COMMAND}`,
    );
    const verified = await setup.ckm(['key', 'verify', 'notes']);
    expect([verified.status, errorOf(verified).code]).toEqual([75, 'KEY_NOT_VERIFIED']);
    expect(errorOf(verified).hint).toMatch(new RegExp(`if it came back from an older backup: ${COMMAND}$`));
    expect((await setup.ckm(REPAIR_ALPHA)).status).toBe(69);
    await approveAt('alpha');
    expect((await setup.ckm(REPAIR_ALPHA)).status).toBe(69);
    for (const name of ['bravo', 'charlie']) await approveOf(name, 'Help slot 1');
    expect(await setup.json(REPAIR_ALPHA)).toMatchObject({
      outcome: 'repaired',
      helpers: ['bravo', 'charlie'],
    });
    expect((await setup.ckm(['key', 'check', 'notes'])).status).toBe(0);
  }, 120_000);
});
