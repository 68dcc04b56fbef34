// @module-tag long
import type { ChangeOrder, Parameters, ReshareProposal } from '@ckm/api';
import { formatWords, likenessOf } from '@ckm/gordian';
import { type CarriedChange, carryChange, type NextMember, nextMember } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareCaller, type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { createBareServers, makeKey, type MadeKey } from '../../test/bare-servers.js';
import { signIn } from '../../test/signs.js';
import { storedShares } from '../../test/stored-shares.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;
const DAY = 86_400;
const LOOK = 1_200;

/** A server, and somebody there with the unlocked client of the owner of a key. */
interface Place {
  readonly server: BareServer;
  readonly caller: BareCaller;
}

/** Alpha, bravo and charlie with a key of Alice's; delta and echo are the thief's own. He has Alice's accounts at all of them. */
interface Theft {
  readonly made: MadeKey;
  readonly own: readonly Place[];
  readonly his: readonly Place[];
  readonly clock: { now: number };
  /** By hand, for the roster of these. */
  order(next: readonly Place[], needed?: number): Promise<CarriedChange>;
  /** Time in which every server runs. */
  pass(seconds: number): Promise<void>;
  /** The key is as it was, and nobody has a share that he did not have before. */
  expectNothing(): Promise<void>;
}

async function begin(policy: object = {}): Promise<Theft> {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(5, { now: () => clock.now });
  const places = servers.map((server, i): Place => ({ server, caller: callers[i]! }));
  const [own, his] = [places.slice(0, 3), places.slice(3)];
  const made = await makeKey(
    own.map(({ caller }) => caller),
    { policy },
  );
  const { keyId } = made;
  return {
    made,
    own,
    his,
    clock,
    order: (next, needed = 2) =>
      carryChange({
        servers: own.map(({ caller }) => caller),
        keyId,
        expiresAt: () => clock.now + 600,
        next: next.map(nextOf),
        needed,
      }),
    async pass(seconds) {
      for (let left = seconds; left > 0; left -= LOOK) {
        clock.now += Math.min(left, LOOK);
        for (const { server } of places) await server.sessions.sweep();
      }
    },
    async expectNothing() {
      for (const { server } of his) expect(await storedShares(server)).toEqual([]);
      for (const { server } of own)
        expect((await storedShares(server)).map(({ epoch }) => epoch)).toEqual([0]);
      for (const { server } of places) {
        const { context } = server;
        const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
        const deeds = lines.map(({ deed }) => deed);
        // Dealings leave with a session, and that needs promises.
        for (const deed of ['change.promise', 'change.lock', 'change.yield', 'change.commit'])
          expect(deeds).not.toContain(deed);
      }
      const callees = own.map(({ caller }) => caller);
      await signIn(callees, made, made.key, { epoch: 0, signers: [1, 3], expiresAt: clock.now + 600 });
    },
  };
}

function nextOf({ server, caller }: Place): NextMember {
  return nextMember(server, caller);
}

/** A session that moves shares, as it is proposed. */
function moving(
  order: ChangeOrder,
  promises: readonly Uint8Array[],
  now: number,
): Parameters<'session.propose'> {
  const proposal: ReshareProposal = {
    kind: 'reshare',
    keyId: order.keyId,
    order,
    dealers: [1, 2],
    attempt: 1,
    promises: [...promises],
  };
  return {
    sessionId: new Uint8Array(32).fill(9),
    proposal: proposal as unknown as Parameters<'session.propose'>['proposal'],
    expiresAt: now + 600,
  };
}

