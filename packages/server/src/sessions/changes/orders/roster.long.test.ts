// @module-tag long
import { type CarriedChange, carryChange, completeChange, type NextMember, nextMember } from '@ckm/testkit';
import { formatWords, type Identity, likenessOf } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareCaller, type BareServer, TEST_TIME, testPerson } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey } from '../../test/bare-servers.js';
import { signIn } from '../../test/signs.js';
import { COUNT_SECONDS } from '../../waiting-time.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;

/** A key whose owner has said that changes of who holds it wait for nothing. */
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;

interface Member {
  readonly server: BareServer;
  readonly caller: BareCaller;
}

async function openMembers(count: number, now = () => TEST_TIME): Promise<Member[]> {
  const { servers, callers } = await network.openMany(count, { now });
  return servers.map((server, i) => ({ server, caller: callers[i]! }));
}

function nextOf(members: readonly Member[]): NextMember[] {
  return members.map(({ server, caller }) => nextMember(server, caller));
}

/** Somebody who could be a server. */
function memberOf({ xid, publicKeys }: Identity) {
  return { serverId: new Uint8Array(xid), identityKey: publicKeys.signing.bytes };
}

/** Lets time pass while servers run, as they look at the clock. */
async function pass(seconds: number, clock: { now: number }, members: readonly Member[]): Promise<void> {
  for (let left = seconds; left > 0; left -= COUNT_SECONDS) {
    clock.now += Math.min(left, COUNT_SECONDS);
    for (const { server } of members) await server.sessions.sweep();
  }
}

const callersOf = (members: readonly Member[]) => members.map(({ caller }) => caller);

function change(
  keyId: Uint8Array,
  old: readonly Member[],
  next: readonly Member[],
  needed: number,
): Promise<CarriedChange> {
  const expiresAt = () => old[0]!.server.context.clock() + 600;
  return carryChange({ servers: callersOf(old), keyId, expiresAt, next: nextOf(next), needed });
}

describe('other servers, and another quorum', () => {
  test('2 of 3 becomes 3 of 5, then 2 of 2, then 2 of 3 with others: the key signs at each step, and who was left out does not', async () => {
    const [alpha, bravo, charlie, delta, echo] = (await openMembers(5)) as [
      Member,
      Member,
      Member,
      Member,
      Member,
    ];
    const steps = [
      {
        members: [alpha, bravo, charlie, delta, echo],
        needed: 3,
        signers: [
          [1, 2, 3],
          [2, 4, 5],
        ],
      },
      { members: [delta, echo], needed: 2, signers: [[1, 2]] },
      {
        members: [bravo, echo, delta],
        needed: 2,
        signers: [
          [1, 2],
          [1, 3],
        ],
      },
    ];
    let old = [alpha, bravo, charlie];
    const made = await makeKey(callersOf(old), { policy: AT_ONCE });
    const { keyId } = made;
    await signIn(callersOf(old), made, made.key, { epoch: 0, signers: [1, 3] });
    for (const [i, { members, needed, signers }] of steps.entries()) {
      const carried = await change(keyId, old, members, needed);
      const certificate = await completeChange(carried);
      const committed = await carried.commit(certificate);
      expect(committed.map(({ epoch }) => epoch)).toEqual(committed.map(() => i + 1));
      await carried.retire(committed);
      const { before } = await change(keyId, members, members, needed);
      expect(before.public.groupKey).toEqual(made.key.groupKey);
      for (const slots of signers)
        await signIn(callersOf(members), made, before.public, { epoch: i + 1, signers: slots });
      old = members;
    }
    const prepare = { keyId, epoch: 1, wanted: { craft: 'frost', commitments: 1 } } as const;
    await expect(alpha.caller.call('craft.prepare', prepare)).rejects.toThrow(code('KEY_LEFT'));
    await expect(charlie.caller.call('craft.prepare', prepare)).rejects.toThrow(code('KEY_LEFT'));
  });

  test('a server that joins checks the chain of certificates and the policy for itself, and is not told of a key by its id alone', async () => {
    const [alpha, bravo, charlie] = (await openMembers(3)) as [Member, Member, Member];
    const { keyId } = await makeKey(callersOf([alpha, bravo]), { policy: AT_ONCE });
    const { order } = await change(keyId, [alpha, bravo], [alpha, bravo, charlie], 2);
    const { policy, certificate } = await alpha.caller.call('key.show', { keyId });
    const propose = (chain: Uint8Array[], shown = policy) =>
      charlie.caller.call('change.propose', { order, chain, policy: shown });
    await expect(propose([])).rejects.toThrow(code('KEY_UNKNOWN'));
    const forged = certificate!.slice();
    forged[forged.length - 1]! ^= 1;
    await expect(propose([forged])).rejects.toThrow(code('FAULT_SIGNATURE_INVALID'));
    const other = { ...policy, blindAllowed: !policy.blindAllowed };
    await expect(propose([certificate!], other)).rejects.toThrow(code('POLICY_NOT_CERTIFIED'));
    expect((await propose([certificate!])).state).toBe('ready');
    const joined = {
      keyId,
      epoch: 0,
      orderHash: new Uint8Array(32),
      attempt: 1,
      shown: [],
      recall: null,
      locked: [],
    };
    await expect(charlie.caller.call('change.promise', joined)).rejects.toThrow(code('CHANGE_NOT_MEMBER'));
  });
});

