// @module-tag long
import { signIdentityStatement } from '@ckm/api';
import { type CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { createKeyDesk } from '@ckm/server/test';
import { encodeStatement, NO_RECALL, statementBytes } from '@ckm/threshold';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyLife, DAY, type KeyLife } from '../../test/key-life.js';
import { NAME, REFRESH, requorum, SERVERS } from '../../test/owned-key.js';
import { messageOf, type Tamper } from '../../test/test-network.js';

let life: KeyLife;
afterEach(() => life.close());

const FOUR = [...SERVERS, 'delta'];
const TWO = { name: NAME, wish: requorum(2, ['alpha', 'bravo']) };
const BY_WORDS = { ...TWO, byWords: true };
const sign = async () => (await life.client.sign({ key: NAME, ...messageOf('hello') })).signers;
const change = () => life.client.changeKey(BY_WORDS);
const ordered = async (name: string) =>
  (await (await life.callerOf(name)).call('key.show', { keyId: life.keyId })).key.order;

describe('L14: a key of 2 of 4 with two of its servers gone for good', () => {
  beforeEach(async () => {
    life = await createKeyLife(FOUR, 2, 0);
    life.network.cut('charlie');
    life.network.cut('delta');
  });

  test('is changed by nobody without the words, and by the two others behind seven days that each of them has counted', async () => {
    const { client, network } = life;
    await expect(client.changeKey(TWO)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    expect(await client.planChange(BY_WORDS)).toMatchObject({
      deciding: 2,
      byWords: { ever: 3, areHere: true },
      rules: { changes: 'automatic', changeDelay: 7 * DAY },
    });
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    expect(await ordered('alpha')).toMatchObject({ byWords: true, state: 'waiting' });
    await life.pass(6 * DAY);
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    expect(await sign()).toEqual(['alpha', 'bravo']);
    await life.pass(DAY);
    expect(await change()).toMatchObject({ epoch: 1, mayFork: true, isAsOrdered: true });
    expect((await life.newest()).params).toMatchObject({ epoch: 1, quorum: { needed: 2, of: 2 } });
    expect(await sign()).toEqual(['alpha', 'bravo']);
    // Whoever comes back believes those who say that the words have released them, and leaves.
    network.makeHonest();
    const { forgetting } = await change();
    expect(forgetting.map(({ server, outcome }) => `${server} ${outcome}`).toSorted()).toEqual(
      FOUR.map((name) => `${name} forgot`),
    );
    network.now += DAY;
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 2, mayFork: false });
  });

  test('time in which a server does not run counts for nothing', async () => {
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    life.network.now += 30 * DAY;
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
  });

  test('is left as it is where a device takes the order back, also at the last moment; ordered again it waits anew', async () => {
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    await life.pass(7 * DAY - 1_200);
    const [order] = (await life.client.openOrders()).orders;
    expect(order).toMatchObject({ byWords: true, servers: ['alpha', 'bravo'] });
    await life.client.cancelOrder(order!);
    await life.pass(DAY);
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_OVER' });
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    await life.pass(6 * DAY);
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    expect((await life.newest()).params.epoch).toBe(0);
  });

  test('is left as it is where one operator says no, though nobody asks him', async () => {
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    const { changeDesk } = life.network.server('bravo').bare.sessions;
    const { changes } = await changeDesk.list();
    const seen = changes.find(({ keyId }) => equalBytes(keyId, life.keyId))!;
    expect(seen.sentence).toContain('By the words of its owner');
    await changeDesk.reject(seen, 'the owner sounded strange');
    await life.pass(8 * DAY);
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_OVER' });
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_OVER' });
    expect((await life.newest()).params.epoch).toBe(0);
  });

  test('an order by the words that came to nothing behind its days, and was promised for, keeps nobody from a refresh', async () => {
    const { client, network } = life;
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    await life.pass(7 * DAY);
    network.cut('bravo', 'session.propose');
    await expect(change()).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    await client.cancelChange((await client.listChanges())[0]!, 'enough others are back');
    const codes: string[] = [];
    let changed: Awaited<ReturnType<typeof change>> | null = null;
    while (changed === null && codes.length < 4) {
      network.now += 600;
      changed = await client.changeKey(REFRESH).catch((error: unknown) => {
        codes.push((error as CkmError).code);
        return null;
      });
    }
    expect(codes.filter((code) => code !== 'CHANGE_VOTES_TOO_FEW')).toEqual([]);
    expect(changed).toMatchObject({ epoch: 1, mayFork: false });
  }, 120_000);

  test('a client that finds the epoch believes it, and says that it may fork', async () => {
    await expect(change()).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    await life.pass(7 * DAY);
    life.network.cut('alpha', 'change.commit');
    await expect(change()).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    life.network.makeHonest();
    const other = await life.network.owner();
    for (const { name, url } of life.network.servers) await other.addServer({ name, url });
    await other.keepKey((await other.fetchKeys()).keys[0]!, { name: NAME });
    expect(await other.changeKey(BY_WORDS)).toMatchObject({ epoch: 1, mayFork: true });
    await other.close();
  });
});

