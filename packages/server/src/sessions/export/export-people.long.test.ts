// @module-tag long
import { readExportAsked, parseExportYeses, encodeExportYeses } from '@ckm/api';
import type { Identity } from '@ckm/gordian';
import { hashExport, parseCertificate, verifyFirstEpoch } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { ann, askingTerms, bob, cy, voteOn } from '../../votes/test/asked-people.js';
import { TEST_TIME } from '../test/bare-server.js';
import { createBareServers, makeKey } from '../test/bare-servers.js';
import { approve, join, opened, type Order, orderOf, propose, yesesOf } from '../test/export-courier.js';
import { BY_DOMAIN } from '../test/terms.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const DAY = 86_400;
const CHANGE = { needed: 2, of: ['ann', 'bob', 'cy'], delaySeconds: 0, words: null };
const WAITS = 'by the terms of the key 2 more of ann, bob, cy have to say yes';

/** Three servers with a key that may leave, by whose terms two of three people say yes to that. */
async function exportable(rest = {}) {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  const more = { changes: 'automatic', changeDelay: 0, change: CHANGE, ...rest } as const;
  const policy = askingTerms(BY_DOMAIN, more);
  const { keyId, certificate } = await makeKey(callers, { exportable: true, policy });
  const epoch = verifyFirstEpoch(parseCertificate(certificate));
  const world = { clock, servers, callers, keyId, epoch, expiresAt: TEST_TIME + 10 * DAY };
  const showTo = (who: Identity, slot: number, { proposal }: Order) =>
    servers[slot - 1]!.asAnybody(who).call('approval.show', {
      matter: 'export',
      matterId: hashExport(proposal, proposal),
      keyId,
      known: null,
    });
  const say = async (slot: number, who: Identity, order: Order, more: Parameters<typeof voteOn>[3] = {}) => {
    const votes = [voteOn(who, await showTo(ann, slot, order), servers, more)];
    return (await servers[slot - 1]!.asAnybody(who).call('approval.give', { votes })).refused;
  };
  return { ...world, showTo, say };
}

describe('an export of a key whose terms name people for a change', () => {
  test('waits for them at each server by itself, is read out of its bytes, and its share leaves once enough have said yes', async () => {
    const world = await exportable();
    const order = orderOf(world);
    for (const slot of [1, 2, 3])
      expect(await propose(world, slot, order)).toMatchObject({ state: 'proposed', reason: WAITS });
    const shown = await world.showTo(ann, 1, order);
    expect(readExportAsked(shown.payload, shown)).toEqual(order.proposal);
    expect(shown.requester).toBeNull();
    for (const slot of [1, 2]) expect(await world.say(slot, ann, order)).toEqual([]);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'proposed' });
    for (const slot of [1, 2]) expect(await world.say(slot, bob, order)).toEqual([]);
    expect(await propose(world, 3, order)).toMatchObject({ state: 'proposed', offer: null, reason: WAITS });
    const yeses = await yesesOf(world, order, [1, 2]);
    for (const slot of [1, 2]) opened(order, await join(world, slot, order, yeses));
    // Its share has left: nobody is asked any more.
    await expect(world.showTo(ann, 1, order)).rejects.toThrow(code('MATTER_UNKNOWN'));
  });

  test('gives nothing out by a yes that was taken back since, nor by the operator, the time, or other servers’ yeses', async () => {
    const world = await exportable({ changes: 'operator' });
    const order = orderOf(world);
    for (const slot of [1, 2, 3]) await propose(world, slot, order);
    await approve(world.servers[0]!, order);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'proposed', reason: WAITS });
    for (const slot of [1, 2]) for (const who of [ann, bob]) await world.say(slot, who, order);
    // The operator of the second server is asked besides.
    expect(await propose(world, 2, order)).toMatchObject({ state: 'proposed', reason: null });
    await approve(world.servers[1]!, order);
    const yeses = await yesesOf(world, order, [1, 2]);
    await world.say(1, bob, order, { serial: 2, verdict: 'takeBack' });
    await expect(join(world, 1, order, yeses)).rejects.toThrow(code('EXPORT_PEOPLE_MISSING'));
    opened(order, await join(world, 2, order, yeses));
    await world.say(1, bob, order, { serial: 3 });
    opened(order, await join(world, 1, order, yeses));
    expect(parseExportYeses(encodeExportYeses(yeses))).toHaveLength(2);
  });

  test('ends at a server where too many say no, with their names; a yes to it is none to another export', async () => {
    const world = await exportable();
    const [order, other] = [orderOf(world), orderOf(world)];
    await propose(world, 1, order);
    await world.say(1, ann, order);
    const yes = voteOn(bob, await world.showTo(ann, 1, order), world.servers);
    const no = { serial: 2, verdict: 'no' } as const;
    await world.say(1, bob, order, { ...no, reason: 'call me first' });
    await world.say(1, cy, order, no);
    const over = await propose(world, 1, order);
    expect(over).toMatchObject({ state: 'rejected', offer: null });
    expect(over.reason).toBe('by the terms of the key: bob (“call me first”), cy said no');
    expect(await propose(world, 1, other)).toMatchObject({ state: 'proposed', reason: WAITS });
    const bring = await world.servers[0]!.asAnybody(bob).call('approval.give', { votes: [yes] });
    expect(bring.refused).toEqual([{ at: 0, code: 'MATTER_UNKNOWN' }]);
  });

  test('that its owner cancels is asked of nobody any more', async () => {
    const world = await exportable();
    const order = orderOf(world);
    await propose(world, 1, order);
    await world.callers[0]!.call('session.cancel', { sessionId: order.sessionId, reason: 'not I' });
    await expect(world.showTo(ann, 1, order)).rejects.toThrow(code('MATTER_UNKNOWN'));
  });
});