test('a server that is new is named by its own key: nobody receives under the likeness of another one', async () => {
  const [alpha, bravo, charlie] = (await openMembers(3)) as [Member, Member, Member];
  const { keyId } = await makeKey(callersOf([alpha, bravo]), { policy: AT_ONCE });
  const [named, thief] = [nextOf([charlie])[0]!, memberOf(testPerson(9))];
  const next = [...nextOf([alpha]), { ...named, identityKey: thief.identityKey }];
  const order = { servers: callersOf([alpha, bravo]), keyId, expiresAt: TEST_TIME + 600, next, needed: 2 };
  await expect((await carryChange(order)).propose()).rejects.toThrow(code('CHANGE_SERVER_FALSE'));
});

describe('what waits', () => {
  test('L4: by default an order that moves shares waits a day and for every operator, who types its six words', async () => {
    const clock = { now: TEST_TIME };
    const [alpha, bravo, charlie] = (await openMembers(3, () => clock.now)) as [Member, Member, Member];
    const { keyId } = await makeKey(callersOf([alpha, bravo]));
    const carried = await change(keyId, [alpha, bravo], [alpha, bravo, charlie], 2);
    const views = await carried.propose();
    const waiting = { state: 'waiting', asked: true, readyAt: TEST_TIME + 86_400 };
    for (const view of views) expect(view).toMatchObject(waiting);
    await expect(carried.promise(1, [1])).rejects.toThrow(refused('early'));
    await pass(86_400, clock, [alpha, bravo, charlie]);
    expect((await carried.propose())[0]).toMatchObject({ state: 'waiting', asked: true, readyAt: null });
    await expect(carried.promise(1, [1])).rejects.toThrow(refused('early'));
    for (const { server } of [alpha, bravo, charlie]) {
      const { changeDesk } = server.sessions;
      const { changes } = await changeDesk.list();
      expect(changes.map(({ asked, orderHash }) => [asked, orderHash])).toEqual([[true, carried.orderHash]]);
      await expect(changeDesk.approve(changes[0]!, 'one two three four five six')).rejects.toThrow(
        code('CHANGE_WORDS_WRONG'),
      );
      await changeDesk.approve(changes[0]!, formatWords(likenessOf(carried.orderHash)));
      await expect(
        changeDesk.approve(changes[0]!, formatWords(likenessOf(carried.orderHash))),
      ).rejects.toThrow(code('CHANGE_NOT_WAITING'));
    }
    const certificate = await completeChange(carried);
    await carried.commit(certificate);
  });

  test('L12: a day is a day of running: neither a clock put forward while the server was off, nor the time off, is counted', async () => {
    const clock = { now: TEST_TIME };
    const { servers, callers } = await network.openMany(2, { now: () => clock.now });
    const { keyId } = await makeKey(callers, { policy: { changes: 'automatic' } });
    const [alpha, bravo] = servers.map((server, i): Member => ({ server, caller: callers[i]! }));
    const carried = await change(keyId, [alpha!, bravo!], [bravo!, alpha!], 2);
    const requorum = { ...carried.order, quorum: { needed: 2, of: 3 } };
    const stranger = memberOf(testPerson(9));
    const order = { ...requorum, roster: [...requorum.roster, stranger] };
    const { policy } = await callers[0]!.call('key.show', { keyId });
    const look = (caller: BareCaller) => caller.call('change.propose', { order, chain: [], policy });
    expect(await look(callers[0]!)).toMatchObject({ state: 'waiting', readyAt: TEST_TIME + 86_400 });
    await pass(3_600, clock, [alpha!]);
    const again = await network.restart(servers[0]!, { now: () => clock.now + 31_536_000 });
    const caller = await again.as(alice);
    await again.sessions.sweep();
    expect(await look(caller)).toMatchObject({ state: 'waiting', readyAt: clock.now + 31_536_000 + 82_800 });
  });

  test('F19: neither a machine that sleeps over a weekend nor a clock that is moved by small steps brings a delay nearer', async () => {
    const passed = { slept: 0, ran: 0 };
    const { servers, callers } = await network.openMany(2, {
      now: () => TEST_TIME + passed.slept + passed.ran,
      elapsed: () => passed.ran * 1_000,
    });
    const [alpha, bravo] = servers.map((server, i): Member => ({ server, caller: callers[i]! }));
    const { keyId } = await makeKey(callers, { policy: { changes: 'automatic' } });
    const carried = await change(keyId, [alpha!, bravo!], [alpha!, bravo!], 2);
    const order = { ...carried.order, quorum: { needed: 2, of: 3 } };
    const stranger = { ...order, roster: [...order.roster, memberOf(testPerson(9))] };
    const { policy } = await callers[0]!.call('key.show', { keyId });
    const left = async () => {
      const view = await callers[0]!.call('change.propose', { order: stranger, chain: [], policy });
      return view.readyAt! - (TEST_TIME + passed.slept + passed.ran);
    };
    expect(await left()).toBe(86_400);
    passed.slept += 3 * 86_400;
    expect(await left()).toBe(86_400);
    for (let i = 0; i < 100; i++) {
      passed.slept += 29;
      passed.ran += 1;
      await alpha!.server.sessions.sweep();
    }
    expect(await left()).toBe(86_300);
  });

  test('an order of a suspended account does not ripen, and is neither shown nor approved', async () => {
    const clock = { now: TEST_TIME };
    const [alpha, bravo, charlie] = (await openMembers(3, () => clock.now)) as [Member, Member, Member];
    const { keyId } = await makeKey(callersOf([alpha, bravo]));
    const carried = await change(keyId, [alpha, bravo], [alpha, bravo, charlie], 2);
    await carried.propose();
    const { changeDesk } = alpha.server.sessions;
    const [seen] = (await changeDesk.list()).changes;
    const { storage, accounts } = alpha.server.context;
    const setStatus = (status: 'active' | 'suspended') =>
      storage.transact((transaction) => accounts.setStatus(transaction, alice.xid, status));
    await setStatus('suspended');
    await pass(86_400, clock, [alpha, bravo]);
    expect((await changeDesk.list()).changes).toEqual([]);
    const words = formatWords(likenessOf(carried.orderHash));
    await expect(changeDesk.approve(seen!, words)).rejects.toThrow(code('CHANGE_NOT_WAITING'));
    await setStatus('active');
    await pass(1_800, clock, [alpha]);
    const [ours, theirs] = await carried.propose();
    expect([ours!.readyAt! > clock.now + 80_000, theirs!.readyAt]).toEqual([true, null]);
  });

  test('a refresh waits for an order that is open, and so ends none by ending its epoch', async () => {
    const clock = { now: TEST_TIME };
    const [alpha, bravo, charlie] = (await openMembers(3, () => clock.now)) as [Member, Member, Member];
    const { keyId } = await makeKey(callersOf([alpha, bravo]), { policy: { changes: 'automatic' } });
    const waiting = await change(keyId, [alpha, bravo], [alpha, bravo, charlie], 2);
    await waiting.propose();
    const refresh = await change(keyId, [alpha, bravo], [bravo, alpha], 2);
    const reason = 'another order about the key waits';
    for (const view of await refresh.propose()) expect(view).toMatchObject({ state: 'waiting', reason });
    await expect(refresh.promise(1, [1])).rejects.toThrow(refused('early'));
    await pass(86_400, clock, [alpha, bravo, charlie]);
    expect((await waiting.propose()).map(({ state }) => state)).toEqual(['ready', 'ready', 'ready']);
    expect((await waiting.promise(1)).length).toBe(2);
    const { orderHash } = waiting;
    await alpha.caller.call('change.cancel', { keyId, epoch: 0, orderHash });
    expect((await refresh.propose()).map(({ state }) => state)).toEqual(['ready', 'waiting']);
  });

  test('L4: another order takes the place of the one before and begins anew, a cancelled one is over', async () => {
    const clock = { now: TEST_TIME };
    const [alpha, bravo, charlie, delta] = (await openMembers(4, () => clock.now)) as [
      Member,
      Member,
      Member,
      Member,
    ];
    const { keyId } = await makeKey(callersOf([alpha, bravo]), { policy: { changes: 'automatic' } });
    const first = await change(keyId, [alpha, bravo], [alpha, bravo, charlie], 2);
    const second = await change(keyId, [alpha, bravo], [alpha, bravo, delta], 2);
    await first.propose();
    await pass(86_399, clock, [alpha, bravo]);
    await second.propose();
    clock.now += 1;
    await expect(first.promise(1, [1])).rejects.toThrow(refused('over'));
    await expect(second.promise(1, [1])).rejects.toThrow(refused('early'));
    await pass(86_400, clock, [alpha, bravo]);
    const { orderHash } = second;
    const view = await alpha.caller.call('change.cancel', { keyId, epoch: 0, orderHash });
    expect(view).toMatchObject({ state: 'over', reason: 'cancelled by its owner' });
    await expect(second.promise(1, [1])).rejects.toThrow(refused('over'));
    expect((await second.promise(1, [2])).length).toBe(1);
    const [again] = await second.propose();
    expect(again).toMatchObject({ state: 'waiting', readyAt: clock.now + 86_400 });
  });
});
