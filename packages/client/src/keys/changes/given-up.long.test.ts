// @module-tag long
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex, StateError } from '@ckm/foundation';
import { parseCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';
import { type ChangeRecord, changeIdOf } from '../chain/change-record.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const DAY = 86_400;
const REFRESH = { name: 'letters', wish: { kind: 'refresh' } } as const;

let network: TestNetwork;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await network.close();
});

/** Servers of which the first three have a key that is changed without asking anybody, unless the test says otherwise. */
async function begin(
  count: number,
  policy: Parameters<Client['createKey']>[0]['policy'] = { changes: 'automatic', changeDelay: 0 },
): Promise<{ readonly client: Client; readonly store: ClientStore }> {
  network = await createTestNetwork(count);
  const store = memoryStore();
  const client = await network.owner({ store });
  const quorum = { needed: 2, of: 3 } as const;
  await client.createKey({ name: 'letters', purpose: 'message', quorum, servers: SERVERS, policy });
  return { client, store };
}

/** Another client of the same owner, with the same records as of now. */
async function another(
  store: ClientStore,
): Promise<{ readonly client: Client; readonly store: ClientStore }> {
  const copy = await copyStore(store);
  const client = ownerClient(network.send, () => network.now, { store: copy });
  clients.push(client);
  return { client, store: copy };
}

const silent = (name: string) => {
  network.server(name).wire = () => Promise.reject(unreachable(name));
};
const idOf = (change: ChangeRecord) => encodeHex(changeIdOf(change));
const epochOf = async (client: Client) => (await client.showKey('letters')).newest.params.epoch;

describe('a change that was cancelled from another client', () => {
  test('is not begun anew by one that goes on with it: it says so and ends; ordered again it is another one', async () => {
    const { client, store } = await begin(3, {});
    const wish = { kind: 'remove-server', server: 'charlie' } as const;
    const order = { name: 'letters', wish };
    await expect(client.changeKey(order)).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    const other = await another(store);
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
    const { client, store } = await begin(3);
    silent('charlie');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const other = await another(store);
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
    const { client, store } = await begin(4);
    silent('bravo');
    const mine = { name: 'letters', wish: { kind: 'remove-server', server: 'charlie' } } as const;
    await expect(client.changeKey(mine)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const other = await another(store);
    const [change] = await other.client.listChanges();
    await other.client.cancelChange(change!, 'another one');
    const theirs = { kind: 'requorum', quorum: { needed: 2, of: 2 }, servers: ['alpha', 'delta'] } as const;
    expect(await other.client.changeKey({ name: 'letters', wish: theirs })).toMatchObject({ epoch: 1 });
    const done = await client.cancelChange(change!, 'no');
    expect(done).toMatchObject({ change: { state: 'cancelled' } });
    expect(await epochOf(client)).toBe(1);
    const adopted = (await client.listChanges()).find(({ state }) => state === 'open')!;
    const finished = await client.resumeSession(idOf(adopted));
    expect(finished).toMatchObject({ kind: 'change', epoch: 1, isAsOrdered: true, behind: [] });
    expect((await client.sign({ key: 'letters', ...messageOf('hello') })).signers).toEqual([
      'alpha',
      'delta',
    ]);
  });

  test('and where the key has gone on since, as this client learned by signing, the next change ends it in order', async () => {
    const { client, store } = await begin(3);
    silent('charlie');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const other = await another(store);
    await other.client.changeKey(REFRESH);
    await client.verifyKey('letters');
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
    const { client, store } = await begin(3);
    silent('charlie');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const copies = new Map<string, string>();
    for (const server of network.servers) {
      await server.restart();
      copies.set(server.name, mkdtempSync(join(tmpdir(), 'ckm-twin-')));
      cpSync(server.bare.dataDir, copies.get(server.name)!, { recursive: true });
    }
    const folders = network.servers.map(({ bare }) => bare.dataDir);
    const [one, two] = [await another(store), await another(store)];
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
    const { client } = await begin(4);
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'session.join' ? Promise.reject(failure()) : honest();
    const wish = { kind: 'requorum', quorum: { needed: 2, of: 2 }, servers: ['alpha', 'delta'] } as const;
    expect(await client.changeKey({ name: 'letters', wish })).toMatchObject({ epoch: 1, behind: [] });
    expect(network.server('charlie').asked).toContain('session.join');
  });
});

describe('a change whose session is not on record any more', () => {
  async function lose(): Promise<Client> {
    const { client, store } = await begin(3);
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'session.deliver' ? Promise.reject(unreachable('bravo')) : honest();
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
  const { client } = await begin(3);
  await client.changeKey(REFRESH);
  network.now += DAY;
  const { record } = await client.showKey('letters');
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