/** The server of slot 1 promises for another order than it was asked about. */
async function promisesOther(mayFork: boolean): Promise<Tamper> {
  const { params, transcriptHash } = await life.newest();
  const { keyId, epoch } = params;
  return async ({ name, parameters }, honest) => {
    if (name !== 'change.promise') return honest();
    const { attempt } = parameters as { attempt: number };
    const orderHash = new Uint8Array(32).fill(7);
    const said = { kind: 'promise', slot: 1 as never, attempt, mayFork, orderHash } as const;
    const promise = { ...said, highest: null, recall: NO_RECALL };
    const bytes = statementBytes({ keyId, epoch, transcriptHash }, promise);
    const signature = signIdentityStatement(life.network.server('alpha').identity, bytes);
    return { statement: encodeStatement({ ...promise, signature }), highest: null };
  };
}

test.each([true, false])(
  'L14: one liar in the lowest slot, which promises for another order, keeps nobody from the order by the words, and is named (marked: %s)',
  async (mayFork) => {
    life = await createKeyLife(FOUR, 2, 0);
    const { client, network } = life;
    network.cut('delta');
    const args = { name: NAME, wish: requorum(2, ['bravo', 'charlie']), byWords: true };
    const { faults } = await (async () => {
      await expect(client.changeKey(args)).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
      await life.pass(7 * DAY);
      network.server('alpha').tamper = await promisesOther(mayFork);
      return client.changeKey(args);
    })();
    expect(await life.newest()).toMatchObject({ params: { epoch: 1, quorum: { needed: 2, of: 2 } } });
    expect(faults).toMatchObject([
      { code: 'FAULT_PACKET_INVALID', text: expect.stringContaining('alpha') as string },
    ]);
    expect(await sign()).toEqual(['bravo', 'charlie']);
  },
  120_000,
);

test('L14: a strict key of 2 of 3 goes on with the two that are left, by the words', async () => {
  life = await createKeyLife(SERVERS, 2, 0, true);
  const wish = { kind: 'replace-server', server: 'charlie', by: 'delta' } as const;
  life.network.cut('charlie');
  await expect(life.client.changeKey({ name: NAME, wish })).rejects.toMatchObject({
    hint: expect.stringContaining('by the words') as string,
  });
  const args = { name: NAME, wish, byWords: true };
  await expect(life.client.changeKey(args)).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
  await life.pass(7 * DAY);
  expect(await life.client.changeKey(args)).toMatchObject({ epoch: 1, mayFork: true });
  expect((await life.newest()).params).toMatchObject({ epoch: 1, flags: { strict: true } });
});

test('L14: a key of 2 of 3, two of whose servers were restored, gets new shares by the words', async () => {
  life = await createKeyLife(SERVERS, 2, 0);
  const { client, network } = life;
  for (const name of ['alpha', 'bravo']) {
    const { bare } = network.server(name);
    await bare.sessions.voidOpen('the database is an older one');
    // Of the third alone neither learns how far the key is: their operators say so.
    await createKeyDesk(bare).release(encodeHex(life.keyId), null);
  }
  network.now += DAY;
  await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'CHANGE_VOTES_TOO_FEW' });
  const args = { ...REFRESH, byWords: true };
  await expect(client.changeKey(args)).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
  await life.pass(7 * DAY);
  expect(await client.changeKey(args)).toMatchObject({ epoch: 1, mayFork: true });
  expect(await sign()).toHaveLength(2);
});
