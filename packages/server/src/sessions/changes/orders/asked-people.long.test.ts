// @module-tag long
import { hashOrder } from '@ckm/threshold';
import { nameOfOrder, readOrderAsked } from '@ckm/api';
import type { Identity } from '@ckm/gordian';
import { carryChange, completeChange, nextMember } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { ann, askingTerms, bob, cy, voteOn } from '../../../votes/test/asked-people.js';
import { createBareServers, makeKey, SOON } from '../../test/bare-servers.js';
import { BY_DOMAIN } from '../../test/terms.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

/** A key of three servers whose owner orders a higher quorum, and by whose terms two of three people are asked about that. */
async function ordered() {
  const { servers, callers } = await network.openMany(3);
  const change = { needed: 2, of: ['ann', 'bob', 'cy'], delaySeconds: 0, words: null };
  const rest = { changes: 'automatic', changeDelay: 0, change } as const;
  const { keyId } = await makeKey(callers, { policy: askingTerms(BY_DOMAIN, rest) });
  const order = (byWords?: true) =>
    carryChange({
      ...(byWords && { byWords }),
      servers: callers,
      keyId,
      expiresAt: SOON,
      needed: 3,
      next: servers.map((server, i) => nextMember(server, callers[i]!)),
    });
  const carried = await order();
  const named = { matter: 'order', matterId: carried.orderHash, keyId, known: null } as const;
  const showTo = (who: Identity, slot: number) =>
    servers[slot - 1]!.asAnybody(who).call('approval.show', named);
  const say = async (slot: number, who: Identity, more: Parameters<typeof voteOn>[3] = {}) => {
    const votes = [voteOn(who, await showTo(ann, slot), servers, more)];
    return (await servers[slot - 1]!.asAnybody(who).call('approval.give', { votes })).refused;
  };
  return { servers, callers, keyId, order, carried, showTo, say };
}

describe('an order about who holds a key whose terms name people for a change', () => {
  test('waits for them at each server by itself, is read out of its bytes, and is carried out when enough have said yes', async () => {
    const { carried, showTo, say, callers, keyId } = await ordered();
    const views = await carried.propose();
    for (const view of views) {
      expect(view).toMatchObject({ state: 'waiting', asked: false, readyAt: null });
      expect(view.reason).toBe('by the terms of the key 2 more of ann, bob, cy have to say yes');
    }
    const shown = await showTo(ann, 1);
    expect(hashOrder(readOrderAsked(shown.payload, shown).order)).toEqual(carried.orderHash);
    expect(shown.sentence).toContain('3 of 3 servers');
    for (const slot of [1, 2, 3]) expect(await say(slot, ann)).toEqual([]);
    await expect(completeChange(carried)).rejects.toThrow(code('CHANGE_REFUSED'));
    // Two servers have heard of the second yes: as many as decide, but the third is to hold a share of it too.
    for (const slot of [1, 2, 3]) expect(await say(slot, bob)).toEqual([]);
    expect((await carried.propose()).map(({ state }) => state)).toEqual(['ready', 'ready', 'ready']);
    await carried.commit(await completeChange(carried));
    const { key } = await callers[0]!.call('key.show', { keyId });
    expect(key).toMatchObject({ epoch: 1, quorum: { needed: 3, of: 3 } });
    await expect(showTo(ann, 1)).rejects.toThrow(code('MATTER_UNKNOWN'));
  });

  test('is over at a server where too many say no, and what is taken back counts no more', async () => {
    const { carried, say } = await ordered();
    await carried.propose();
    for (const who of [ann, bob]) await say(1, who);
    expect((await carried.propose())[0]!.state).toBe('ready');
    await say(1, bob, { serial: 2, verdict: 'takeBack' });
    expect((await carried.propose())[0]).toMatchObject({ state: 'waiting' });
    for (const who of [bob, cy]) await say(1, who, { serial: 3, verdict: 'no' });
    await expect(completeChange(carried)).rejects.toThrow(code('CHANGE_REFUSED'));
  });

  test('P3: a yes to it is none to another order, and nobody is asked about one that was taken back', async () => {
    const { servers, callers, keyId, carried, showTo, say } = await ordered();
    await carried.propose();
    const yes = voteOn(ann, await showTo(ann, 1), servers);
    expect(await say(1, ann)).toEqual([]);
    const { epoch, orderHash } = { epoch: 0, orderHash: carried.orderHash };
    await callers[0]!.call('change.cancel', { keyId, epoch, orderHash });
    await expect(showTo(ann, 1)).rejects.toThrow(code('MATTER_UNKNOWN'));
    const given = await servers[0]!.asAnybody(ann).call('approval.give', { votes: [yes] });
    expect(given.refused).toEqual([{ at: 0, code: 'MATTER_UNKNOWN' }]);
  });

  test('that is proposed again finds what was said of it: no older word comes back, and noes end it still', async () => {
    const { servers, callers, keyId, carried, showTo, say } = await ordered();
    const again = async () => {
      await callers[0]!.call('change.cancel', { keyId, epoch: 0, orderHash: carried.orderHash });
      return (await carried.propose())[0]!;
    };
    await carried.propose();
    const yes = voteOn(bob, await showTo(ann, 1), servers);
    const bring = async () =>
      (await servers[0]!.asAnybody(bob).call('approval.give', { votes: [yes] })).refused;
    expect(await bring()).toEqual([]);
    expect(await say(1, bob, { serial: 2, verdict: 'takeBack' })).toEqual([]);
    expect(await again()).toMatchObject({ state: 'waiting' });
    expect(await bring()).toEqual([{ at: 0, code: 'VOTE_SUPERSEDED' }]);
    expect((await showTo(ann, 1)).votes).toHaveLength(1);
    expect(await say(1, ann)).toEqual([]);
    expect((await carried.propose())[0]).toMatchObject({ state: 'waiting' });
    for (const who of [bob, cy]) expect(await say(1, who, { serial: 3, verdict: 'no' })).toEqual([]);
    const over = (await carried.propose())[0]!;
    expect(over.reason).toContain('said no');
    expect(await again()).toMatchObject({ state: over.state, reason: over.reason });
  });

  test('that is given by the words instead is another one for whoever is asked: no yes to the one is a yes to the other', async () => {
    const { servers, keyId, order, carried, showTo, say } = await ordered();
    await carried.propose();
    for (const who of [ann, bob]) expect(await say(1, who)).toEqual([]);
    const yes = voteOn(cy, await showTo(cy, 1), servers);
    const byWords = await order(true);
    expect(byWords.orderHash).toEqual(carried.orderHash);
    const [view] = await byWords.propose();
    expect(view!.reason).toBe('by the terms of the key 2 more of ann, bob, cy have to say yes');
    await expect(showTo(ann, 1)).rejects.toThrow(code('MATTER_UNKNOWN'));
    const { refused } = await servers[0]!.asAnybody(cy).call('approval.give', { votes: [yes] });
    expect(refused).toEqual([{ at: 0, code: 'MATTER_UNKNOWN' }]);
    const matterId = nameOfOrder(carried.orderHash, true);
    const asked = { matter: 'order', matterId, keyId, known: null } as const;
    const shown = await servers[0]!.asAnybody(ann).call('approval.show', asked);
    expect(readOrderAsked(shown.payload, shown)).toEqual({ order: carried.order, byWords: true });
    expect(shown.sentence).toContain('By the words of its owner');
  });
});
