// @module-tag long
import { carryChange, completeChange, fetchChain, nextMember, preparing } from '@ckm/testkit';
import { formatWords, likenessOf } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareCaller, type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { createBareServers, SOON } from '../../test/bare-servers.js';
import { forkApart, type ForkedServers, forkKey } from '../../test/fork.js';
import { carrySettling } from '../../test/settle-courier.js';
import { signIn } from '../../test/signs.js';
import { COUNT_SECONDS } from '../../waiting-time.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;

const YEAR = 365 * 86_400;

async function sharesOf({ context }: BareServer): Promise<readonly number[]> {
  const rows = await context.storage.read(({ shares }) => shares.listAll(null, 10));
  return rows.map(({ epoch }) => epoch);
}

/** Alpha went on by the one, bravo by the other, and each has seen both since. */
async function forked(): Promise<ForkedServers> {
  const found = await forkApart(network);
  const { callers, keyId, one, other } = found;
  const [alpha, bravo] = callers;
  for (const [caller, certificate] of [
    [alpha!, other],
    [bravo!, one],
  ] as const)
    await expect(caller.call('change.commit', { keyId, certificate })).rejects.toThrow(
      expect.objectContaining({ code: 'KEY_FORKED', facts: { epoch: 1, slots: '3' } }),
    );
  return found;
}

