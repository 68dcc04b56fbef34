// @module-tag long
import { readTermsProposal, type ShownMatter, type VoteStatement } from '@ckm/api';
import type { Identity } from '@ckm/gordian';
import { REQUEST_FACTS } from '@ckm/requests';
import { afterEach, expect, test } from 'vitest';
import { testPerson } from '../sessions/test/bare-server.js';
import { createBareServers } from '../sessions/test/bare-servers.js';
import { voteOn } from '../votes/test/asked-people.js';
import { createTermsWorld, DAY, HOUR, PEOPLE, peopleTerms, type TermsWorld } from './test/changed-terms.js';

const network = createBareServers();
afterEach(() => network.close());

const oneIsEnough = (before: Parameters<typeof peopleTerms>[0]) => ({
  ...before,
  change: { ...before.change!, needed: 1 },
});

/** A loosening that waits at both servers, proposed by a device. */
async function waiting() {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  const first = await world.change((before) => peopleTerms(before));
  for (const at of [0, 1]) await (await world.words(at)).call('terms.propose', { keyId, ...first });
  await world.growUp();
  const link = await world.change(oneIsEnough);
  for (const at of [0, 1]) await world.laptop(at).call('terms.propose', { keyId, ...link });
  return { world, keyId, link };
}

const listed = async (world: TermsWorld, who: Identity, at = 0) =>
  (await world.servers[at]!.asAnybody(who).call('approval.list', { after: null })).matters;

async function show(world: TermsWorld, who: Identity, at = 0): Promise<ShownMatter> {
  const [one] = await listed(world, who, at);
  const { matterId, keyId } = one!;
  const asked = { matter: 'terms', matterId, keyId, known: null } as const;
  return world.servers[at]!.asAnybody(who).call('approval.show', asked);
}

const give = (world: TermsWorld, at: number, ...votes: readonly Uint8Array[]) =>
  world.servers[at]!.asAnybody(PEOPLE['ann']!).call('approval.give', { votes: [...votes] });
const said = (world: TermsWorld, name: string, shown: ShownMatter, more: Partial<VoteStatement> = {}) =>
  voteOn(PEOPLE[name]!, shown, world.servers, { expiresAt: world.now() + 14 * DAY, ...more });

test('whoever has a say in a change of terms finds it at every server, reads it out of its bytes, and has it come into force by saying yes', async () => {
  const { world, keyId, link } = await waiting();
  const [ann, cy] = [PEOPLE['ann']!, PEOPLE['cy']!];
  expect(await listed(world, testPerson(0x55))).toEqual([]);
  const [shown, other] = [await show(world, ann), await show(world, cy, 1)];
  const { sentence: _one, ...content } = shown;
  expect(other).toMatchObject({ ...content, epoch: 0, createdAt: expect.any(Number) as number });
  const before = await world.inForce();
  const { after } = readTermsProposal(shown.payload, shown, before, REQUEST_FACTS);
  expect(after.change?.needed).toBe(1);
  expect(() =>
    readTermsProposal(shown.payload, { ...shown, matterId: keyId }, before, REQUEST_FACTS),
  ).toThrow();
  expect(shown.sentence).toContain('Terms 2 in the place of terms 1');
  const votes = [said(world, 'ann', shown), said(world, 'cy', shown)];
  for (const at of [0, 1]) expect(await give(world, at, ...votes)).toEqual({ refused: [] });
  const { waiting: now } = await world.laptop().call('terms.show', { keyId, after: null });
  expect(now).toMatchObject({ missing: 0, readyAt: world.now() + 3 * DAY });
  await world.pass(3 * DAY + HOUR);
  for (const at of [0, 1]) {
    const { version, links } = await world.laptop(at).call('terms.show', { keyId, after: 1 });
    expect([version, links.length, links[0]!.votes.length]).toEqual([2, 1, 2]);
    expect(links[0]!.statement).toEqual(new Uint8Array(link.statement));
    expect(await listed(world, ann, at)).toEqual([]);
  }
}, 120_000);

test('a yes that comes when the time is over brings it into force before long, and noes end it, by whatever way they come', async () => {
  const { world, keyId } = await waiting();
  const ann = PEOPLE['ann']!;
  await world.pass(4 * DAY);
  const shown = await show(world, ann);
  await give(world, 0, said(world, 'ann', shown), said(world, 'bob', shown));
  const noes = ['ann', 'bob'].map((name) => said(world, name, shown, { verdict: 'no' }));
  await give(world, 1, ...noes);
  await world.pass(HOUR);
  expect((await world.inForce(0)).version).toBe(2);
  const second = await world.laptop(1).call('terms.show', { keyId, after: null });
  expect(second).toMatchObject({ version: 1, waiting: null, over: { reason: 'ann, bob said no' } });
  for (const at of [0, 1]) expect(await listed(world, ann, at)).toEqual([]);
}, 120_000);

test('nobody is asked any more about a change that was stopped, or whose place another one took', async () => {
  const { world, keyId } = await waiting();
  const ann = PEOPLE['ann']!;
  const shown = await show(world, ann);
  const vote = said(world, 'ann', shown);
  const another = await world.change(oneIsEnough, 2);
  await world.laptop().call('terms.propose', { keyId, ...another });
  const now = await listed(world, ann);
  expect(now).toHaveLength(1);
  expect(now[0]!.matterId).not.toEqual(shown.matterId);
  expect(await give(world, 0, vote)).toMatchObject({ refused: [{ code: 'MATTER_UNKNOWN' }] });
  await world.phone().call('terms.veto', { keyId, change: now[0]!.matterId, votes: [] });
  expect(await listed(world, ann)).toEqual([]);
}, 120_000);

test('whom a change takes away is not asked about it', async () => {
  const { world, keyId } = await waiting();
  const link = await world.change((before) => ({
    ...before,
    approvers: before.approvers!.slice(0, 2),
    approvals: before.approvals!.map((rule) => ({ ...rule, of: rule.of.filter((name) => name !== 'cy') })),
    change: { ...before.change!, of: ['ann', 'bob'] },
  }));
  await world.laptop().call('terms.propose', { keyId, ...link });
  expect(await listed(world, PEOPLE['ann']!)).toHaveLength(1);
  expect(await listed(world, PEOPLE['cy']!)).toEqual([]);
}, 120_000);
