// @module-tag long
import type { Identity } from '@ckm/gordian';
import { hashExport, parseCertificate, verifyFirstEpoch } from '@ckm/threshold';
import { afterEach, expect, test } from 'vitest';
import { sweepRequests } from '../../requests/request-desk.js';
import { ann, askingTerms, bob, voteOn } from '../../votes/test/asked-people.js';
import { TEST_TIME } from '../test/bare-server.js';
import { alice, createBareServers, makeKey } from '../test/bare-servers.js';
import { type Order, orderOf, propose, random32 } from '../test/export-courier.js';
import { BY_DOMAIN } from '../test/terms.js';

const network = createBareServers();
afterEach(() => network.close());

const DAY = 86_400;
const CHANGE = { needed: 2, of: ['ann', 'bob', 'cy'], delaySeconds: 0, words: null };

/** Two servers with a key that may leave, by whose terms two of three people say yes to that. */
async function exportable() {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(2, { now: () => clock.now });
  const more = { changes: 'automatic', changeDelay: 0, change: CHANGE } as const;
  const { keyId, certificate } = await makeKey(callers, {
    exportable: true,
    policy: askingTerms(BY_DOMAIN, more),
  });
  const epoch = verifyFirstEpoch(parseCertificate(certificate));
  const known = epoch.transcriptHash;
  const begin = (slot: number, order: Order, days: number) =>
    propose({ callers, keyId, epoch, expiresAt: clock.now + days * DAY }, slot, order);
  const show = (slot: number, { proposal }: Order) =>
    servers[slot - 1]!.asAnybody(ann).call('approval.show', {
      matter: 'export',
      matterId: hashExport(proposal, proposal),
      keyId,
      known,
    });
  const bring = async (slot: number, who: Identity, votes: readonly Uint8Array[]) =>
    (await servers[slot - 1]!.asAnybody(who).call('approval.give', { votes: [...votes], known })).refused;
  return { clock, servers, callers, keyId, epoch, begin, show, bring };
}

test('an export counts no yes that was taken back while it rested at a server, where the same is asked again', async () => {
  const { servers, callers, keyId, epoch, begin, show, bring } = await exportable();
  const order = orderOf({ keyId, epoch });
  await begin(1, order, 3);
  const shown = await show(1, order);
  for (const who of [ann, bob]) expect(await bring(1, who, [voteOn(who, shown, servers)])).toEqual([]);
  expect(await begin(1, order, 3)).toMatchObject({ reason: null });
  await callers[0]!.call('session.cancel', { sessionId: order.sessionId, reason: 'not now' });
  // It goes on at the other one, which shows it to him.
  const back = voteOn(bob, shown, servers, { serial: 2, verdict: 'takeBack' });
  expect(await bring(1, bob, [back])).toEqual([]);
  const again = { ...order, sessionId: random32() };
  expect(await begin(1, again, 3)).toMatchObject({
    state: 'proposed',
    reason: 'by the terms of the key 1 more of bob, cy have to say yes',
  });
  // Nobody says yes meanwhile to what rests.
  await callers[0]!.call('session.cancel', { sessionId: again.sessionId, reason: 'not now' });
  const yes = voteOn(bob, shown, servers, { serial: 3 });
  expect(await bring(1, bob, [yes])).toEqual([{ at: 0, code: 'MATTER_UNKNOWN' }]);
});

test('an export that ended sooner at one server counts no yes there that was taken back, once it is asked again', async () => {
  const { clock, servers, keyId, epoch, begin, show, bring } = await exportable();
  const order = orderOf({ keyId, epoch });
  await begin(1, order, 1);
  await begin(2, order, 6);
  const longer = await show(2, order);
  const end = { expiresAt: longer.expiresAt };
  const yeses = [ann, bob].map((who) => voteOn(who, longer, servers, end));
  for (const yes of yeses) expect(await bring(2, ann, [yes])).toEqual([]);
  const back = voteOn(bob, longer, servers, { ...end, serial: 2, verdict: 'takeBack' });
  for (const slot of [1, 2]) expect(await bring(slot, bob, [back])).toEqual([]);
  clock.now += 2 * DAY;
  await sweepRequests(servers[0]!.context);
  const again = { ...order, sessionId: random32() };
  await begin(1, again, 6);
  expect(await bring(1, ann, [yeses[0]!])).toEqual([]);
  expect(await bring(1, bob, [yeses[1]!])).toEqual([{ at: 0, code: 'VOTE_SUPERSEDED' }]);
  expect(await begin(1, again, 6)).toMatchObject({
    reason: 'by the terms of the key 1 more of bob, cy have to say yes',
  });
  // It is forgotten once no yes of before can count.
  clock.now += 40 * DAY;
  await sweepRequests(servers[0]!.context);
  const name = { owner: alice.xid, matter: 'export', matterId: longer.matterId };
  expect(await servers[0]!.context.storage.read(({ matters }) => matters.find(name))).toBeNull();
});