describe('ADR 0049: of two certificates of one epoch', () => {
  test('the one counts on which those settle who did not sign twice: it signs again, and what came of the other is destroyed', async () => {
    const { servers, callers, made, keyId, one, other } = await forked();
    const members = callers.slice(0, 3);
    const [alpha, bravo, charlie] = members;
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const votes = await settling.settle([1, 2]);
    // Its own key of that share is gone before anything else.
    expect(await settling.end(bravo!, votes)).toBe(true);
    const { context } = servers[1]!;
    const owner = (await context.storage.read(({ keys }) => keys.listAll(null, 1)))[0]!.owner;
    expect(context.epochKeys.exists({ owner, keyId, epoch: 1 })).toBe(false);
    expect(await sharesOf(servers[1]!)).toEqual([0]);
    // It goes over to what counts, and to nothing else; meanwhile it answers nothing.
    await expect(bravo!.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(code('KEY_FORKED'));
    await expect(bravo!.call('change.commit', { keyId, certificate: other })).rejects.toThrow(
      code('CHANGE_SETTLED'),
    );
    expect(await settling.end(alpha!, votes)).toBe(false);
    expect(await settling.end(charlie!, votes)).toBe(false);
    const committed = [];
    for (const caller of members)
      committed.push(await caller.call('change.commit', { keyId, certificate: one }));
    expect(committed.map(({ acknowledgement }) => acknowledgement?.length)).toEqual([64, 64, 64]);
    for (const caller of members) {
      await expect(caller.call('change.commit', { keyId, certificate: other })).rejects.toThrow(
        code('CHANGE_SETTLED'),
      );
      expect((await caller.call('key.show', { keyId })).key.forked).toBeUndefined();
    }
    const { before } = await carryChange({ servers: members, keyId, expiresAt: SOON });
    for (const signers of [
      [1, 2],
      [2, 3],
    ])
      await signIn(members, made, before.public, { epoch: 1, signers });
    // Old shares go as after every change, and the next change leaves out who signed twice.
    const acknowledgements = committed.map((said, i) => ({ slot: i + 1, signature: said.acknowledgement! }));
    for (const caller of members) await caller.call('change.retire', { keyId, epoch: 0, acknowledgements });
    expect(await Promise.all(servers.slice(0, 3).map(sharesOf))).toEqual([[1], [1], [1]]);
    const next = await carryChange({
      servers: members,
      keyId,
      expiresAt: SOON,
      needed: 2,
      next: before.params.roster.slice(0, 2).map((entry, i) => ({ ...entry, callee: members[i]! })),
    });
    await next.commit(await completeChange(next));
    const after = await carryChange({ servers: members.slice(0, 2), keyId, expiresAt: SOON });
    await signIn(members.slice(0, 2), made, after.before.public, { epoch: 2, signers: [1, 2] });
  });

  test('whoever signed twice has no say, the others say one thing, and nothing before enough have their shares', async () => {
    const { callers, keyId, one, other } = await forked();
    const members = callers.slice(0, 3);
    const [alpha, bravo] = members;
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const [ofAlpha, ofBravo] = [await settling.propose(alpha!), await settling.propose(bravo!)];
    expect([ofAlpha.twice, ofAlpha.areReady, ofAlpha.state]).toEqual([[3], false, 'ready']);
    await expect(settling.promise([1])).rejects.toThrow(refused('early'));
    const acknowledgements = [ofAlpha, ofBravo].map(({ acknowledgement }, i) => ({
      slot: i + 1,
      signature: acknowledgement!,
    }));
    await settling.propose(alpha!, acknowledgements.slice(0, 1));
    await expect(settling.promise([1])).rejects.toThrow(refused('early'));
    for (const caller of [alpha!, bravo!]) await settling.propose(caller, acknowledgements);
    const promises = await settling.promise([1, 2]);
    await expect(settling.lock([1], promises.slice(0, 1))).rejects.toThrow(refused('promises-too-few'));
    const locks = await settling.lock([1, 2], promises);
    // The other choice finds them bound, also as the next try.
    const against = await carrySettling({ members, keyId, certificates: [other, one] });
    const views = [await against.propose(alpha!), await against.propose(bravo!)];
    const ready = views.map(({ acknowledgement }) => acknowledgement);
    // What opens the share of every try is kept as long as the share of the epoch before.
    expect(ready.map((one) => one?.length)).toEqual([64, 64]);
    await settling.propose(alpha!, acknowledgements);
    await settling.propose(bravo!, acknowledgements);
    const yields = await settling.yield([1, 2], settling.locksOf(locks));
    const votes = settling.votes({ promises, locks, yields });
    const few = settling.votes({ promises, locks, yields: yields.slice(1) });
    await expect(settling.end(alpha!, few)).rejects.toThrow(code('CHANGE_NOT_SETTLED'));
    expect(await settling.end(alpha!, votes)).toBe(false);
    await expect(against.end(alpha!, votes)).rejects.toThrow();
    await expect(against.propose(alpha!)).rejects.toThrow(code('CHANGE_SETTLED'));
  });

  test('a server says by which certificate it is in its epoch, and what was settled; by another one it answers nothing', async () => {
    const { callers, keyId, one, other } = await forked();
    const members = callers.slice(0, 3);
    const [alpha, bravo, charlie] = members;
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const against = await carrySettling({ members, keyId, certificates: [other, one] });
    const votes = await settling.settle([1, 2]);
    expect((await alpha!.call('fork.show', { keyId, epoch: 0 })).settled).toBeUndefined();
    for (const caller of members) await settling.end(caller, votes);
    // Bravo waits for what counts, and shows what was settled all the same.
    for (const caller of [bravo!, charlie!])
      expect((await caller.call('fork.show', { keyId, epoch: 0 })).settled).toEqual({
        certificates: [one, other],
        ...votes,
      });
    expect((await charlie!.call('fork.show', { keyId })).settled).toBeUndefined();
    expect((await alpha!.call('key.show', { keyId })).key.transcriptHash).toEqual(settling.next);
    const question = { keyId, epoch: 1, challenge: new Uint8Array(32), at: TEST_TIME };
    await alpha!.call('key.check', { ...question, transcriptHash: settling.next });
    await expect(alpha!.call('key.check', { ...question, transcriptHash: against.next })).rejects.toThrow(
      code('KEY_EPOCH_DIFFERS'),
    );
  });

  test('that servers are ready for what is to count is no acknowledgement of it: nobody destroys a share on it', async () => {
    const { servers, callers, keyId, one, other } = await forked();
    const members = callers.slice(0, 3);
    const [alpha] = members;
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const ready = [];
    for (const caller of members) ready.push((await settling.propose(caller)).acknowledgement!);
    const acknowledgements = ready.map((signature, i) => ({ slot: i + 1, signature }));
    expect(await settling.end(alpha!, await settling.settle([1, 2]))).toBe(false);
    // Bravo has its share of the other one still.
    await expect(alpha!.call('change.retire', { keyId, epoch: 0, acknowledgements })).rejects.toThrow(
      code('ACKNOWLEDGEMENTS_TOO_FEW'),
    );
    expect(await sharesOf(servers[0]!)).toContain(0);
  });

  test('what is settled waits for operators, who type six words, and for the delay; its owner takes it back', async () => {
    const clock = { now: TEST_TIME };
    const { servers, callers, keyId, one, other, goOver } = await forkKey(network, {
      policy: {},
      now: () => clock.now,
    });
    const members = callers.slice(0, 3);
    const [alpha, bravo] = members;
    await goOver(alpha!, one);
    await goOver(bravo!, other);
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    // Whoever has seen one of them only stops the key when he is shown both.
    const [first, second] = [await settling.propose(alpha!), await settling.propose(bravo!)];
    expect(first).toMatchObject({ state: 'waiting', asked: true, readyAt: clock.now + 86_400 });
    expect((await alpha!.call('key.show', { keyId })).key.forked).toBe(1);
    expect((await alpha!.call('fork.show', { keyId })).certificates).toHaveLength(2);
    const acknowledgements = [first, second].map(({ acknowledgement }, i) => ({
      slot: i + 1,
      signature: acknowledgement!,
    }));
    for (const caller of [alpha!, bravo!]) await settling.propose(caller, acknowledgements);
    await expect(settling.promise([1])).rejects.toThrow(refused('early'));
    const words = formatWords(likenessOf(first.orderHash));
    for (const server of servers.slice(0, 2)) {
      const desk = server.sessions.changeDesk;
      const [waiting] = (await desk.list()).changes;
      expect(waiting).toMatchObject({ orderHash: first.orderHash, asked: true });
      expect(waiting!.sentence).toContain('Settle that of 2 certificates of epoch 1');
      await expect(desk.approve(waiting!, 'not these words at all ok')).rejects.toThrow(
        code('CHANGE_WORDS_WRONG'),
      );
      await desk.approve(waiting!, words);
    }
    for (let left = 86_400; left > 0; left -= COUNT_SECONDS) {
      await expect(settling.promise([1])).rejects.toThrow(refused('early'));
      clock.now += COUNT_SECONDS;
      for (const server of servers) await server.sessions.sweep();
    }
    const { orderHash } = first;
    await bravo!.call('fork.cancel', { keyId, epoch: 0, orderHash });
    expect(await settling.promise([1])).toHaveLength(1);
    await expect(settling.promise([2])).rejects.toThrow(refused('over'));
    // Given again, also behind the other choice, it stays taken back for a week; then it begins anew, and with it the operator’s word.
    const against = await carrySettling({ members, keyId, certificates: [other, one] });
    expect(await against.propose(bravo!)).toMatchObject({ state: 'waiting', asked: true });
    const takenBack = { state: 'over', reason: 'cancelled by its owner', areReady: false };
    expect(await settling.propose(bravo!)).toMatchObject(takenBack);
    clock.now += 604_800;
    expect(await settling.propose(bravo!)).toMatchObject({ state: 'waiting', asked: true });
  });

  test('a clock that was ahead at a promise and is right again holds no later attempt up', async () => {
    const clock = { now: TEST_TIME };
    const { callers, keyId, one, other } = await forkKey(network, { now: () => clock.now });
    const members = callers.slice(0, 3);
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const acknowledgements = [];
    for (const [i, caller] of members.slice(0, 2).entries())
      acknowledgements.push({ slot: i + 1, signature: (await settling.propose(caller)).acknowledgement! });
    for (const caller of members.slice(0, 2)) await settling.propose(caller, acknowledgements);
    clock.now += YEAR;
    const [ofAlpha] = await settling.promise([1]);
    clock.now -= YEAR;
    const [ofBravo] = await settling.promise([2]);
    // One whose clock is right waits as before.
    await expect(settling.promise([2], 2, [ofAlpha!])).rejects.toThrow(refused('too-soon'));
    expect(await settling.promise([1], 2, [ofBravo!])).toHaveLength(1);
  });

  test.each([
    ['of the servers that joined by the other, which have left then', 'one'],
    ['by which a server joined: who is not in it has left', 'other'],
  ] as const)('the one counts %s', async (_, counting) => {
    const found = await forkKey(network, { theirs: [1, 2, 3] });
    const { servers, callers, made, keyId, one, other, goOver } = found;
    const [alpha, bravo, charlie, delta] = callers as BareCaller[] as [
      BareCaller,
      BareCaller,
      BareCaller,
      BareCaller,
    ];
    await goOver(alpha, one);
    for (const caller of [bravo, delta]) await goOver(caller, other);
    const [counts, dead] = counting === 'one' ? [one, other] : [other, one];
    const members = [alpha, bravo, charlie];
    const settling = await carrySettling({ members, keyId, certificates: [counts, dead] });
    const more = counting === 'one' ? [] : [{ slot: 3, at: delta }];
    const votes = await settling.settle([1, 2], more);
    if (counting === 'one') {
      // It came to the key by the one that dies: its operator says whether those who settle are to be believed.
      await expect(settling.end(delta, votes)).rejects.toThrow(code('CHANGE_SETTLED'));
      expect(await sharesOf(servers[3]!)).toEqual([1]);
      const desk = servers[3]!.sessions.changeDesk;
      const [asked] = (await desk.list()).changes;
      await desk.approve(asked!, formatWords(likenessOf(asked!.orderHash)));
    }
    const goingOver = [];
    for (const caller of [alpha, bravo, delta, charlie]) goingOver.push(await settling.end(caller, votes));
    expect(goingOver).toEqual(counting === 'one' ? [false, true, false, true] : [true, false, false, true]);
    for (const caller of callers)
      if (counting === 'other' || caller !== delta)
        await caller.call('change.commit', { keyId, certificate: counts });
    const out = counting === 'one' ? 3 : 0;
    await expect(callers[out]!.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(code('KEY_LEFT'));
    expect(await sharesOf(servers[out]!)).toEqual(counting === 'one' ? [] : [0]);
    const holding = callers.filter((_, i) => i !== out);
    const { before } = await carryChange({ servers: holding, keyId, expiresAt: SOON });
    expect(before.transcriptHash).toEqual(settling.next);
    await signIn(holding, made, before.public, { epoch: 1, signers: [1, 2] });
    await signIn(holding, made, before.public, { epoch: 1, signers: [2, 3] });
  });

  test('one who may have said what it does not know of says nothing, and goes over to what the others settled', async () => {
    const { servers, callers, made, keyId, one, other } = await forked();
    const members = callers.slice(0, 3);
    await servers[1]!.sessions.voidOpen('the database is an older one');
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const acknowledgements = [];
    for (const [i, caller] of members.slice(0, 2).entries()) {
      const { acknowledgement } = await settling.propose(caller);
      acknowledgements.push({ slot: i + 1, signature: acknowledgement! });
    }
    for (const caller of members.slice(0, 2)) await settling.propose(caller, acknowledgements);
    await expect(settling.promise([2])).rejects.toThrow(refused('forgot'));
    expect(await settling.promise([1])).toHaveLength(1);
    expect(made.keyId).toEqual(keyId);
  });

  test('a server that has said it has its share by one certificate does not go out by the other', async () => {
    const { callers, keyId, one, other } = await forkKey(network, { theirs: [1, 2, 3] });
    const [alpha, bravo, , delta] = callers;
    const kept = await alpha!.call('change.commit', { keyId, certificate: one });
    expect([kept.isEntered, kept.acknowledgement?.length]).toEqual([false, 64]);
    const acknowledgements: { slot: number; signature: Uint8Array }[] = [];
    for (const [slot, caller] of [
      [1, bravo!],
      [3, delta!],
    ] as const) {
      const { acknowledgement } = await caller.call('change.commit', { keyId, certificate: other });
      acknowledgements.push({ slot, signature: acknowledgement! });
    }
    const leave = () => alpha!.call('change.leave', { keyId, certificates: [other], acknowledgements });
    await expect(leave()).rejects.toThrow(
      expect.objectContaining({ code: 'KEY_FORKED', facts: { epoch: 1, slots: '3' } }),
    );
    expect((await alpha!.call('key.show', { keyId })).key).toMatchObject({ forked: 1 });
    expect((await alpha!.call('fork.show', { keyId })).certificates).toHaveLength(2);
    await expect(leave()).rejects.toThrow(code('KEY_FORKED'));
  });

  test('a server that left by one certificate joins by no chain that leads through the other, before it is told which counts', async () => {
    const found = await forkKey(network, { ours: [1, 2, 3], theirs: [1, 2, 3] });
    const { servers, callers, keyId, one, other, goOver } = found;
    const [alpha, bravo, charlie, delta] = callers as BareCaller[] as [
      BareCaller,
      BareCaller,
      BareCaller,
      BareCaller,
    ];
    const holding = [bravo, charlie, delta];
    await goOver(alpha, other);
    for (const caller of holding) await goOver(caller, one);
    const back = await carryChange({
      servers: holding,
      keyId,
      expiresAt: SOON,
      needed: 2,
      next: [1, 2, 3, 0].map((place) => nextMember(servers[place]!, callers[place]!)),
    });
    const { policy } = await bravo.call('key.show', { keyId });
    const chain = await fetchChain(bravo, keyId);
    const join = () => alpha.call('change.propose', { order: back.order, chain: [...chain], policy });
    const isForked = expect.objectContaining({
      code: 'KEY_FORKED',
      facts: { epoch: 1, slots: '3' },
    }) as Error;
    await expect(join()).rejects.toThrow(isForked);
    await expect(join()).rejects.toThrow(code('KEY_FORKED'));
    expect((await alpha.call('fork.show', { keyId })).certificates).toHaveLength(2);

    const members = [alpha, bravo, charlie];
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const votes = await settling.settle([1, 2], [{ slot: 3, at: delta }]);
    for (const caller of [alpha, ...holding]) await settling.end(caller, votes);
    await alpha.call('change.commit', { keyId, certificate: one });
    expect((await join()).state).not.toBe('over');
    await back.propose();
  });
});
