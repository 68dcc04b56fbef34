// @module-tag long
import { readSettleAsked } from '@ckm/api';
import type { Identity } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import { ann, askingTerms, bob, cy, voteOn } from '../../../votes/test/asked-people.js';
import { createBareServers } from '../../test/bare-servers.js';
import { forkApart } from '../../test/fork.js';
import { carrySettling } from '../../test/settle-courier.js';
import { BY_DOMAIN } from '../../test/terms.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;
const CHANGE = { needed: 2, of: ['ann', 'bob', 'cy'], delaySeconds: 0, words: null };
const WAITS = 'by the terms of the key 2 more of ann, bob, cy have to say yes';

/** A key of which there are two certificates of one epoch, by whose terms two of three people say yes to a change. */
async function forked() {
  const policy = askingTerms(BY_DOMAIN, { changes: 'automatic', changeDelay: 0, change: CHANGE });
  const { servers, callers, keyId, one, other } = await forkApart(network, { policy });
  const [alpha, bravo] = callers;
  for (const [caller, certificate] of [
    [alpha!, other],
    [bravo!, one],
  ] as const)
    await expect(caller.call('change.commit', { keyId, certificate })).rejects.toThrow(code('KEY_FORKED'));
  const members = callers.slice(0, 3);
  const settling = await carrySettling({ members, keyId, certificates: [one, other] });
  const views = [await settling.propose(alpha!), await settling.propose(bravo!)];
  const ready = views.map(({ acknowledgement }, at) => ({ slot: at + 1, signature: acknowledgement! }));
  const named = { matter: 'order', matterId: views[0]!.orderHash, keyId, known: null } as const;
  const showTo = (who: Identity, slot: number) =>
    servers[slot - 1]!.asAnybody(who).call('approval.show', named);
  const say = async (slot: number, who: Identity, more: Parameters<typeof voteOn>[3] = {}) => {
    const votes = [voteOn(who, await showTo(ann, slot), servers, more)];
    return (await servers[slot - 1]!.asAnybody(who).call('approval.give', { votes })).refused;
  };
  return { servers, alpha: alpha!, bravo: bravo!, settling, views, ready, showTo, say, one, other, keyId };
}

describe('settling which of two certificates counts, of a key whose terms name people for a change', () => {
  test('waits for them at each server by itself, is read out of its bytes, and goes on when enough have said yes', async () => {
    const { alpha, bravo, settling, views, ready, showTo, say } = await forked();
    for (const view of views) expect(view).toMatchObject({ state: 'waiting', reason: WAITS });
    const shown = await showTo(ann, 1);
    const asked = readSettleAsked(shown.payload, shown);
    expect(asked.counts).toEqual(settling.next);
    expect([shown.kind, asked.others.length, shown.requester]).toEqual(['settle', 1, null]);
    for (const at of [alpha, bravo]) await settling.propose(at, ready);
    await expect(settling.promise([1])).rejects.toThrow(refused('early'));
    for (const slot of [1, 2]) expect(await say(slot, ann)).toEqual([]);
    await expect(settling.promise([1, 2])).rejects.toThrow(refused('early'));
    for (const slot of [1, 2]) expect(await say(slot, bob)).toEqual([]);
    const promises = await settling.promise([1, 2]);
    const locks = await settling.lock([1, 2], promises);
    const yields = await settling.yield([1, 2], settling.locksOf(locks));
    const votes = settling.votes({ promises, locks, yields });
    expect(await settling.end(alpha, votes)).toBe(false);
    expect(await settling.end(bravo, votes)).toBe(true);
    await expect(showTo(ann, 1)).rejects.toThrow(code('MATTER_UNKNOWN'));
  });

  test('is held by a yes that is taken back, and over where too many say no, with their reasons', async () => {
    const { alpha, bravo, settling, ready, say } = await forked();
    for (const at of [alpha, bravo]) await settling.propose(at, ready);
    for (const who of [ann, bob]) await say(1, who);
    expect(await settling.propose(alpha)).toMatchObject({ state: 'ready' });
    await say(1, bob, { serial: 2, verdict: 'takeBack' });
    expect(await settling.propose(alpha)).toMatchObject({ state: 'waiting' });
    await expect(settling.promise([1])).rejects.toThrow(refused('early'));
    await say(1, bob, { serial: 3, verdict: 'no', reason: 'the other one' });
    await say(1, cy, { verdict: 'no' });
    const over = await settling.propose(alpha);
    expect(over.state).toBe('over');
    expect(over.reason).toBe('by the terms of the key: bob (“the other one”), cy said no');
    await expect(settling.promise([1])).rejects.toThrow(code('CHANGE_REFUSED'));
  });

  test('a yes to it is none to the other choice, which asks anew', async () => {
    const { servers, alpha, showTo, say, one, other, keyId, views } = await forked();
    await say(1, ann);
    const yes = voteOn(bob, await showTo(ann, 1), servers);
    const against = await carrySettling({ members: [alpha], keyId, certificates: [other, one] });
    const view = await against.propose(alpha);
    expect(view.orderHash).not.toEqual(views[0]!.orderHash);
    expect(view).toMatchObject({ state: 'waiting', reason: WAITS });
    const given = await servers[0]!.asAnybody(bob).call('approval.give', { votes: [yes] });
    expect(given.refused).toEqual([{ at: 0, code: 'MATTER_UNKNOWN' }]);
  });
});
