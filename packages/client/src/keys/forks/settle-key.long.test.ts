// @module-tag long
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CkmError, secret, StateError } from '@ckm/foundation';
import { formatWords, likenessOf, type Xid } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { identityForServer } from '../../seed/identity.js';
import type { ChangeWish } from '../changes/plan-change.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import {
  copyStore,
  createTestNetwork,
  messageOf,
  OWNER_SEED,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';

let network: TestNetwork;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await network.close();
});

const DAY = 86_400;
const NAME = 'letters';
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;
const sign = async (client: Client, text = 'hello') =>
  (await client.sign({ key: NAME, ...messageOf(text) })).signers;

/** The same owner at another machine. */
async function another(
  store: ClientStore,
): Promise<{ readonly client: Client; readonly store: ClientStore }> {
  const copy = await copyStore(store);
  const client = ownerClient(network.send, () => network.now, { store: copy });
  clients.push(client);
  return { client, store: copy };
}

/**
 * A key of alpha, bravo and charlie whose charlie is two machines of one identity: with alpha it decided on a next epoch of which delta is, with bravo on
 * one of which echo is; there shares of the epoch before are destroyed already. The owner’s machine knows the first.
 */
async function forked(policy: object = AT_ONCE) {
  network = await createTestNetwork(5);
  const store = memoryStore();
  const first = await network.owner({ store });
  const servers = ['alpha', 'bravo', 'charlie'];
  await first.createKey({ name: NAME, purpose: 'message', quorum: { needed: 2, of: 3 }, servers, policy });
  const [left, right] = [await another(store), await another(store)];
  const four = { kind: 'requorum', quorum: { needed: 2, of: 4 }, servers: [...servers, 'delta'] } as const;
  const three = {
    kind: 'requorum',
    quorum: { needed: 2, of: 3 },
    servers: ['bravo', 'charlie', 'echo'],
  } as const;
  await split(
    { client: left.client, with: 'alpha', wish: four },
    { client: right.client, with: 'bravo', wish: three },
  );
  return { client: left.client, store: left.store, other: right.client, otherStore: right.store };
}

interface Half {
  readonly client: Client;
  /** The server that decides with one of the two charlies. */
  readonly with: string;
  readonly wish: ChangeWish;
}

/** Two changes of one epoch, each decided by one of the two machines that charlie is. The first one's servers include the other's. */
async function split(one: Half, two: Half): Promise<void> {
  const charlie = network.server('charlie');
  await charlie.restart();
  const folder = charlie.bare.dataDir;
  const twin = mkdtempSync(join(tmpdir(), 'ckm-twin-'));
  cpSync(folder, twin, { recursive: true });

  const refuses = /^change\.(promise|lock|yield|commit)$/;
  network.server(two.with).tamper = ({ name }, honest) =>
    refuses.test(name)
      ? Promise.reject(new StateError('not now', { code: 'ANY_CODE', hint: 'ask', retryable: false }))
      : honest();
  expect(await changed(one.client, one.wish)).toMatchObject({ behind: [two.with] });
  network.makeHonest();

  await charlie.restart({ dataDir: twin });
  network.server(one.with).tamper = () => Promise.reject(unreachable(one.with));
  expect(await changed(two.client, two.wish)).toMatchObject({ behind: [] });
  network.makeHonest();
  await charlie.restart({ dataDir: folder });
}

async function repaired(client: Client, server: string): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    try {
      expect(await client.repairKey({ name: NAME, server })).toMatchObject({ server });
      return;
    } catch (error) {
      if (!(error instanceof CkmError) || turn === 4) throw error;
      for (const { name } of network.servers) await approveAll(name);
    }
  }
}

/** The owner at a machine that has no record of what was settled. */
async function forgetful(from: ClientStore): Promise<Client> {
  const { client, store } = await another(from);
  for (const path of await store.list('settlements')) await store.delete(path);
  return client;
}

/** Whoever is asked types the six words. */
async function changed(client: Client, wish: ChangeWish) {
  try {
    return await client.changeKey({ name: NAME, wish });
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'CHANGE_WAITING') throw error;
    await sayYes();
    return client.changeKey({ name: NAME, wish });
  }
}

async function sayYes(): Promise<void> {
  for (const { bare } of network.servers) {
    const { changeDesk } = bare.sessions;
    for (const waiting of (await changeDesk.list()).changes)
      if (waiting.asked) await changeDesk.approve(waiting, formatWords(likenessOf(waiting.orderHash)));
  }
}