describe('a thief with the unlocked client of the owner', () => {
  test('orders the key to servers of his own, alone or with one of the owner’s, under any quorum: nobody promises before a day is over and every operator has typed six words', async () => {
    const { own, his, order, pass, clock, expectNothing } = await begin();
    const [alpha, bravo] = own as [Place, Place, Place];
    const [delta, echo] = his as [Place, Place];
    const rosters = [
      [delta, echo],
      [delta, echo, alpha],
      [alpha, bravo],
      [...own, delta],
      [...own, delta, echo],
    ];
    for (const next of rosters) {
      const change = await order(next);
      await change.propose();
      await expect(change.promise(1, [1])).rejects.toThrow(refused('early'));
      await expect(change.promise(1, [2])).rejects.toThrow(refused('early'));
      const ask = moving(change.order, [], clock.now);
      for (const { caller } of [alpha, bravo])
        await expect(caller.call('session.propose', ask)).rejects.toThrow(refused('early'));
    }
    const last = await order([delta, echo]);
    await last.propose();
    await pass(2 * DAY);
    // The time is over; the operators have not been asked by anybody they know.
    await expect(last.promise(1, [1])).rejects.toThrow(refused('early'));
    await expectNothing();
  });

  test('begins again and again, cancels and begins, or puts another order in its place: the day begins anew each time', async () => {
    const { his, own, order, pass, clock, expectNothing, made } = await begin({ changes: 'automatic' });
    const [delta, echo] = his as [Place, Place];
    const [alpha] = own as [Place];
    const change = await order([delta, echo]);
    const other = await order([echo, delta, alpha]);
    const { keyId } = made;
    await change.propose();
    await pass(DAY - LOOK);
    for (const { caller } of own)
      await caller.call('change.cancel', { keyId, epoch: 0, orderHash: change.orderHash });
    for (const view of (await change.propose()).slice(0, own.length))
      expect(view).toMatchObject({ state: 'waiting', readyAt: clock.now + DAY });
    await pass(DAY - LOOK);
    await other.propose();
    await change.propose();
    await pass(LOOK);
    await expect(change.promise(1, [1])).rejects.toThrow(refused('early'));
    await expect(other.promise(1, [1])).rejects.toThrow(refused('over'));
    // A day is long enough for the owner, who takes it back with another device.
    await pass(DAY - 2 * LOOK);
    for (const { caller } of own)
      await caller.call('change.cancel', { keyId, epoch: 0, orderHash: change.orderHash });
    await pass(2 * DAY);
    await expect(change.promise(1)).rejects.toThrow(refused('over'));
    await expectNothing();
  });

  test('calls it a refresh: another identity under a name of the roster, another quorum, or the same server twice is none', async () => {
    const { own, his, made, clock, expectNothing } = await begin();
    const [alpha] = own as [Place];
    const { policy } = await alpha.caller.call('key.show', { keyId: made.keyId });
    const roster = own.map(nextOf).map(({ serverId, identityKey }) => ({ serverId, identityKey }));
    const carried = await carryChange({
      servers: own.map(({ caller }) => caller),
      keyId: made.keyId,
      expiresAt: TEST_TIME + 600,
    });
    const swapped = roster.map((one, i) =>
      i === 0 ? { ...one, identityKey: nextOf(his[0]!).identityKey } : one,
    );
    const propose = (order: ChangeOrder) => alpha.caller.call('change.propose', { order, chain: [], policy });
    await expect(propose({ ...carried.order, roster: swapped })).rejects.toThrow(code('CHANGE_SERVER_FALSE'));
    const twice = [roster[0]!, roster[0]!, roster[1]!];
    await expect(propose({ ...carried.order, roster: twice })).rejects.toThrow(code('CHANGE_SERVER_FALSE'));
    for (const needed of [3, 2]) {
      const quorum = { needed, of: needed };
      const order = { ...carried.order, quorum, roster: roster.slice(0, needed) };
      const view = await propose(order);
      expect(view).toMatchObject({ state: 'waiting', asked: true, readyAt: clock.now + DAY });
    }
    await expectNothing();
  });

  test('refreshes, which he may, and puts keys of his own into what the servers offered: nobody joins that, and nothing is dealt', async () => {
    const { own, his, made, clock } = await begin();
    const callers = own.map(({ caller }) => caller);
    const change = await carryChange({
      servers: callers,
      keyId: made.keyId,
      expiresAt: () => clock.now + 600,
    });
    await change.propose();
    const promises = await change.promise(1);
    const thief = his[0]!.server.context.identity.publicKeys;
    const fields = { sealingKey: thief.agreement, identityKey: thief.signing.bytes };
    for (const [field, bytes] of Object.entries(fields)) {
      const lying = callers.map((caller, i): BareCaller => ({
        name: caller.name,
        call: async (called, parameters) => {
          const answer = await caller.call(called, parameters);
          if (called !== 'session.propose' || i !== 0) return answer;
          const view = answer as unknown as { offer: { receiver: object } };
          const receiver = { ...view.offer.receiver, [field]: bytes };
          return { ...view, offer: { ...view.offer, receiver } } as never;
        },
      }));
      const stolen = await carryChange({
        servers: lying,
        keyId: made.keyId,
        expiresAt: () => clock.now + 600,
      });
      await expect(stolen.move(1, promises)).rejects.toThrow(
        expect.objectContaining({ errorClass: expect.stringMatching(/^(PeerFault|Encoding|State)Error$/) }),
      );
    }
    // With what they did offer it is a refresh, and the owner’s servers have the shares.
    const whole = await change.move(1, promises);
    expect(whole.epoch.params.roster.map(({ serverId }) => serverId)).toEqual(
      change.order.roster.map(({ serverId }) => serverId),
    );
    for (const { server } of his) expect(await storedShares(server)).toEqual([]);
  });

  test('has a server of his own among those of the key, by one yes too many: it has one share, and as much say as one server', async () => {
    const theft = await begin({ changes: 'operator' });
    const { own, his, order, pass, clock, made } = theft;
    const [delta, echo] = his as [Place, Place];
    const [alpha, bravo] = own as [Place, Place, Place];
    const change = await order([alpha, bravo, delta]);
    await change.propose();
    await pass(DAY);
    for (const { server } of [alpha, bravo, delta]) {
      const { changeDesk } = server.sessions;
      const [seen] = (await changeDesk.list()).changes;
      await changeDesk.approve(seen!, formatWords(likenessOf(change.orderHash)));
    }
    const promises = await change.promise(1, [1, 2]);
    const whole = await change.move(1, promises);
    const locks = await change.lock(1, whole, promises, [1, 2]);
    const yields = await change.yield(whole, change.locksOf(1, whole, locks), [1, 2]);
    await change.commit(change.certify(1, whole, { promises, locks, yields }));
    // From here on the thief wants the rest. Delta says yes to everything at once, as no honest server would.
    const { keyId } = made;
    const callers = [alpha, bravo, delta].map(({ caller }) => caller);
    const next = [delta, echo].map(nextOf);
    const rest = await carryChange({
      servers: callers,
      keyId,
      expiresAt: () => clock.now + 600,
      next,
      needed: 2,
    });
    await rest.propose();
    for (const slot of [1, 2]) await expect(rest.promise(1, [slot])).rejects.toThrow(refused('early'));
    // Promises of one server are too few for a session, whoever repeats them.
    const { changeDesk } = delta.server.sessions;
    const [seen] = (await changeDesk.list()).changes;
    await changeDesk.approve(seen!, formatWords(likenessOf(rest.orderHash)));
    const said = await rest.promise(1, [3]).catch(() => [] as Uint8Array[]);
    for (const { caller } of [alpha, bravo]) {
      const ask = moving(rest.order, [...said, ...said], clock.now);
      await expect(caller.call('session.propose', ask)).rejects.toThrow(code('CHANGE_REFUSED'));
    }
    const shares = await storedShares(delta.server);
    expect(shares.map(({ epoch }) => epoch)).toEqual([1]);
  });
});
