import type { Result } from '@ckm/api';
import { formatWords, likenessOf } from '@ckm/gordian';
import { afterEach, expect, test } from 'vitest';
import { serverPath } from '../../servers/server-record.js';
import type { Client } from '../../client.js';
import {
  createOwnedKey,
  type Machine,
  NAME,
  type OwnedKey,
  type OwnedKeyOptions,
  REFRESH,
  requorum,
  SERVERS,
} from '../../test/owned-key.js';
import type { TestNetwork } from '../../test/test-network.js';

let owned: OwnedKey;
let network: TestNetwork;
afterEach(() => owned.close());

/** Two machines of one owner with the same records. Operators are asked about changes. */
async function begin(options: OwnedKeyOptions): Promise<{ readonly thief: Client; readonly owner: Machine }> {
  owned = await createOwnedKey({ policy: {}, ...options });
  ({ network } = owned);
  return { thief: owned.client, owner: await owned.another() };
}

/** The first of them orders that charlie leaves for delta. */
async function orderElsewhere(): Promise<{ readonly thief: Client; readonly owner: Client }> {
  const { thief, owner } = await begin({ count: 4 });
  await owner.client.removeServer('delta');
  await orderBy(thief);
  return { thief, owner: owner.client };
}

async function orderBy(client: Client): Promise<void> {
  const wish = requorum(2, ['alpha', 'bravo', 'delta']);
  await client.changeKey({ name: NAME, wish }).catch(() => undefined);
}

test('an order that a thief gave from another client is shown by the owner’s own, with old and new servers and from when it counts, and is cancelled from there', async () => {
  const { thief, owner } = await orderElsewhere();
  const delta = { name: null, xid: network.server('delta').identity.xid };
  const [order] = (await owner.status()).keys[0]!.orders;
  expect(order).toMatchObject({
    key: NAME,
    epoch: 0,
    origin: 'strange',
    servers: SERVERS,
    asking: SERVERS,
    readyAt: network.now + 86_400,
    old: { quorum: { needed: 2, of: 3 }, members: SERVERS.map((name) => ({ name })) },
    next: { members: [{ name: 'alpha' }, { name: 'bravo' }, delta] },
    joining: [delta],
    leaving: [{ name: 'charlie' }],
  });
  expect(await owner.openOrders()).toEqual({ orders: [order], forked: [], silent: [] });
  expect(await owner.openOrders({ name: NAME })).toEqual({ orders: [order], forked: [], silent: [] });
  const lines = await owner.diagnose();
  expect(lines.filter(({ text }) => text.includes('was not ordered here'))).toMatchObject([
    { level: 'fail', remedy: { kind: 'cancelSession', id: order!.id } },
  ]);
  expect((await thief.status()).keys[0]!.orders).toMatchObject([{ origin: 'open' }]);
  const none = { decided: [], bound: [], silent: [] };
  expect(await owner.cancelOrder(order!)).toEqual({ ...none, at: SERVERS });
  expect((await owner.status()).keys[0]!.orders).toEqual([]);
});

test('an order that could not be cancelled at a server that was silent is shown as such, and cancelled there later', async () => {
  const { thief } = await orderElsewhere();
  network.cut('charlie');
  expect(await thief.openOrders({ name: NAME })).toMatchObject({ silent: ['charlie'] });
  const [change] = await thief.listChanges();
  expect(await thief.cancelChange(change!, 'not any more')).toMatchObject({
    at: ['alpha', 'bravo', 'delta'],
    silent: ['charlie'],
  });
  network.makeHonest();
  const [left] = (await thief.openOrders()).orders;
  expect(left).toMatchObject({ origin: 'over', servers: ['charlie'] });
  expect(await thief.cancelOrder(left!)).toMatchObject({ at: [...SERVERS, 'delta'], silent: [] });
  expect((await thief.openOrders()).orders).toEqual([]);
});

