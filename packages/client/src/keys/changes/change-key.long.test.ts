// @module-tag long
import { parseReceipt } from '@ckm/api';
import { StateError, UsageError } from '@ckm/foundation';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import { loseDisk, loseShare } from '../../test/disks.js';
import {
  copyStore,
  crashingStore,
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const REFRESH = { name: 'letters', wish: { kind: 'refresh' } } as const;
const DAY = 86_400;

let network: TestNetwork;
afterEach(() => network.close());

async function begin(store: ClientStore = memoryStore()): Promise<Client> {
  network = await createTestNetwork(3);
  const client = await network.owner({ store });
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: SERVERS,
  });
  return client;
}

const later = (store: ClientStore) => ownerClient(network.send, () => network.now, { store });
const signsWith = async (client: Client, without: string) =>
  (await client.sign({ key: 'letters', ...messageOf('hello'), without: [without] })).signers;

describe('refreshing a key', () => {
  test('gives its servers new shares of the same key: each pair signs, and all have signed that they forgot', async () => {
    const client = await begin();
    const before = await client.showKey('letters');
    await signsWith(client, 'alpha');
    const changed = await client.changeKey(REFRESH);
    expect(changed).toMatchObject({ epoch: 1, isAsOrdered: true, behind: [] });
    expect(changed.forgetting).toEqual(
      SERVERS.map((server) => ({ server, outcome: 'forgot', backupAt: null, backups: 0 })),
    );
    const after = await client.showKey('letters');
    expect(after.public.groupKey).toEqual(before.public.groupKey);
    expect(after.public.chainCode).toEqual(before.public.chainCode);
    expect(after.transcriptHash).toEqual(before.transcriptHash);
    expect(after.newest.transcriptHash).not.toEqual(before.newest.transcriptHash);
    expect(after.public.verifyingShares).not.toEqual(before.public.verifyingShares);
    for (const without of SERVERS) expect(await signsWith(client, without)).toHaveLength(2);
    expect((await client.verifyKey('letters')).isSound).toBe(true);
    expect(after.record.receipts!.map(({ receipt }) => parseReceipt(receipt).epoch)).toEqual([0, 0, 0]);
    expect((await client.listChanges()).map(({ state }) => state)).toEqual(['finished']);
  });

  test('again a day later leads to the epoch after that, and not before', async () => {
    const client = await begin();
    await client.changeKey(REFRESH);
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    network.now += DAY;
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 2 });
    expect(await signsWith(client, 'bravo')).toEqual(['alpha', 'charlie']);
  });

  test('is gone on with after the process died at any of its writes', async () => {
    const calm = memoryStore();
    const client = await begin(calm);
    await client.close();
    const dead = crashingStore(calm);
    for (let at = 1; ; at++) {
      Object.assign(dead, { writes: 0, crashAt: at });
      const owner = later(dead);
      const outcome = await owner.changeKey(REFRESH).then(
        () => 'done',
        (error: Error) => error.message,
      );
      await owner.close().catch(() => undefined);
      if (outcome === 'done') break;
      expect(outcome).toBe('the process is dead');
      const other = later(await copyStore(calm));
      expect(await signsWith(other, 'alpha')).toEqual(['bravo', 'charlie']);
      await other.close();
    }
    const owner = later(calm);
    const key = await owner.showKey('letters');
    expect(key.newest.params.epoch).toBe(1);
    expect(key.record.receipts).toHaveLength(3);
    await owner.close();
  });
});

test('what was changed of other keys is not read: a thousand keys are as quick, one by one, as one', async () => {
  const store = memoryStore();
  const read: string[] = [];
  const watched = {
    ...store,
    get: async (path: string) => {
      read.push(path);
      return store.get(path);
    },
  };
  const client = await begin(watched);
  const quorum = { needed: 2, of: 3 } as const;
  for (const name of ['notes', 'poems'])
    await client.createKey({ name, purpose: 'message', quorum, servers: SERVERS });
  const readBy: number[] = [];
  for (const name of ['letters', 'notes', 'poems']) {
    read.length = 0;
    await client.changeKey({ name, wish: { kind: 'refresh' } });
    readBy.push(read.filter((path) => path.startsWith('changes/')).length);
  }
  expect(readBy[0]).toBeGreaterThan(0);
  expect(new Set(readBy).size).toBe(1);
});

describe('a server that does not answer', () => {
  test('is named; the key signs meanwhile, and the same command goes on when it is back', async () => {
    const client = await begin();
    network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({
      code: 'SERVERS_MISSING',
      hint: expect.stringContaining('order one without whoever is gone for good') as string,
      facts: { servers: ['charlie'] },
    });
    expect(await signsWith(client, 'charlie')).toEqual(['alpha', 'bravo']);
    network.makeHonest();
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: [] });
  });

  test.each(['change.lock', 'change.yield', 'change.commit'] as const)(
    'from %s on keeps nobody from the new epoch, and goes over to it later',
    async (function_) => {
      const client = await begin();
      network.server('charlie').tamper = ({ name }, honest) =>
        name === function_ || name === 'change.commit' ? Promise.reject(unreachable('charlie')) : honest();
      const changed = await client.changeKey(REFRESH);
      expect(changed).toMatchObject({ epoch: 1, behind: ['charlie'] });
      expect(changed.forgetting.map(({ outcome }) => outcome)).toEqual(['silent', 'silent', 'silent']);
      expect(await signsWith(client, 'charlie')).toEqual(['alpha', 'bravo']);
      network.makeHonest();
      const again = await client.changeKey(REFRESH);
      expect(again).toMatchObject({ epoch: 1, behind: [] });
      expect(again.forgetting.map(({ outcome }) => outcome)).toEqual(['forgot', 'forgot', 'forgot']);
    },
  );
});

