// @module-tag long
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const REFRESH = { name: 'letters', wish: { kind: 'refresh' } } as const;

let network: TestNetwork;
afterEach(() => network.close());

async function begin(store: ClientStore = memoryStore()): Promise<Client> {
  network = await createTestNetwork(4);
  const client = await network.owner({ store });
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: SERVERS,
    policy: { changes: 'automatic', changeDelay: 0 },
  });
  return client;
}

const later = (store: ClientStore) => ownerClient(network.send, () => network.now, { store });

/** Of which epochs each of these servers holds a share. */
async function epochsHeld(names: readonly string[]): Promise<Record<string, readonly number[]>> {
  const held: Record<string, readonly number[]> = {};
  for (const name of names) {
    const { storage, epochKeys } = network.server(name).bare.context;
    const rows = await storage.read(({ shares }) => shares.listAll(null, 20));
    held[name] = rows.filter((row) => epochKeys.exists(row)).map(({ epoch }) => epoch);
  }
  return held;
}

async function receiptsOf(client: Client): Promise<readonly string[]> {
  const { receipts = [] } = (await client.showKey('letters')).record;
  return receipts.map(({ server, epoch }) => `${server} ${epoch}`).toSorted();
}

/** The computer is gone before it has told any server to destroy its old share. */
async function changeAndLose(client: Client): Promise<void> {
  for (const { name } of network.servers) {
    network.server(name).tamper = (asked, honest) =>
      asked.name === 'change.retire' ? Promise.reject(unreachable(name)) : honest();
  }
  await client.changeKey(REFRESH);
  network.makeHonest();
}

describe('shares of epochs that are over', () => {
  test('are destroyed by the next change, where a server died in one and was left out', async () => {
    const client = await begin();
    network.server('charlie').tamper = ({ name }, honest) =>
      name === 'change.commit' ? Promise.reject(unreachable('charlie')) : honest();
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: ['charlie'] });
    network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
    const quorum = { needed: 2, of: 3 } as const;
    const wish = { kind: 'requorum', quorum, servers: ['alpha', 'bravo', 'delta'] } as const;
    const changed = await client.changeKey({ name: 'letters', wish });
    expect(changed).toMatchObject({ epoch: 2, behind: [] });
    expect(await epochsHeld(['alpha', 'bravo', 'delta'])).toEqual({ alpha: [2], bravo: [2], delta: [2] });
    expect(await receiptsOf(client)).toEqual(['alpha 0', 'alpha 1', 'bravo 0', 'bravo 1']);
  });

  test('are destroyed at a server that left before, by what came after it', async () => {
    const client = await begin();
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'change.commit' ? Promise.reject(unreachable('bravo')) : honest();
    const quorum = { needed: 2, of: 3 } as const;
    const without = { kind: 'requorum', quorum, servers: ['alpha', 'bravo', 'delta'] } as const;
    expect(await client.changeKey({ name: 'letters', wish: without })).toMatchObject({ behind: ['bravo'] });
    network.server('bravo').wire = () => Promise.reject(unreachable('bravo'));
    const two = { kind: 'requorum', quorum: { needed: 2, of: 2 }, servers: ['alpha', 'delta'] } as const;
    await client.changeKey({ name: 'letters', wish: two });
    expect(await epochsHeld(['alpha', 'charlie', 'delta'])).toEqual({ alpha: [2], charlie: [], delta: [2] });
    expect(await receiptsOf(client)).toEqual(['alpha 0', 'alpha 1', 'charlie 0', 'delta 1']);
  });

  test('are destroyed when the key is fetched, where the laptop that changed it is gone', async () => {
    const client = await begin();
    await changeAndLose(client);
    expect(await epochsHeld(SERVERS)).toEqual({ alpha: [0, 1], bravo: [0, 1], charlie: [0, 1] });
    const other = later(memoryStore());
    for (const { name, url } of network.servers) await other.addServer({ name, url });
    const { keys } = await other.fetchKeys();
    await other.keepKey(keys[0]!, { name: 'letters' });
    expect(await epochsHeld(SERVERS)).toEqual({ alpha: [1], bravo: [1], charlie: [1] });
    expect(await receiptsOf(other)).toEqual(['alpha 0', 'bravo 0', 'charlie 0']);
    await other.close();
  });

  test('are destroyed by the check of another client of the owner, and not before all servers have the newest', async () => {
    const store = memoryStore();
    const client = await begin(store);
    const elsewhere = later(await copyStore(store));
    await changeAndLose(client);
    network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
    await elsewhere.checkKey('letters');
    expect(await epochsHeld(['alpha'])).toEqual({ alpha: [0, 1] });
    network.makeHonest();
    expect(await elsewhere.checkKey('letters')).toMatchObject({ isSound: true, epoch: 1 });
    expect(await epochsHeld(SERVERS)).toEqual({ alpha: [1], bravo: [1], charlie: [1] });
    expect(await receiptsOf(elsewhere)).toEqual(['alpha 0', 'bravo 0', 'charlie 0']);
    const before = network.server('alpha').asked.length;
    await elsewhere.checkKey('letters');
    expect(network.server('alpha').asked.slice(before)).toEqual(['key.check']);
    await elsewhere.close();
  });

  test('are told of by whoever held them: what a server signs about another epoch is not put on record', async () => {
    const client = await begin();
    await changeAndLose(client);
    const lie = { receipt: new Uint8Array(3), signature: new Uint8Array(64) };
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'change.retire' ? Promise.resolve(lie) : honest();
    await client.checkKey('letters');
    expect(await receiptsOf(client)).toEqual(['alpha 0', 'charlie 0']);
  });
});
