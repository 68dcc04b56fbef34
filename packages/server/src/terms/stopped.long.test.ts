// @module-tag long
import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  parseTermsChange,
  policyHash,
  termsChangeDigest,
  type TermsLink,
} from '@ckm/api';
import { afterEach, describe, expect, test } from 'vitest';
import { createBareServers } from '../sessions/test/bare-servers.js';
import { codeOf, createTermsWorld, DAY, HOUR, peopleTerms, type TermsWorld } from './test/changed-terms.js';

const network = createBareServers();
afterEach(() => network.close());

const limited = (base: KeyTerms, count: number): KeyTerms => ({
  ...base,
  rateLimit: { count, perSeconds: DAY },
});

/** A change from some terms to a number of one’s choice. */
function linkFrom(
  world: TermsWorld,
  before: KeyTerms,
  content: KeyTerms,
  id: number,
  ahead: number,
): TermsLink {
  const { version: _version, previous: _previous, ...kept } = content;
  const after = { ...kept, version: (before.version ?? 0) + ahead, previous: policyHash(before) };
  const change = changeOfTerms({ keyId: world.made.keyId, id: new Uint8Array(32).fill(id) }, before, after);
  return { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
}

const nameOf = ({ statement }: TermsLink) => termsChangeDigest(parseTermsChange(statement));

/** A key whose people are asked, with a limit that was tightened once since. */
async function tightenedOnce() {
  const world = await createTermsWorld(network, 2);
  const { keyId } = world.made;
  const first = await world.change((terms) => limited(peopleTerms(terms), 90));
  for (const at of [0, 1]) await (await world.words(at)).call('terms.propose', { keyId, ...first });
  await world.growUp();
  const people = await world.inForce();
  const tighten = async (count: number) => {
    const link = await world.change((before) => limited(before, count), count);
    expect(await world.laptop().call('terms.propose', { keyId, ...link })).toMatchObject({ waiting: null });
  };
  await tighten(80);
  return { world, keyId, people, tighten };
}

describe('what was stopped stays stopped, whatever is tightened behind it', () => {
  test('a change that takes others back and was stopped comes alive behind no tightening, with its yeses or without', async () => {
    const { world, keyId, people, tighten } = await tightenedOnce();
    const back = linkFrom(world, people, people, 30, 9);
    const votes = [world.vote('ann', back), world.vote('bob', back)];
    await world.laptop().call('terms.propose', { keyId, ...back, votes: votes.slice(0, 1) });
    await world.phone().call('terms.veto', { keyId, change: nameOf(back), votes: [] });
    for (const count of [70, 60]) {
      await tighten(count);
      const again = world.laptop().call('terms.propose', { keyId, ...back, votes });
      expect(await codeOf(again)).toBe('TERMS_CHANGE_OVER');
      expect(await codeOf(world.phone().call('terms.learn', { keyId, links: [{ ...back, votes }] }))).toBe(
        'TERMS_CHANGE_OVER',
      );
    }
    await world.pass(HOUR);
    expect((await world.inForce()).rateLimit).toEqual({ count: 60, perSeconds: DAY });
  }, 120_000);

  test('so does one that skips numbers behind the terms in force', async () => {
    const { world, keyId, tighten } = await tightenedOnce();
    const now = await world.inForce();
    const loose = linkFrom(world, now, limited(now, 500), 31, 5);
    await world.laptop().call('terms.propose', { keyId, ...loose });
    await world.phone().call('terms.veto', { keyId, change: nameOf(loose), votes: [] });
    await tighten(70);
    expect(await codeOf(world.laptop().call('terms.propose', { keyId, ...loose }))).toBe('TERMS_CHANGE_OVER');
  }, 120_000);

  test('and a yes that was taken back counts nowhere behind a tightening that took the place of its change', async () => {
    const { world, keyId, people, tighten } = await tightenedOnce();
    const back = linkFrom(world, people, people, 32, 9);
    const [ann, bob] = [world.vote('ann', back), world.vote('bob', back)];
    const regret = world.vote('ann', back, { verdict: 'no', serial: 2 });
    await world.laptop().call('terms.propose', { keyId, ...back, votes: [ann] });
    await world.laptop().call('terms.propose', { keyId, ...back, votes: [regret] });
    await tighten(70);
    const votes = [ann, bob];
    expect(await codeOf(world.laptop().call('terms.propose', { keyId, ...back, votes }))).toBe(
      'TERMS_CHANGE_OVER',
    );
    expect((await world.inForce()).rateLimit).toEqual({ count: 70, perSeconds: DAY });
  }, 120_000);

  test('it is remembered for as long as a yes may count, and a change by another name is another one', async () => {
    const { world, keyId, people, tighten } = await tightenedOnce();
    const back = linkFrom(world, people, people, 33, 9);
    await world.laptop().call('terms.propose', { keyId, ...back });
    await world.phone().call('terms.veto', { keyId, change: nameOf(back), votes: [] });
    await tighten(70);
    const other = linkFrom(world, people, people, 34, 9);
    const votes = [world.vote('ann', other), world.vote('bob', other)];
    expect(await world.laptop().call('terms.propose', { keyId, ...other, votes })).toMatchObject({
      version: 10,
      waiting: null,
    });
    expect((await world.inForce()).rateLimit).toEqual({ count: 90, perSeconds: DAY });
  }, 120_000);
});

test('L10: one vote, be it a yes or a no, takes nobody the way back without delay', async () => {
  const { world, keyId, people } = await tightenedOnce();
  const tighten = async (count: number, name: string, verdict: 'yes' | 'no') => {
    const link = await world.change((before) => limited(before, count), count);
    const votes = [world.vote(name, link, { verdict })];
    expect(await world.laptop().call('terms.propose', { keyId, ...link, votes })).toMatchObject({
      waiting: null,
      refused: [],
    });
  };
  // A thief with a device, and one of those who are asked, tightens to nothing.
  await tighten(70, 'ann', 'no');
  await tighten(1, 'ann', 'yes');
  const back = await world.change(people, 40);
  const votes = [world.vote('bob', back), world.vote('cy', back)];
  expect(await world.laptop().call('terms.propose', { keyId, ...back, votes })).toMatchObject({
    version: 5,
    waiting: null,
  });
  // What as many have agreed to as are asked ends the way back there.
  const agreed = await world.change((before) => limited(before, 60), 41);
  const yeses = [world.vote('bob', agreed), world.vote('cy', agreed)];
  await world.laptop().call('terms.propose', { keyId, ...agreed, votes: yeses });
  await tighten(50, 'ann', 'no');
  const before = await world.change(people, 42);
  const more = [world.vote('bob', before), world.vote('cy', before)];
  expect(await world.laptop().call('terms.propose', { keyId, ...before, votes: more })).toMatchObject({
    version: 7,
    waiting: { missing: 0, readyAt: world.now() + 3 * DAY },
  });
}, 120_000);

test('a device numbers no change so far ahead that others cannot take it back', async () => {
  const world = await createTermsWorld(network, 2);
  const { keyId } = world.made;
  await world.growUp();
  const before = await world.inForce();
  const far = (ahead: number, id: number) => linkFrom(world, before, limited(before, 1), id, ahead);
  const propose = (link: TermsLink) => world.laptop().call('terms.propose', { keyId, ...link });
  for (const ahead of [1_000_000, 10_001])
    expect(await codeOf(propose(far(ahead, 50)))).toBe('TERMS_VERSION_WRONG');
  expect(await propose(far(10_000, 51))).toMatchObject({ waiting: { version: 10_000 } });
  await world.pass(3 * DAY + HOUR);
  expect((await world.inForce()).version).toBe(10_000);
  // The words settle it from what both have had.
  const settled = linkFrom(world, before, limited(before, 9), 52, 10_001);
  for (const at of [0, 1])
    expect(await (await world.words(at)).call('terms.propose', { keyId, ...settled })).toMatchObject({
      waiting: { version: 10_001 },
    });
  await world.pass(3 * DAY + HOUR);
  for (const at of [0, 1]) expect((await world.inForce(at)).version).toBe(10_001);
}, 240_000);