describe('another client of the same owner', () => {
  test('that did not see the change signs all the same: it learns the certificate from the servers', async () => {
    const store = memoryStore();
    const client = await begin(store);
    const elsewhere = later(await copyStore(store));
    await client.changeKey(REFRESH);
    expect(await signsWith(elsewhere, 'alpha')).toEqual(['bravo', 'charlie']);
    expect((await elsewhere.showKey('letters')).newest.params.epoch).toBe(1);
    await elsewhere.close();
  });

  test('with nothing but the seed fetches the key with all its certificates, under the same name', async () => {
    const client = await begin();
    const { transcriptHash } = await client.showKey('letters');
    await client.changeKey(REFRESH);
    const other = later(memoryStore());
    for (const { name, url } of network.servers) await other.addServer({ name, url });
    const { keys, faulty } = await other.fetchKeys();
    expect(faulty).toEqual([]);
    expect(keys.map((one) => one.transcriptHash)).toEqual([transcriptHash]);
    const { missing } = await other.keepKey(keys[0]!, { name: 'letters' });
    expect(missing).toEqual([]);
    expect(await signsWith(other, 'bravo')).toEqual(['alpha', 'charlie']);
    await other.close();
  });
});

test('a server that shows another epoch than everybody else at the commit is named', async () => {
  const client = await begin();
  network.server('bravo').tamper = async ({ name }, honest) => {
    const result = (await honest()) as object;
    return name === 'change.commit' ? { ...result, transcriptHash: new Uint8Array(32) } : result;
  };
  expect(await client.changeKey(REFRESH)).toMatchObject({
    faults: [
      { code: 'FAULT_CERTIFICATE_DIFFERS', text: 'bravo went over to another epoch than everybody else' },
    ],
    behind: ['bravo'],
  });
});

test('a server that gives a statement of somebody else is named, and the key signs as before', async () => {
  const client = await begin();
  const said: unknown[] = [];
  network.server('alpha').tamper = async ({ name }, honest) => {
    const result = await honest();
    if (name === 'change.promise') said.push(result);
    return result;
  };
  network.server('bravo').tamper = async ({ name }, honest) => {
    const result = await honest();
    return name === 'change.promise' && said.length > 0 ? said[0] : result;
  };
  const outcome = await client.changeKey(REFRESH).catch((error: unknown) => error);
  if (said.length > 0)
    expect([1, 'FAULT_PACKET_INVALID']).toContain((outcome as { code?: string }).code ?? 1);
  expect(await signsWith(client, 'bravo')).toEqual(['alpha', 'charlie']);
});

describe('a try that fell apart', () => {
  test('that one member has given way in binds the next one: another client finishes what was locked, without new shares', async () => {
    const store = memoryStore();
    const client = await begin(store);
    const elsewhere = later(await copyStore(store));
    // Alpha alone is shown what the others have locked.
    for (const server of network.servers.slice(1))
      server.tamper = ({ name }, honest) =>
        name === 'change.yield' ? Promise.reject(unreachable(server.name)) : honest();
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'CHANGE_VOTES_TOO_FEW' });
    network.makeHonest();
    await expect(elsewhere.changeKey(REFRESH)).rejects.toMatchObject({
      code: 'CHANGE_VOTES_TOO_FEW',
      hint: expect.stringContaining('every ten minutes'),
    });
    network.now += 600;
    for (const { asked } of network.servers) asked.length = 0;
    expect(await elsewhere.changeKey(REFRESH)).toMatchObject({ epoch: 1, isAsOrdered: true, behind: [] });
    expect(network.servers.flatMap(({ asked }) => asked)).not.toContain('session.propose');
    const first = await elsewhere.showKey('letters');
    // The one that began it learns what became of it.
    await client.changeKey(REFRESH);
    expect((await client.showKey('letters')).newest.transcriptHash).toEqual(first.newest.transcriptHash);
    await elsewhere.close();
  });

  test('because a server has nothing to deal with, as after a repair, goes on with others that deal', async () => {
    const client = await begin();
    let refused = 0;
    network.server('alpha').tamper = ({ name }, honest) => {
      if (name !== 'session.join' || refused++ > 0) return honest();
      const details = { code: 'STATIC_SECRET_WRONG', hint: 'let others deal' };
      return Promise.reject(new UsageError('the static secret is gone', details));
    };
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: [] });
    expect(refused).toBeGreaterThan(1);
    expect(await signsWith(client, 'bravo')).toEqual(['alpha', 'charlie']);
  });

  test('because a server has lost its share since goes on with others that deal, and gives that one a new share', async () => {
    const client = await begin();
    await loseShare(network.server('alpha'));
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: [] });
    expect(await signsWith(client, 'bravo')).toEqual(['alpha', 'charlie']);
  });

  test('before its locks is followed by another session in the same try, once the server that cheated is honest', async () => {
    const client = await begin();
    network.server('bravo').tamper = async ({ name }, honest) => {
      const result = (await honest()) as { offer?: { receiver: object } | null };
      if (name !== 'session.propose' || result.offer === null || result.offer === undefined) return result;
      const { receiver } = result.offer;
      return {
        ...result,
        offer: { ...result.offer, receiver: { ...receiver, staticProof: new Uint8Array(64) } },
      };
    };
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({
      code: 'FAULT_ROSTER',
      facts: { servers: ['bravo'] },
    });
    expect(await signsWith(client, 'bravo')).toEqual(['alpha', 'charlie']);
    network.makeHonest();
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1 });
    expect((await client.listChanges())[0]).toMatchObject({ attempt: 1, state: 'finished' });
  });
});

