// @module-tag long
import { encodeHex, StateError } from '@ckm/foundation';
import { parseCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { copyDisk } from '../../test/disks.js';
import {
  createOwnedKey,
  epochOf,
  NAME,
  type OwnedKey,
  type OwnedKeyOptions,
  REFRESH,
  requorum,
  SERVERS,
  signersOf,
} from '../../test/owned-key.js';
import { unreachable } from '../../test/test-network.js';
import { type ChangeRecord, changeIdOf } from '../chain/change-record.js';

const DAY = 86_400;

let key: OwnedKey;
afterEach(() => key.close());

async function begin(options: OwnedKeyOptions = {}): Promise<OwnedKey> {
  key = await createOwnedKey(options);
  return key;
}

const idOf = (change: ChangeRecord) => encodeHex(changeIdOf(change));

describe('a change that was cancelled from another client', () => {
  test('is not begun anew by one that goes on with it: it says so and ends; ordered again it is another one', async () => {
    const { client, another } = await begin({ policy: {} });
    const wish = { kind: 'remove-server', server: 'charlie' } as const;
    const order = { name: NAME, wish };
    await expect(client.changeKey(order)).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    const other = await another();
    const [change] = await client.listChanges();
    await client.cancelChange(change!, 'not any more');
    await expect(other.client.resumeSession(idOf(change!))).rejects.toMatchObject({
      code: 'CHANGE_OVER',
      message: 'alpha says that this change of letters was cancelled from another client',
    });
    expect(await other.client.listChanges()).toMatchObject([{ state: 'cancelled' }]);
    expect((await other.client.openOrders()).orders).toEqual([]);
    await expect(other.client.changeKey(order)).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    expect((await other.client.openOrders()).orders).toMatchObject([{ servers: SERVERS, origin: 'open' }]);
  });
});

describe('before a change is given up, servers are asked what became of it', () => {
  test('and where another client has finished it, it is decided here too, and not cancelled', async () => {
    const { network, client, another } = await begin();
    network.cut('charlie');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const other = await another();
    expect(await other.client.changeKey(REFRESH)).toMatchObject({ epoch: 1 });
    const [change] = await client.listChanges();
    await expect(client.cancelChange(change!, 'no')).rejects.toMatchObject({ code: 'SESSION_OVER' });
    expect(await epochOf(client)).toBe(1);
    expect(await client.resumeSession(idOf(change!))).toMatchObject({
      kind: 'change',
      epoch: 1,
      isAsOrdered: true,
    });
    expect(await client.listChanges()).toMatchObject([{ state: 'finished' }]);
  });

  test('and where another order of another client was decided, that is on record with its certificate, and gone on with', async () => {
    const { network, client, another } = await begin({ count: 4 });
    network.cut('bravo');
    const mine = { name: NAME, wish: { kind: 'remove-server', server: 'charlie' } } as const;
    await expect(client.changeKey(mine)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const other = await another();
    const [change] = await other.client.listChanges();
    await other.client.cancelChange(change!, 'another one');
    const theirs = requorum(2, ['alpha', 'delta']);
    expect(await other.client.changeKey({ name: NAME, wish: theirs })).toMatchObject({ epoch: 1 });
    const done = await client.cancelChange(change!, 'no');
    expect(done).toMatchObject({ change: { state: 'cancelled' } });
    expect(await epochOf(client)).toBe(1);
    const adopted = (await client.listChanges()).find(({ state }) => state === 'open')!;
    const finished = await client.resumeSession(idOf(adopted));
    expect(finished).toMatchObject({ kind: 'change', epoch: 1, isAsOrdered: true, behind: [] });
    expect(await signersOf(client)).toEqual(['alpha', 'delta']);
  });

  test('and where the key has gone on since, as this client learned by signing, the next change ends it in order', async () => {
    const { network, client, another } = await begin();
    network.cut('charlie');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const other = await another();
    await other.client.changeKey(REFRESH);
    await client.verifyKey(NAME);
    network.now += DAY;
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 2 });
    const states = (await client.listChanges()).map(({ state, certificate }) => [
      state,
      certificate !== null,
    ]);
    expect(states).toEqual([
      ['finished', true],
      ['finished', true],
    ]);
  });

  test('and two certificates of one epoch are kept as evidence', async () => {
    const { network, client, store, another } = await begin();
    network.cut('charlie');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const copies = new Map<string, string>();
    for (const server of network.servers) {
      copies.set(server.name, await copyDisk(server));
    }
    const folders = network.servers.map(({ bare }) => bare.dataDir);
    const [one, two] = [await another(), await another()];
    await one.client.changeKey(REFRESH);
    for (const server of network.servers) await server.restart({ dataDir: copies.get(server.name)! });
    await two.client.changeKey(REFRESH);
    await network.servers[0]!.restart({ dataDir: folders[0]! });
    const [change] = await client.listChanges();
    await expect(client.cancelChange(change!, 'no')).rejects.toMatchObject({ code: 'SESSION_OVER' });
    const kept = await store.list('evidence');
    expect(kept).toHaveLength(2);
    for (const path of kept) expect(path).toMatch(/-key-forked$/);
  });
});

describe('a server that is to leave, and deals, is followed by another one that deals in the same command, when it', () => {
  test.each([
    ['falls silent', () => unreachable('bravo')],
    ['says no', () => new StateError('not now', { code: 'ANY_CODE', hint: 'ask', retryable: false })],
  ] as const)('%s', async (_, failure) => {
    const { network, client } = await begin({ count: 4 });
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'session.join' ? Promise.reject(failure()) : honest();
    const wish = requorum(2, ['alpha', 'delta']);
    expect(await client.changeKey({ name: NAME, wish })).toMatchObject({ epoch: 1, behind: [] });
    expect(network.server('charlie').asked).toContain('session.join');
  });
});

describe('a change whose session is not on record any more', () => {
  async function lose(): Promise<Client> {
    const { network, client, store } = await begin();
    network.cut('bravo', 'session.deliver');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    for (const path of await store.list('sessions')) await store.delete(path);
    return client;
  }

  test('goes on with another session', async () => {
    const client = await lose();
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: [] });
  });

  test('can be cancelled', async () => {
    const client = await lose();
    const [change] = await client.listChanges();
    expect(await client.cancelChange(change!, 'no')).toMatchObject({ at: SERVERS, silent: [] });
  });
});

test('a server that offers a static key of an epoch long ago is named before anybody signs', async () => {
  const { network, client } = await begin();
  await client.changeKey(REFRESH);
  network.now += DAY;
  const { record } = await client.showKey(NAME);
  const { staticKey } = parseCertificate(record.certificate).params.roster[2]!;
  network.server('bravo').tamper = async ({ name }, honest) => {
    const result = (await honest()) as { offer?: { receiver: object } | null };
    if (name !== 'session.propose' || result.offer === null || result.offer === undefined) return result;
    return { ...result, offer: { ...result.offer, receiver: { ...result.offer.receiver, staticKey } } };
  };
  await expect(client.changeKey(REFRESH)).rejects.toMatchObject({
    code: 'FAULT_OFFER_INVALID',
    facts: { servers: ['bravo'] },
  });
  network.makeHonest();
  expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 2 });
});