test('what a server shows of another key, or of an epoch that is over, is left out, and two servers that show different orders are told apart', async () => {
  const { owner } = await orderElsewhere();
  const change =
    (differ: (order: Record<string, unknown>) => object) =>
    async ({ name }: { readonly name: string }, honest: () => Promise<unknown>) => {
      const answer = (await honest()) as { keys: { order?: { order: Record<string, unknown> } }[] };
      if (name !== 'key.list') return answer;
      return {
        ...answer,
        keys: answer.keys.map((key) => ({
          ...key,
          order: { ...key.order, order: { ...key.order!.order, ...differ(key.order!.order) } },
        })),
      };
    };
  network.server('alpha').tamper = change(() => ({ keyId: new Uint8Array(32).fill(7) }));
  network.server('bravo').tamper = change(() => ({ termsVersion: 7 }));
  const { orders } = (await owner.status()).keys[0]!;
  expect(orders.map(({ servers, origin }) => [servers, origin])).toEqual([
    [['bravo'], 'strange'],
    [['charlie'], 'strange'],
  ]);
  network.server('charlie').tamper = change(() => ({ epoch: 1 }));
  const later = (await owner.status()).keys[0]!.orders.find(({ servers }) => servers[0] === 'charlie');
  expect(later).toMatchObject({ epoch: 1, old: null, joining: [], leaving: [] });
});

test('a client that is behind by an epoch cancels an order of a later one where it counts, not at the servers of whoever gave it alone', async () => {
  const { thief, owner: machine } = await begin({ count: 4 });
  const owner = machine.client;
  await thief.changeKey(REFRESH);
  await orderBy(thief);
  const [order] = (await owner.openOrders()).orders;
  expect(order).toMatchObject({ epoch: 1, old: null, servers: SERVERS });
  expect((await owner.cancelOrder(order!)).at).toEqual([...SERVERS, 'delta']);
});

test('an order that was carried out meanwhile is not said to be cancelled, and one that nobody heard of goes on', async () => {
  const { thief, owner } = await orderElsewhere();
  const [order] = (await owner.openOrders()).orders;
  const [change] = await thief.listChanges();
  for (const { name } of network.servers) network.cut(name);
  await expect(thief.cancelChange(change!, 'not any more')).rejects.toMatchObject({
    code: 'SERVERS_MISSING',
  });
  expect(await thief.findChange(order!.id)).not.toBeNull();
  network.makeHonest();
  await thief.cancelOrder(order!);
  await thief.cancelChange(change!, 'not any more');
  await thief.changeKey(REFRESH);
  expect(await owner.cancelOrder(order!)).toMatchObject({ at: [], decided: SERVERS });
});

test('one server that says something else of when an order counts is not believed', async () => {
  const { owner } = await orderElsewhere();
  network.server('alpha').tamper = async ({ name }, honest) => {
    const answer = (await honest()) as { keys: { order?: object }[] };
    if (name !== 'key.list') return answer;
    return {
      ...answer,
      keys: answer.keys.map((key) => ({ ...key, order: { ...key.order, readyAt: 9_999_999_999 } })),
    };
  };
  expect((await owner.openOrders()).orders).toMatchObject([{ readyAt: network.now + 86_400 }]);
});

test('A8: servers of the key that this client has no record of are asked too when an order is taken back, and named where they do not say so', async () => {
  // No certificate says how they are reached.
  const { thief, owner: machine } = await begin({ count: 4, settings: { publicUrl: null } });
  for (const name of ['charlie', 'delta']) await machine.store.delete(serverPath(name));
  const owner = machine.client;
  await orderBy(thief);
  const [order] = (await owner.openOrders()).orders;
  const charlie = formatWords(likenessOf(network.server('charlie').identity.xid));
  expect(await owner.cancelOrder(order!)).toMatchObject({ at: ['alpha', 'bravo'], silent: [charlie] });
  expect((await thief.openOrders()).orders.map(({ servers }) => servers)).toEqual([['charlie']]);
});

test('A5: a server that says an earlier epoch than the newest on record is not counted as one that answers', async () => {
  const { thief: owner } = await begin({});
  const { transcriptHash } = await owner.showKey(NAME);
  await owner.changeKey(REFRESH);
  expect((await owner.status()).keys[0]).toMatchObject({
    epoch: 1,
    reachable: SERVERS,
    behind: [],
    margin: 1,
  });
  for (const name of ['bravo', 'charlie']) {
    network.server(name).tamper = async (call, honest) => {
      const reply = await honest();
      if (call.name !== 'key.list') return reply;
      const { keys, ...rest } = reply as Result<'key.list'>;
      return { ...rest, keys: keys.map((key) => ({ ...key, epoch: 0, transcriptHash })) };
    };
  }
  const { keys } = await owner.status();
  expect(keys[0]).toMatchObject({ reachable: ['alpha'], behind: ['bravo', 'charlie'], margin: -1 });
  const lines = await owner.diagnose();
  expect(lines.filter(({ subject, level }) => subject === NAME && level === 'fail')).toMatchObject([
    { fix: 'show bravo and charlie the newest epoch', remedy: { kind: 'checkKey', key: NAME } },
  ]);
});
