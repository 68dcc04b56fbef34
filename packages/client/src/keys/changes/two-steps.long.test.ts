// @module-tag long
import { StateError } from '@ckm/foundation';
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

const REFRESH = { name: 'letters', wish: { kind: 'refresh' } } as const;

let network: TestNetwork;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await network.close();
});

async function begin(
  servers: readonly string[],
  count = 3,
): Promise<{ readonly client: Client; readonly store: ClientStore }> {
  network = await createTestNetwork(count);
  const store = memoryStore();
  const client = await network.owner({ store });
  const policy = { changes: 'automatic', changeDelay: 0 } as const;
  const quorum = { needed: 2, of: servers.length } as const;
  await client.createKey({ name: 'letters', purpose: 'message', quorum, servers: [...servers], policy });
  return { client, store };
}

/** Another client of the same owner, with the same records as of now. */
async function another(store: ClientStore): Promise<Client> {
  const client = ownerClient(network.send, () => network.now, { store: await copyStore(store) });
  clients.push(client);
  return client;
}

/** From the second step on nobody hears of the change any more, as when the client is killed between the two. */
function cutBeforeGoingOver(): void {
  for (const server of network.servers) {
    server.tamper = ({ name, parameters }, honest) => {
      const { acknowledgements = [] } = parameters as { acknowledgements?: readonly unknown[] };
      const isSecond = name === 'change.commit' && acknowledgements.length > 0;
      return isSecond ? Promise.reject(unreachable(server.name)) : honest();
    };
  }
}

/** What a server says that was restored from before the change: it can take its share out of no certificate. */
function losesShares(...names: readonly string[]): void {
  for (const name of names) {
    network.server(name).tamper = (call, honest) =>
      call.name === 'change.commit'
        ? Promise.reject(new StateError('lost', { code: 'CHANGE_SHARE_LOST', hint: 'repair it' }))
        : honest();
  }
}

const epochOf = async (client: Client) => (await client.showKey('letters')).newest.params.epoch;
const sign = async (client: Client, without: readonly string[] = []) =>
  (await client.sign({ key: 'letters', ...messageOf('hello'), without: [...without] })).signers;
const epochsAt = async (client: Client) =>
  (await client.verifyKey('letters')).servers.map(({ verdict }) => verdict);

describe('a client that is killed between the two steps of going over', () => {
  test('leaves a key that signs, for it and for another one that knows of nothing; verifying ends it', async () => {
    const { client, store } = await begin(['alpha', 'bravo', 'charlie']);
    const other = await another(store);
    cutBeforeGoingOver();
    expect(await client.changeKey(REFRESH)).toMatchObject({
      epoch: 1,
      behind: ['alpha', 'bravo', 'charlie'],
    });
    network.makeHonest();
    expect(await sign(other)).toHaveLength(2);
    expect(await epochOf(other)).toBe(0);
    expect(await epochsAt(other)).toEqual(['holds', 'holds', 'holds']);
    expect(await epochOf(other)).toBe(1);
    expect(await sign(other)).toHaveLength(2);
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: [] });
    expect((await client.listChanges()).map(({ state }) => state)).toEqual(['finished']);
  });

  test('signs on with its own record, which has gone on', async () => {
    const { client } = await begin(['alpha', 'bravo', 'charlie']);
    cutBeforeGoingOver();
    await client.changeKey(REFRESH);
    network.makeHonest();
    expect(await sign(client, ['charlie'])).toEqual(['alpha', 'bravo']);
    expect(await epochOf(client)).toBe(1);
  });

  test('is followed by another one that orders something else: what is decided comes first', async () => {
    const { client, store } = await begin(['alpha', 'bravo', 'charlie']);
    const other = await another(store);
    cutBeforeGoingOver();
    await client.changeKey(REFRESH);
    network.makeHonest();
    const remove = { name: 'letters', wish: { kind: 'remove-server', server: 'charlie' } } as const;
    expect(await other.changeKey(remove)).toMatchObject({ epoch: 1, isAsOrdered: false });
    expect(await other.changeKey(remove)).toMatchObject({ epoch: 2, isAsOrdered: true });
    expect(await sign(other)).toEqual(['alpha', 'bravo']);
  });
});

describe('servers of the next epoch that do not have their shares', () => {
  test('keep nobody from going over as long as as many have theirs as the quorum needs, and come along later', async () => {
    const { client } = await begin(['alpha', 'bravo', 'charlie'], 4);
    network.server('delta').tamper = ({ name }, honest) =>
      name === 'change.commit' ? Promise.reject(unreachable('delta')) : honest();
    const add = { name: 'letters', wish: { kind: 'add-server', server: 'delta' } } as const;
    expect(await client.changeKey(add)).toMatchObject({ epoch: 1, behind: ['delta'] });
    expect(await sign(client, ['charlie'])).toEqual(['alpha', 'bravo']);
    network.makeHonest();
    expect(await epochsAt(client)).toEqual(['holds', 'holds', 'holds', 'holds']);
    expect(await sign(client, ['alpha', 'bravo'])).toEqual(['charlie', 'delta']);
  });

  test.each(['check', 'repair'] as const)(
    'A12: one that joined and has not seen its certificate has lost nothing: a %s shows it',
    async (by) => {
      const { client } = await begin(['alpha', 'bravo', 'charlie'], 4);
      network.server('delta').tamper = ({ name }, honest) =>
        name === 'change.commit' ? Promise.reject(unreachable('delta')) : honest();
      const add = { name: 'letters', wish: { kind: 'add-server', server: 'delta' } } as const;
      await client.changeKey(add);
      network.makeHonest();
      if (by === 'check') expect(await client.checkKey('letters')).toMatchObject({ isSound: true, epoch: 1 });
      else {
        const repaired = await client.repairKey({ name: 'letters', server: 'delta' });
        expect(repaired).toEqual({ outcome: 'held', server: 'delta' });
      }
      expect(await sign(client, ['alpha', 'bravo'])).toEqual(['charlie', 'delta']);
    },
  );

  test('too many of them keep the key in its epoch, in which it signs for every client: nothing is lost that was there', async () => {
    const { client, store } = await begin(['alpha', 'bravo', 'charlie'], 5);
    const other = await another(store);
    losesShares('echo');
    const servers = ['delta', 'echo'];
    const quorum = { needed: 2, of: 2 } as const;
    const move = { name: 'letters', wish: { kind: 'requorum', quorum, servers } } as const;
    const waits = { code: 'SERVERS_MISSING', facts: { servers: ['echo'] } };
    await expect(client.changeKey(move)).rejects.toMatchObject(waits);
    for (const one of [client, other]) {
      expect(await sign(one, ['bravo'])).toEqual(['alpha', 'charlie']);
      expect(await epochOf(one)).toBe(0);
    }
    await expect(client.changeKey(move)).rejects.toMatchObject(waits);
    network.makeHonest();
    expect(await client.changeKey(move)).toMatchObject({ epoch: 1, behind: [] });
    expect(await sign(client)).toEqual(['delta', 'echo']);
  });

  test('a promise that a server takes back before anybody has gone over counts no more', async () => {
    const { client } = await begin(['alpha', 'bravo'], 2);
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'change.commit' ? Promise.reject(unreachable('bravo')) : honest();
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    losesShares('alpha');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({
      code: 'SERVERS_MISSING',
      facts: { servers: ['alpha'] },
    });
    network.makeHonest();
    expect(await sign(client)).toEqual(['alpha', 'bravo']);
    expect(await epochOf(client)).toBe(0);
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: [] });
  });
});