describe('the session in which shares move', () => {
  /** Of each server, how many are open. */
  const openSessions = () =>
    Promise.all(
      network.servers.map(async ({ bare }) => {
        const all = await bare.context.storage.read(({ sessions }) =>
          sessions.overdue(Number.MAX_SAFE_INTEGER, 10),
        );
        return all.length;
      }),
    );

  test('brings each old member the dealings and no signatures: the question for its lock ends it', async () => {
    const client = await begin();
    for (const server of network.servers) {
      server.asked = [];
      server.tamper = ({ name }, honest) =>
        name === 'change.yield' ? Promise.reject(unreachable(server.name)) : honest();
    }
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'CHANGE_VOTES_TOO_FEW' });
    const delivered = network.servers.map(({ asked }) => asked.filter((name) => name === 'session.deliver'));
    expect(delivered.map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(await openSessions()).toEqual([0, 0, 0]);
    network.makeHonest();
    expect(await client.changeKey(REFRESH)).toMatchObject({ epoch: 1, behind: [] });
  });

  test('ends also where a server refuses its lock', async () => {
    const client = await begin();
    for (const { name: server } of network.servers) network.cut(server, 'change.yield');
    network.server('charlie').tamper = ({ name }, honest) =>
      name === 'change.lock'
        ? Promise.reject(new StateError('not now', { code: 'ANY_CODE', hint: 'ask', retryable: false }))
        : name === 'change.yield'
          ? Promise.reject(unreachable('charlie'))
          : honest();
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'CHANGE_VOTES_TOO_FEW' });
    expect(network.server('charlie').asked).toContain('session.cancel');
    expect(await openSessions()).toEqual([0, 0, 0]);
  });

  test('ends with the change that is cancelled before any lock', async () => {
    const client = await begin();
    for (const { name } of network.servers) network.cut(name, 'change.lock');
    await expect(client.changeKey(REFRESH)).rejects.toMatchObject({ code: 'CHANGE_VOTES_TOO_FEW' });
    expect(await openSessions()).toEqual([1, 1, 1]);
    network.makeHonest();
    const [change] = await client.listChanges();
    expect(await client.cancelChange(change!, 'no')).toMatchObject({ at: SERVERS, silent: [] });
    expect(await openSessions()).toEqual([0, 0, 0]);
  });
});

test('a server that lost its database, of a key with static recovery, comes back into the epoch of the others', async () => {
  network = await createTestNetwork(3, { settings: { backup: 'static' } });
  const client = await network.owner();
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: SERVERS,
    policy: { recovery: 'static' },
  });
  const changed = await client.changeKey(REFRESH);
  expect(changed.forgetting.map(({ outcome }) => outcome)).toEqual(['keeps', 'keeps', 'keeps']);
  await loseDisk(network.server('alpha'));
  const { servers } = await client.restoreKey({ name: 'letters' });
  expect(servers.map(({ outcome }) => outcome)).toEqual(['restored', 'held', 'held']);
  expect(await signsWith(client, 'charlie')).toEqual(['alpha', 'bravo']);
  expect((await client.verifyKey('letters')).isSound).toBe(true);
});

test('verifying a key brings a client and a server that were away to the same epoch', async () => {
  const store = memoryStore();
  const client = await begin(store);
  const elsewhere = later(await copyStore(store));
  network.server('charlie').tamper = ({ name }, honest) =>
    name === 'change.commit' ? Promise.reject(unreachable('charlie')) : honest();
  await client.changeKey(REFRESH);
  network.makeHonest();
  expect((await elsewhere.verifyKey('letters')).servers.map(({ verdict }) => verdict)).toEqual([
    'holds',
    'holds',
    'holds',
  ]);
  expect(await signsWith(elsewhere, 'alpha')).toEqual(['bravo', 'charlie']);
  await elsewhere.close();
});
