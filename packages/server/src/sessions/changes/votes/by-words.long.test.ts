// @module-tag long
import {
  type CarriedChange,
  carryChange,
  type PostgresCluster,
  postgresPrograms,
  startPostgres,
} from '@ckm/testkit';
import { encodeStatement, parseStatement } from '@ckm/threshold';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type BareCaller, type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey } from '../../test/bare-servers.js';
import { signIn } from '../../test/signs.js';

const network = createBareServers();
const hasPostgres = postgresPrograms() !== null;
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;
const DAY = 86_400;
/** Seconds: longest step between two looks of a server at its clock that counts as time in which it ran. */
const STEP = 1_200;
const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;

let now = TEST_TIME;
let cluster: PostgresCluster | undefined;
let servers: BareServer[];
let callees: BareCaller[];
let made: Awaited<ReturnType<typeof makeKey>>;
let change: CarriedChange;
/** Who is gone for good: four hold the key, two are left. */
const LEFT = [1, 2];

/** Every server that is left is killed, and begins again from what it has stored. */
async function killAll(): Promise<void> {
  for (const [i, server] of servers.entries()) servers[i] = await network.restart(server);
  const callers = await Promise.all(servers.map((server) => server.as(alice)));
  for (const [i, callee] of callees.entries())
    callee.call = (called, parameters) => callers[i]!.call(called, parameters);
}

async function pass(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= STEP) {
    now += Math.min(left, STEP);
    for (const server of servers.slice(0, 2)) await server.sessions.sweep();
  }
}

/** Of a key of 2 of 4, ordered by the words for the two that are left. */
async function begin(): Promise<void> {
  now = TEST_TIME;
  servers = [];
  for (const name of ['alpha', 'bravo', 'charlie', 'delta']) {
    const url = await cluster?.createDatabase();
    servers.push(
      await network.open({ name, now: () => now, ...(url === undefined ? {} : { databaseUrl: url }) }),
    );
  }
  callees = (await Promise.all(servers.map((server) => server.as(alice)))).map((one) => ({ ...one }));
  made = await makeKey(callees, { needed: 2, policy: AT_ONCE });
  const { keyId } = made;
  const next = servers.slice(0, 2).map(({ context: { identity } }, i) => ({
    callee: callees[i]!,
    serverId: identity.xid,
    identityKey: identity.publicKeys.signing.bytes,
  }));
  const expiresAt = () => now + 600;
  change = await carryChange({ servers: callees, keyId, expiresAt, next, needed: 2, byWords: true });
}

describe.each(hasPostgres ? ['SQLite', 'PostgreSQL'] : ['SQLite'])(
  'an order by the words, on %s',
  (engine) => {
    beforeAll(async () => {
      cluster = engine === 'PostgreSQL' ? await startPostgres() : undefined;
    }, 120_000);
    afterEach(() => network.close());
    afterAll(() => cluster?.stop());

    test('kill −9 of every server behind every step: its days go on being counted, what was said is said again, and what was said by the words is marked', async () => {
      await begin();
      const twice = async <T>(step: () => Promise<T>): Promise<T> => {
        const first = await step();
        await killAll();
        expect(await step()).toEqual(first);
        return first;
      };
      await twice(() => change.propose());
      for (let day = 0; day < 7; day++) {
        await expect(change.promise(1, LEFT)).rejects.toThrow(refused('early'));
        await pass(DAY);
        await killAll();
      }
      // What runs between a look and a death counts for nothing.
      await pass(DAY / 2);
      const promises = await twice(() => change.promise(1, LEFT));
      expect(promises.map(parseStatement)).toMatchObject(LEFT.map((slot) => ({ slot, mayFork: true })));
      const whole = await change.move(1, promises);
      await killAll();
      const locks = await twice(() => change.lock(1, whole, promises, LEFT));
      const yields = await twice(() => change.yield(whole, change.locksOf(1, whole, locks), LEFT));
      const certificate = change.certify(1, whole, { promises, locks, yields });
      await signIn(callees, made, made.key, { epoch: 0, signers: [1, 2], expiresAt: now + 600 });
      await twice(() => change.commit(certificate));
      await signIn(callees, made, whole.epoch.public, { epoch: 1, signers: [1, 2], expiresAt: now + 600 });
    }, 240_000);
  },
);

