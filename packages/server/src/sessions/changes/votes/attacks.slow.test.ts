import { type CarriedChange, carryChange, completeChange, type NextMember, nextMember } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareCaller, type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey } from '../../test/bare-servers.js';
import { loseDatabase } from '../../test/lost-database.js';

const network = createBareServers();
afterEach(() => network.close());
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;
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

describe('attacks on a change', () => {
  test('V33e: of a key with static recovery a server that lost its database is given its epoch back and still says nothing in it', async () => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(3, {
      now: () => now,
      settings: { backup: 'static' },
    });
    const { keyId, certificate: made } = await makeKey(callers, { policy: { recovery: 'static' } });
    const { policy } = await callers[0]!.call('key.show', { keyId });
    const expiresAt = () => now + 600;
    const first = await carryChange({ servers: callers, keyId, expiresAt });
    const one = await completeChange(first);
    await first.commit(one);
    now += 86_400;
    const second = await carryChange({ servers: callers, keyId, expiresAt });
    await second.propose();
    const promises = await second.promise(1);
    const a = await second.move(1, promises);
    const b = await second.move(1, promises);
    const locksA = await second.lock(1, a, promises, [1, 2]);
    const yieldsA = await second.yield(a, second.locksOf(1, a, locksA), [1, 2]);
    const certA = second.certify(1, a, { promises, locks: locksA, yields: yieldsA });
    // alpha's disk dies; static backup gives it back
    servers[0] = await loseDatabase(network, servers[0]!);
    callers[0] = await servers[0]!.as(alice);
    await callers[0]!.call('key.restore', { certificate: made, policy });
    const [order] = [first.order];
    const back = await callers[0]!.call('change.propose', { order, chain: [], policy });
    expect(back.forgot).not.toBeNull();
    const acknowledgements = await first.acknowledge(one, [2, 3]);
    await callers[0]!.call('change.commit', { keyId, certificate: one, acknowledgements });
    now += 86_400;
    const view = await callers[0]!.call('change.propose', { order: second.order, chain: [], policy });
    expect(view.forgot).not.toBeNull();
    await expect(second.promise(1, [1])).rejects.toThrow(refused('forgot'));
    await expect(second.lock(1, b, promises, [1])).rejects.toThrow(refused('forgot'));
    await callers[1]!.call('change.commit', { keyId, certificate: certA });
  });

  test('an order is done where its own certificate stands, not where it was the last one proposed', async () => {
    const [alpha, bravo, charlie, delta] = (await openMembers(4)) as [Member, Member, Member, Member];
    const { keyId } = await makeKey(callersOf([alpha, bravo, charlie]), { policy: AT_ONCE });
    const old = [alpha, bravo, charlie];
    const refresh = await change(keyId, old, old, 2);
    const certificate = await completeChange(refresh);
    const remove = await change(keyId, old, [alpha, bravo, delta], 2);
    await remove.propose();
    await refresh.commit(certificate);
    const { order } = remove;
    const { policy } = await alpha.caller.call('key.show', { keyId });
    await expect(alpha.caller.call('change.propose', { order, chain: [], policy })).rejects.toThrow(
      code('KEY_EPOCH_DIFFERS'),
    );
    const view = await alpha.caller.call('change.propose', { order: refresh.order, chain: [], policy });
    expect(view.state).toBe('done');
  });

  test('nobody deals for an order that was cancelled after the offers were made', async () => {
    let now = TEST_TIME;
    const [alpha, bravo, charlie] = (await openMembers(3, () => now)) as [Member, Member, Member];
    const { keyId } = await makeKey(callersOf([alpha, bravo]), { policy: AT_ONCE });
    const old = [alpha, bravo];
    const carried = await change(keyId, old, [bravo, charlie], 2);
    await carried.propose();
    const promises = await carried.promise(1);
    // the thief's courier: offers first, the owner cancels everywhere, twelve days pass, then join and deal
    let joined = 0;
    const { orderHash } = carried;
    const wrap = (member: Member): BareCaller => ({
      name: member.caller.name,
      call: async (name, parameters) => {
        if (name === 'session.join' && joined++ === 0) {
          for (const { caller } of [alpha, bravo, charlie]) {
            const view = await caller.call('change.cancel', { keyId, epoch: 0, orderHash });
            expect(view.state).toBe('over');
          }
          now += 12 * 86_400;
        }
        return member.caller.call(name, parameters);
      },
    });
    const nextMembers = nextOf([bravo, charlie]).map((one, i) => ({
      ...one,
      callee: wrap([bravo, charlie][i]!),
    }));
    const late = await carryChange({
      servers: [wrap(alpha), nextMembers[0]!.callee],
      keyId,
      expiresAt: () => TEST_TIME + 13 * 86_400,
      next: nextMembers,
      needed: 2,
    });
    await expect(late.move(1, promises)).rejects.toThrow(refused('over'));
  });

  test('a false chain shown to a server that joins gives way to the true one', async () => {
    const [alpha, bravo, charlie] = (await openMembers(3)) as [Member, Member, Member];
    const { keyId } = await makeKey(callersOf([alpha, bravo]), { policy: AT_ONCE });
    const [x, y] = (await openMembers(2)) as [Member, Member];
    await makeKey(callersOf([x, y]), { policy: AT_ONCE, keyId });
    const evil = await change(keyId, [x, y], [x, charlie], 2);
    const { policy, certificate } = await x.caller.call('key.show', { keyId });
    await charlie.caller.call('change.propose', { order: evil.order, chain: [certificate!], policy });
    await charlie.caller.call('change.cancel', { keyId, epoch: 0, orderHash: evil.orderHash });
    const honest = await change(keyId, [alpha, bravo], [alpha, charlie], 2);
    expect((await honest.propose()).map(({ state }) => state)).toEqual(['ready', 'ready', 'ready']);
  });

  test('an operator who is not asked says no all the same, and proposing again does not undo it', async () => {
    const [alpha, bravo, charlie] = (await openMembers(3)) as [Member, Member, Member];
    const { keyId } = await makeKey(callersOf([alpha, bravo]), { policy: { changes: 'automatic' } });
    const one = await change(keyId, [alpha, bravo], [alpha, charlie], 2);
    await one.propose();
    const { changeDesk } = alpha.server.sessions;
    const { changes } = await changeDesk.list();
    await changeDesk.reject(changes[0]!, 'not with me');
    expect((await one.propose())[0]).toMatchObject({ state: 'over', reason: 'not with me' });
  });
});