async function approveAll(server: string): Promise<void> {
  const { sessionDesk } = network.server(server).bare.sessions;
  for (const waiting of (await sessionDesk.list()).sessions) await sessionDesk.approve(waiting);
}

describe('an owner whose key is forked', () => {
  test('sees both certificates, has one settled on, repairs who can take no share of it, and goes on; the dead one comes back nowhere', async () => {
    const { client, other } = await forked();
    const fork = (await client.showFork(NAME))!;
    expect(fork).toMatchObject({ epoch: 0, needed: 2, silent: [], orders: [] });
    expect(fork.twice.map(({ name }) => name)).toEqual(['charlie']);
    expect(fork.settlers.map(({ name }) => name)).toEqual(['alpha', 'bravo']);
    expect(fork.choices).toMatchObject([
      { isOnRecord: true, servers: ['alpha', 'charlie', 'delta'], quorum: { needed: 2, of: 4 } },
      { isOnRecord: false, servers: ['bravo', 'echo'], quorum: { needed: 2, of: 3 } },
    ]);
    const [counts, dead] = fork.choices;
    // Charlie, who signed twice, counts as no share: with the other certificate bravo and echo have theirs.
    const plan = await client.planSettlement({ name: NAME });
    expect(plan).toMatchObject({ goesOn: false, counts: { id: counts!.id } });
    await expect(client.planSettlement({ name: NAME, counts: 'ffff' })).rejects.toMatchObject({
      code: 'FORK_CHOICE_UNKNOWN',
    });

    const settled = await client.settleKey({ name: NAME });
    expect(settled).toMatchObject({
      epoch: 1,
      isAsOrdered: true,
      lost: ['bravo'],
      awaited: [],
      told: ['alpha', 'bravo', 'charlie', 'delta', 'echo'],
    });
    expect(await client.showFork(NAME)).toBe(null);
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'KEY_NOT_FORKED' });
    expect(await sign(client)).toHaveLength(2);

    await repaired(client, 'bravo');
    expect((await client.verifyKey(NAME)).isSound).toBe(true);

    // Charlie goes, echo joins after all: by what counts.
    network.now += DAY;
    const wish = {
      kind: 'requorum',
      quorum: { needed: 2, of: 4 },
      servers: ['alpha', 'bravo', 'delta', 'echo'],
    } as const;
    expect(await client.changeKey({ name: NAME, wish })).toMatchObject({ epoch: 2, behind: [] });
    for (const server of ['alpha', 'bravo', 'delta', 'echo']) {
      const caller = await callerOf(server);
      await expect(
        caller.call('change.commit', { keyId: fork.keyId, certificate: dead!.certificate }),
      ).rejects.toMatchObject({ code: 'CHANGE_SETTLED' });
    }
    expect((await client.verifyKey(NAME)).isSound).toBe(true);
    expect(await sign(client, 'again')).toHaveLength(2);
    expect((await other.listKeys())[0]!.name).toBe(NAME);
  });

  test('chooses the other one, from the machine that knows it; the machine that went on by the dead one learns it', async () => {
    const { client, other } = await forked();
    const settled = await other.settleKey({ name: NAME });
    expect(settled).toMatchObject({ isAsOrdered: true, awaited: [] });
    expect(await sign(other)).toEqual(['bravo', 'echo']);
    const [dead] = (await client.listKeys()).map(({ changes }) => changes);
    expect(dead).toHaveLength(1);
    const learned = await client.settleKey({ name: NAME }).catch((error: unknown) => error);
    expect(learned).toMatchObject({ epoch: 1, isAsOrdered: false, lost: ['charlie'], awaited: [] });
    expect(await sign(client)).toEqual(['bravo', 'echo']);
  });

  test('goes on from where it stopped: with whoever is away at the votes, and with whoever is away at the end', async () => {
    const { client } = await forked();
    const away = (server: string) => {
      network.server(server).tamper = () => Promise.reject(unreachable(server));
    };
    away('bravo');
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({
      code: 'SERVERS_MISSING',
      facts: { servers: expect.arrayContaining(['bravo']) as unknown },
    });
    network.makeHonest();
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'change.yield' ? Promise.reject(unreachable('bravo')) : honest();
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'CHANGE_VOTES_TOO_FEW' });
    network.makeHonest();
    network.server('echo').tamper = ({ name }, honest) =>
      name === 'fork.end' ? Promise.reject(unreachable('echo')) : honest();
    const first = await client.settleKey({ name: NAME });
    expect(first).toMatchObject({ awaited: [{ server: 'echo' }], lost: ['bravo'] });
    network.makeHonest();
    expect(await client.settleKey({ name: NAME })).toMatchObject({ awaited: [], isAsOrdered: true });
  });

  test('settles the next fork too, whatever a liar shows of the one that was settled, and orders what was shown to him', async () => {
    const { client, other, otherStore } = await forked();
    const first = (await other.showFork(NAME))!;
    const dead = first.choices.find(({ isOnRecord }) => !isOnRecord)!;
    expect(await other.settleKey({ name: NAME })).toMatchObject({ isAsOrdered: true, isOver: true });
    await client.settleKey({ name: NAME });
    await repaired(other, 'charlie');
    network.now += DAY;
    // A repaired server has forgotten what it said in its epoch; in the next one it can sign twice.
    expect(await changed(other, { kind: 'refresh' })).toMatchObject({ epoch: 2, behind: [] });
    network.now += DAY;
    const neither = await forgetful(otherStore);
    const [left, right] = [await another(otherStore), await another(otherStore)];
    await split(
      {
        client: left.client,
        with: 'bravo',
        wish: {
          kind: 'requorum',
          quorum: { needed: 2, of: 4 },
          servers: ['bravo', 'charlie', 'echo', 'delta'],
        },
      },
      {
        client: right.client,
        with: 'echo',
        wish: { kind: 'requorum', quorum: { needed: 2, of: 3 }, servers: ['alpha', 'charlie', 'echo'] },
      },
    );
    const fresh = await forgetful(left.store);
    network.server('charlie').tamper = ({ name }, honest) => {
      if (name === 'fork.show') return Promise.resolve({ epoch: 0, certificates: [dead.certificate] });
      return name === 'fork.end' ? Promise.reject(unreachable('charlie')) : honest();
    };
    for (const one of [left.client, fresh])
      expect(await one.planSettlement({ name: NAME })).toMatchObject({
        fork: { epoch: 2 },
        counts: { isOnRecord: true },
      });
    // A machine that went on by neither has to be told which.
    const open = await neither.planSettlement({ name: NAME });
    expect(open).toMatchObject({ fork: { epoch: 2 }, isChosen: false, others: [{ epoch: 0 }] });
    await expect(neither.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'FORK_CHOICE_UNKNOWN' });
    const { counts } = await fresh.planSettlement({ name: NAME });
    const plan = await neither.planSettlement({ name: NAME, counts: counts.id });
    expect(plan).toMatchObject({ isChosen: true, counts: { id: counts.id } });

    // What is shown to him before he types, and what servers show behind it, may be two things.
    const shown = plan.fork.choices.find(({ id }) => id !== counts.id)!;
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'key.chain'
        ? honest().then((answer) => ({ ...(answer as object), certificates: [shown.certificate] }))
        : honest();
    const settled = await neither.settleKey({ name: NAME, plan });
    expect(settled).toMatchObject({ epoch: 3, isAsOrdered: true, isOver: true, alsoForked: [1] });
    expect(settled.transcriptHash).toEqual(counts.transcriptHash);
    expect(settled.awaited).toMatchObject([{ server: 'charlie' }]);
    network.makeHonest();
    expect(await fresh.settleKey({ name: NAME })).toMatchObject({ epoch: 3, isAsOrdered: true });
    expect(await sign(neither)).toHaveLength(2);
  });

  test('waits for operators, whom he tells six words; every client of his sees the order and takes it back', async () => {
    const { client, other } = await forked({ changes: 'operator', changeDelay: 0 });
    const refused = await client.settleKey({ name: NAME }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'CHANGE_WAITING', facts: { servers: ['alpha', 'bravo'] } });
    const seen = (await other.showFork(NAME))!.orders;
    expect(seen).toMatchObject([{ asking: expect.arrayContaining(['alpha', 'bravo']) as unknown }]);
    expect((refused as StateError).hint).toContain(formatWords(likenessOf(seen[0]!.orderHash)));
    const { keys } = await other.status();
    expect(keys[0]!.settlements).toMatchObject([{ id: seen[0]!.id }]);
    expect(await other.cancelSettlement(NAME)).toMatchObject({ silent: [] });
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'CHANGE_OVER' });
    network.now += 7 * DAY;
    await expect(client.settleKey({ name: NAME })).rejects.toMatchObject({ code: 'CHANGE_WAITING' });
    await sayYes();
    expect(await client.settleKey({ name: NAME })).toMatchObject({ isAsOrdered: true, lost: ['bravo'] });
  });
});

async function callerOf(server: string) {
  const { bare, identity } = network.server(server);
  return bare.as(identityForServer(secret(OWNER_SEED.slice()), identity.xid as Xid));
}
