import { encodeHex } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import {
  copyStore,
  createOwnedNetwork,
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';

/** What becomes of a request that waits for operators while the key goes on to new shares. */
let network: TestNetwork;
let store: ClientStore;
let client: Client;

beforeEach(async () => {
  ({ network, store, client } = await createOwnedNetwork());
  await client.createKey({
    name: 'k',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: network.servers.map(({ name }) => name),
    policy: { approval: 'operator' },
  });
});
afterEach(() => network.close());

const desks = async () =>
  (await Promise.all(network.servers.map(({ bare }) => bare.sessions.desk.list()))).flat();
const approveAt = async (...names: string[]) => {
  for (const name of names) {
    const { desk } = network.server(name).bare.sessions;
    for (const { requestId } of await desk.list()) await desk.approve(requestId);
  }
};
const isOver = async (signing: Promise<unknown>) =>
  Promise.race([
    signing.then(() => true),
    new Promise<boolean>((resolve) => {
      setTimeout(() => resolve(false), 10_000);
    }),
  ]);
const refresh = { name: 'k', wish: { kind: 'refresh' } } as const;
const clientOf = (own: ClientStore) => ownerClient(network.send, () => network.now, { store: own });

/** Asks, and leaves at once what waits for people. */
const leave = (text: string) =>
  expect(client.sign({ key: 'k', ...messageOf(text), waitSeconds: 0 })).rejects.toMatchObject({
    code: 'REQUEST_WAITING',
  });
const openIds = async (who = client) =>
  (await who.listRequests())
    .filter(({ state }) => state === 'open')
    .map(({ requestId }) => encodeHex(requestId));

describe('a request that waits for operators, while the key is refreshed', () => {
  test('left before: what an operator approved in the epoch before counts in the next', async () => {
    await leave('over a refresh');
    await approveAt('alpha');
    expect(await client.changeKey(refresh)).toMatchObject({ epoch: 1, isAsOrdered: true });
    await approveAt('bravo');
    const [id] = await openIds();
    const { signers } = await (await client.prepareAgain(id!)).sign();
    expect(signers).toEqual(['alpha', 'bravo']);
    expect(await openIds()).toEqual([]);
  });

  test.each(['this client', 'another client of the owner'])(
    'by %s, under the eyes of its owner: it goes on as the same request, and no operator is asked twice',
    async (who) => {
      const own = who === 'this client' ? store : await copyStore(store);
      const signing = client.sign({ key: 'k', ...messageOf('live') });
      await vi.waitUntil(async () => (await desks()).length === 3, { timeout: 10_000 });
      const asked = (await desks()).map(({ requestId }) => encodeHex(requestId));
      const other = clientOf(own);
      expect(await other.changeKey(refresh)).toMatchObject({ epoch: 1, behind: [] });
      await other.close();
      await approveAt('alpha', 'bravo');
      const { signers } = await signing;
      expect(signers).toEqual(['alpha', 'bravo']);
      expect(new Set([...asked, ...(await desks()).map(({ requestId }) => encodeHex(requestId))]).size).toBe(
        1,
      );
      expect(await openIds()).toEqual([]);
    },
  );

  test('under the eyes of its owner: a yes from before and one from after are enough, whoever never answers', async () => {
    const signing = client.sign({ key: 'k', ...messageOf('a yes in each epoch') });
    await vi.waitUntil(async () => (await desks()).length === 3, { timeout: 10_000 });
    await approveAt('alpha');
    await vi.waitUntil(async () => (await desks()).length === 2, { timeout: 10_000 });
    // Its client has heard of that yes, too.
    const polls = () => network.server('alpha').asked.filter((name) => name === 'request.ask').length;
    const heard = polls();
    await vi.waitUntil(() => polls() > heard, { timeout: 10_000 });
    const other = clientOf(await copyStore(store));
    await other.changeKey(refresh);
    await other.close();
    await approveAt('bravo');
    expect(await isOver(signing)).toBe(true);
    expect((await signing).signers).toEqual(['alpha', 'bravo']);
  });

  test('and given to another server: the yes of those that stay counts, and the new one asks its operator', async () => {
    await network.close();
    network = await createTestNetwork(4);
    store = memoryStore();
    client = await network.owner({ store });
    await client.createKey({
      name: 'k',
      purpose: 'message',
      quorum: { needed: 2, of: 3 },
      servers: ['alpha', 'bravo', 'charlie'],
      policy: { approval: 'operator', changes: 'automatic', changeDelay: 0 },
    });
    await leave('over to delta');
    await approveAt('alpha');
    await client.changeKey({
      name: 'k',
      wish: { kind: 'requorum', quorum: { needed: 2, of: 2 }, servers: ['alpha', 'delta'] },
    });
    const [id] = await openIds();
    const resume = async () => (await client.prepareAgain(id!, { waitSeconds: 0 })).sign();
    await expect(resume()).rejects.toMatchObject({ code: 'REQUEST_WAITING', facts: { servers: ['delta'] } });
    await approveAt('delta');
    expect((await resume()).signers).toEqual(['alpha', 'delta']);
  });
});

describe('a request that its owner has ended elsewhere, while the key is refreshed', () => {
  /** Signs with what the client of these tests stores, and hears of nothing while it is held. */
  function heldSigner() {
    let held = Promise.resolve();
    let release = () => undefined as void;
    const slow = ownerClient(
      async (url, request) => {
        await held;
        return network.send(url, request);
      },
      () => network.now,
      { store },
    );
    const hold = () => {
      held = new Promise((resolve) => {
        release = resolve;
      });
    };
    return { slow, hold, release: () => release() };
  }

  async function refreshElsewhere() {
    const other = clientOf(await copyStore(store));
    await other.changeKey(refresh);
    await other.close();
  }

  const endings = {
    cancelled: {
      // No server hears of it, as where they are out of reach.
      end: async (id: string) => {
        for (const server of network.servers) {
          const unheard = () => Promise.reject(unreachable(server.name));
          server.tamper = ({ name }, honest) => (name === 'request.cancel' ? unheard() : honest());
        }
        await client.cancelRequest(id, 'not any more');
      },
      remedy: undefined,
    },
    finished: {
      end: async (id: string) => {
        await approveAt('alpha', 'bravo');
        await (await client.prepareAgain(id)).sign();
      },
      remedy: { kind: 'showRequest' },
    },
  } as const;

  test.each(['cancelled', 'finished'] as const)(
    '%s behind the back of a client that waits for it: nobody is asked anew',
    async (state) => {
      const { slow, hold, release } = heldSigner();
      const signing = slow.sign({ key: 'k', ...messageOf('ended elsewhere') });
      const failure = signing.then(
        () => null,
        (error: unknown) => error,
      );
      await vi.waitUntil(async () => (await desks()).length === 3, { timeout: 10_000 });
      const [id] = await vi.waitUntil(openIds, { timeout: 10_000 });
      hold();
      await refreshElsewhere();
      await endings[state].end(id!);
      release();
      // Of a yes it hears that the key has gone on.
      await approveAt('alpha');
      expect(await isOver(failure)).toBe(true);
      const { remedy } = endings[state];
      expect(await failure).toMatchObject({
        code: 'REQUEST_OVER',
        ...(remedy === undefined ? {} : { remedy }),
      });
      expect(await openIds()).toEqual([]);
      expect((await client.listRequests()).map((one) => one.state)).toEqual([state]);
      await slow.close();
      for (const { requestId } of await desks()) expect(encodeHex(requestId)).toBe(id);
    },
  );

  test.each(['cancelled', 'finished'] as const)(
    '%s while a client that goes on with it asks a person: it stays as it is',
    async (state) => {
      await leave('ended meanwhile');
      const [id] = await openIds();
      const thinking = clientOf(store);
      const prepared = await thinking.prepareAgain(id!);
      await endings[state].end(id!);
      const before = await client.showRequest(id!);
      await expect(prepared.sign()).rejects.toMatchObject({ code: 'REQUEST_OVER' });
      expect(await client.showRequest(id!)).toEqual(before);
      await thinking.close();
    },
  );

  test('finished by another client in the same epoch: both have a signature, and the record keeps one', async () => {
    await leave('twice at once');
    const [id] = await openIds();
    const { slow, hold, release } = heldSigner();
    const waits = vi.fn();
    const signing = (await slow.prepareAgain(id!)).sign(waits);
    await vi.waitUntil(() => waits.mock.calls.length > 0, { timeout: 10_000 });
    hold();
    await endings.finished.end(id!);
    release();
    expect((await signing).signers).toEqual(['alpha', 'bravo']);
    expect(await client.showRequest(id!)).toMatchObject({
      state: 'finished',
      artefact: expect.any(Uint8Array),
    });
    await slow.close();
  });
});