describe('who has not been released by the words', () => {
  beforeAll(() => {
    cluster = undefined;
  });
  afterEach(() => network.close());

  test('locks nothing by what those say who were, gives way to none of it, and follows the certificate all the same', async () => {
    await begin();
    await change.propose();
    await pass(7 * DAY);
    const promises = await change.promise(1, LEFT);
    const whole = await change.move(1, promises);
    // Charlie has been off: he has counted nothing.
    await expect(change.promise(1, [3])).rejects.toThrow(refused('early'));
    await expect(change.lock(1, whole, promises, [3])).rejects.toThrow(refused('not-promised'));
    const locks = await change.lock(1, whole, promises, LEFT);
    const certificate = change.locksOf(1, whole, locks);
    await expect(change.yield(whole, certificate, [3])).rejects.toThrow(refused('locks-too-few'));
    const yields = await change.yield(whole, certificate, LEFT);
    const committed = await change.commit(change.certify(1, whole, { promises, locks, yields }));
    expect(committed.map(({ epoch }) => epoch)).toEqual([1, 1, 1, 1]);
  }, 120_000);

  test('one marked vote beside one that is not is too few, whoever takes the mark off or puts one on', async () => {
    await begin();
    await change.propose();
    await pass(7 * DAY);
    const promises = await change.promise(1, LEFT);
    const whole = await change.move(1, promises);
    const locks = await change.lock(1, whole, promises, LEFT);
    const yields = await change.yield(whole, change.locksOf(1, whole, locks), LEFT);
    const votes = { promises, locks, yields };
    const unmarked = (bytes: Uint8Array) => encodeStatement({ ...parseStatement(bytes), mayFork: false });
    for (const kind of ['promises', 'locks', 'yields'] as const) {
      const fewer = { ...votes, [kind]: votes[kind].slice(1) };
      const bent = { ...votes, [kind]: [votes[kind][0]!, unmarked(votes[kind][1]!)] };
      for (const one of [fewer, bent])
        await expect(change.commit(change.certify(1, whole, one))).rejects.toMatchObject({
          code: 'CHANGE_NOT_DECIDED',
        });
    }
  }, 120_000);

  test('who was released by an order that was taken back says of the same one, given without the words, nothing by them, and decides on it with as many as ever', async () => {
    await begin();
    await change.propose();
    await pass(7 * DAY);
    const marked = await change.promise(1, LEFT);
    const whole = await change.move(1, marked);
    const named = { keyId: made.keyId, epoch: 0, orderHash: change.orderHash };
    for (const callee of callees) await callee.call('change.cancel', named);
    const { members, orderHash } = change;
    const next = change.order.roster.map((entry, i) => ({ ...entry, callee: members[i]! }));
    const expiresAt = () => now + 600;
    const plain = await carryChange({ servers: callees, keyId: made.keyId, expiresAt, next, needed: 2 });
    expect(plain.orderHash).toEqual(orderHash);
    for (const view of await plain.propose()) expect(view).not.toHaveProperty('byWords');
    // A day is what the key waits for, and two are enough for nothing.
    await expect(plain.lock(1, whole, marked, LEFT)).rejects.toThrow(refused('over'));
    await expect(plain.promise(1, LEFT)).rejects.toThrow(refused('said-otherwise'));
    now += 600;
    const third = await plain.promise(1, [3]);
    now += 600;
    const promises = await plain.promise(2, [1, 2, 3], [...marked, ...third]);
    expect(promises.map(parseStatement)).toMatchObject([1, 2, 3].map((slot) => ({ slot, mayFork: false })));
    const again = await plain.move(2, promises);
    const locks = await plain.lock(2, again, promises, [1, 2, 3]);
    await expect(plain.yield(again, plain.locksOf(2, again, locks.slice(1)), [1])).rejects.toThrow(
      refused('locks-too-few'),
    );
    const yields = await plain.yield(again, plain.locksOf(2, again, locks), [1, 2, 3]);
    await plain.commit(plain.certify(2, again, { promises, locks, yields }));
  }, 120_000);

  test('taken back behind its days it is locked by nobody, and an order of before does not come back', async () => {
    await begin();
    await change.propose();
    await pass(7 * DAY);
    const promises = await change.promise(1, LEFT);
    const whole = await change.move(1, promises);
    const { orderHash } = change;
    const named = { keyId: made.keyId, epoch: 0, orderHash };
    await callees[0]!.call('change.cancel', named);
    await expect(change.lock(1, whole, promises, [1])).rejects.toThrow(refused('over'));
    const [view] = await change.propose();
    expect(view).toMatchObject({ state: 'waiting', byWords: true });
    await expect(change.lock(1, whole, promises, [1])).rejects.toThrow(refused('early'));
  }, 120_000);
});
