// @module-tag long
import { afterEach, expect, test } from 'vitest';
import { createKeyLife, type KeyLife } from '../../test/key-life.js';
import { NAME, REFRESH } from '../../test/owned-key.js';
import { messageOf } from '../../test/test-network.js';

let life: KeyLife;
afterEach(() => life.close());

const CHARLIE = { name: NAME, server: 'charlie' };
const keyNow = async () => (await life.client.status()).keys[0]!;
const lineAbout = async (subject: string) =>
  (await life.client.diagnose()).find((line) => line.subject === subject);
const signersWithout = async (...without: readonly string[]) =>
  (await life.client.sign({ key: NAME, ...messageOf('still'), without })).signers.toSorted();
/** Whatever was asked of servers beside questions that change nothing. */
const openSessions = async () =>
  (await life.client.listSessions()).filter(({ state }) => state === 'open').length;

async function repairBravo(servers: readonly string[]): Promise<void> {
  life = await createKeyLife(servers, 2, 0);
  await life.loseShare('bravo');
  await life.repair('bravo');
}

test('after the first repair of an epoch status and doctor count who forgot apart and say: refresh; after the refresh another one is repaired, and the key changes hands', async () => {
  await repairBravo(['alpha', 'bravo', 'charlie']);
  expect(await keyNow()).toMatchObject({
    margin: 1,
    forgot: ['bravo'],
    changeable: 'once',
    changes: { needed: 2, margin: 0, isLow: true },
  });
  const remedy = { kind: 'refreshKey', key: NAME };
  expect(await lineAbout(`${NAME} on bravo`)).toMatchObject({ level: 'warn', remedy });
  expect(await lineAbout(NAME)).toMatchObject({
    text: expect.stringContaining(
      '1 server may fail; none may fail and it still changes hands: 3 of 3 servers answer',
    ) as string,
    remedy,
  });

  await life.change({ kind: 'refresh' });
  expect(await keyNow()).toMatchObject({ forgot: [], changeable: 'yes', changes: { margin: 1 } });
  expect(await lineAbout(`${NAME} on bravo`)).toBeUndefined();
  await life.loseShare('charlie');
  expect(await life.client.planRepair(CHARLIE)).toMatchObject({ ends: null });
  await life.repair('charlie');
  await life.change({ kind: 'replace-server', server: 'charlie', by: 'delta' });
  expect(await signersWithout('alpha')).toEqual(['bravo', 'delta']);
});

test('a second repair of the epoch is stopped while a refresh can be made, which gives the share back too; then one is repaired, and the key changes hands', async () => {
  await repairBravo(['alpha', 'bravo', 'charlie', 'delta']);
  await life.loseShare('charlie');
  const ends = { ifLost: false, forgot: ['bravo'], deciding: 3, missing: [] };
  expect(await life.client.planRepair(CHARLIE)).toMatchObject({ ends });
  await expect(life.client.repairKey(CHARLIE)).rejects.toMatchObject({
    code: 'REPAIR_ENDS_CHANGES',
    hint: expect.stringMatching(/^refresh the key first/) as string,
    remedy: { kind: 'refreshKey', key: NAME },
    facts: { server: 'charlie', servers: ['bravo'], missing: [] },
  });
  expect(await openSessions()).toBe(0);

  await life.change({ kind: 'refresh' });
  expect(await life.client.repairKey(CHARLIE)).toEqual({ outcome: 'held', server: 'charlie' });
  await life.loseShare('charlie');
  await life.repair('charlie');
  await life.change({ kind: 'replace-server', server: 'charlie', by: 'echo' });
  expect(await signersWithout('alpha', 'bravo')).toEqual(['delta', 'echo']);
});

test('where too few are left to deal new shares it is done for who insists, and is what it was said to be: the key signs, and never changes', async () => {
  await repairBravo(['alpha', 'bravo', 'charlie']);
  await life.loseShare('charlie');
  const ends = { forgot: ['bravo'], deciding: 2, missing: ['charlie'] };
  expect(await life.client.planRepair(CHARLIE)).toMatchObject({ ends });
  await expect(life.client.repairKey(CHARLIE)).rejects.toMatchObject({
    code: 'REPAIR_ENDS_CHANGES',
    hint: expect.stringContaining('say the name of the key once more') as string,
  });
  expect(await openSessions()).toBe(0);

  const { ends: read } = await life.client.planRepair(CHARLIE);
  const insisting = { ...CHARLIE, endsChanges: read! };
  await expect(life.client.repairKey(insisting)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
  // What goes on is stopped as well, unless it is insisted on again.
  await expect(life.client.repairKey(CHARLIE)).rejects.toMatchObject({ code: 'REPAIR_ENDS_CHANGES' });
  await life.repair('charlie', { endsChanges: read! });
  expect(await signersWithout('alpha')).toEqual(['bravo', 'charlie']);
  expect(await keyNow()).toMatchObject({ forgot: ['bravo', 'charlie'], changeable: 'never' });
  expect(await lineAbout(`${NAME} on bravo and charlie`)).toMatchObject({ level: 'fail' });
  await expect(life.client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'CHANGE_VOTES_TOO_FEW' });
});

test('a server that is behind, and has lost what opens its share, is given it back by who insists; what he read of another epoch, or behind another certificate, is no word about this one', async () => {
  life = await createKeyLife(['alpha', 'bravo', 'charlie'], 2, 0);
  await life.backUp('charlie');
  await life.change({ kind: 'refresh' });
  await life.loseShare('bravo');
  await life.repair('bravo');
  await life.restore('charlie');
  const { ends: read } = await life.client.planRepair(CHARLIE);
  expect(read).toMatchObject({ ifLost: true, forgot: ['bravo'] });
  await expect(life.client.repairKey(CHARLIE)).rejects.toMatchObject({ code: 'REPAIR_ENDS_CHANGES' });
  const elsewhere = { ...read!, transcriptHash: new Uint8Array(32).fill(7) };
  const misled = life.client.repairKey({ ...CHARLIE, endsChanges: elsewhere });
  await expect(misled).rejects.toMatchObject({ code: 'REPAIR_ENDS_CHANGES' });
  expect(await openSessions()).toBe(0);
  await life.repair('charlie', { endsChanges: read! });
  expect(await signersWithout('alpha')).toEqual(['bravo', 'charlie']);
});

test.each([
  [false, ['charlie']],
  [true, []],
])(
  'one that was restored from a backup has forgotten like one that was repaired; of a strict key (%j) it is reminded, since all decide, and deals: a refresh misses %j',
  async (strict, missing) => {
    life = await createKeyLife(['alpha', 'bravo', 'charlie'], 2, 0, strict);
    await life.backUp('bravo');
    await life.restore('bravo');
    expect(await keyNow()).toMatchObject({ forgot: ['bravo'], changeable: 'once' });
    await life.loseShare('charlie');
    expect(await life.client.planRepair(CHARLIE)).toMatchObject({ ends: { forgot: ['bravo'], missing } });
    if (!strict) return;
    await life.change({ kind: 'refresh' });
    expect(await signersWithout('alpha')).toEqual(['bravo', 'charlie']);
  },
);
