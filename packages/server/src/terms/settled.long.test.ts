// @module-tag long
import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  policyHash,
  readTermsProposal,
  type ShownMatter,
  type TermsLink,
} from '@ckm/api';
import { REQUEST_FACTS } from '@ckm/requests';
import { afterEach, describe, expect, test } from 'vitest';
import { createBareServers } from '../sessions/test/bare-servers.js';
import { voteOn } from '../votes/test/asked-people.js';
import {
  codeOf,
  createTermsWorld,
  DAY,
  HOUR,
  PEOPLE,
  peopleTerms,
  type TermsWorld,
} from './test/changed-terms.js';

const network = createBareServers();
afterEach(() => network.close());

const slots = (world: TermsWorld) => [...world.servers.keys()];

/** A key whose people are asked, at servers that a stolen laptop has set apart: at each of them another limit. */
async function setApart(count: number, hasPeople = true): Promise<{ world: TermsWorld; before: KeyTerms }> {
  const world = await createTermsWorld(network, count);
  const { keyId } = world.made;
  if (hasPeople) {
    const first = await world.change((terms) => {
      const people = peopleTerms(terms);
      return { ...people, change: { ...people.change!, words: 7 * DAY } };
    });
    for (const at of slots(world)) await (await world.words(at)).call('terms.propose', { keyId, ...first });
  }
  await world.growUp();
  const before = await world.inForce();
  for (const at of slots(world)) {
    const limit = { ...before, rateLimit: { count: 9 - at, perSeconds: DAY } };
    await world.laptop(at).call('terms.propose', { keyId, ...link(world, before, limit, 10 + at) });
  }
  const hashes = new Set<string>();
  for (const at of slots(world)) hashes.add(policyHash(await world.inForce(at)).join());
  expect(hashes.size).toBe(count);
  return { world, before };
}

/** A change from some terms to a number of one’s choice. */
function link(world: TermsWorld, before: KeyTerms, content: KeyTerms, id: number, ahead = 1): TermsLink {
  const { version: _version, previous: _previous, ...kept } = content;
  const after = { ...kept, version: (before.version ?? 0) + ahead, previous: policyHash(before) };
  const change = changeOfTerms({ keyId: world.made.keyId, id: new Uint8Array(32).fill(id) }, before, after);
  return { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
}

async function expectOne(world: TermsWorld, version: number): Promise<void> {
  const hash = policyHash(await world.inForce());
  for (const at of slots(world)) {
    const terms = await world.inForce(at);
    expect([terms.version, policyHash(terms)]).toEqual([version, hash]);
  }
}

describe('C2: servers that one stolen laptop has set apart', () => {
  test.each([2, 3])(
    '%s of them go by one text again by the votes of people, without a delay where that was in force before',
    async (count) => {
      const { world, before } = await setApart(count);
      const { keyId } = world.made;
      const back = link(world, before, before, 30, 2);
      for (const at of slots(world)) {
        const waits = await world.laptop(at).call('terms.propose', { keyId, ...back });
        expect(waits).toMatchObject({ version: 2, waiting: { version: 3, missing: 2 } });
        const votes = [world.vote('ann', back)];
        expect(await world.laptop(at).call('terms.propose', { keyId, ...back, votes })).toMatchObject({
          waiting: { missing: 1 },
        });
      }
      const votes = [world.vote('ann', back), world.vote('bob', back)];
      for (const at of slots(world))
        expect(await world.laptop(at).call('terms.propose', { keyId, ...back, votes })).toMatchObject({
          version: 3,
          waiting: null,
        });
      await expectOne(world, 3);
      expect((await world.inForce()).rateLimit).toEqual(before.rateLimit);
      // The key goes on from there as from any terms.
      const next = await world.change(
        (terms) => ({ ...terms, rateLimit: { count: 3, perSeconds: DAY } }),
        40,
      );
      for (const at of slots(world)) await world.laptop(at).call('terms.propose', { keyId, ...next });
      await expectOne(world, 4);
    },
    120_000,
  );

  test('and by the words with their delay, and by a device with three days where nobody is asked', async () => {
    const { world, before } = await setApart(2);
    const { keyId } = world.made;
    const back = link(world, before, before, 30, 2);
    for (const at of slots(world)) await (await world.words(at)).call('terms.propose', { keyId, ...back });
    await world.pass(7 * DAY - HOUR);
    expect((await world.inForce()).version).toBe(2);
    await world.pass(2 * HOUR);
    await expectOne(world, 3);
    const plain = await setApart(2, false);
    const name = { keyId: plain.world.made.keyId };
    const again = link(plain.world, plain.before, plain.before, 30, 2);
    for (const at of slots(plain.world))
      await plain.world.laptop(at).call('terms.propose', { ...name, ...again });
    await plain.world.pass(3 * DAY - HOUR);
    expect((await plain.world.inForce()).version).toBe(1);
    await plain.world.pass(2 * HOUR);
    await expectOne(plain.world, 2);
  }, 240_000);

  test('at once by what is provably as tight as all that they have', async () => {
    const { world, before } = await setApart(3);
    const { keyId } = world.made;
    const least = { ...before, rateLimit: { count: 7, perSeconds: DAY } };
    const tight = link(world, before, least, 30, 2);
    for (const at of slots(world)) await world.laptop(at).call('terms.propose', { keyId, ...tight });
    await expectOne(world, 3);
    // What is looser than one of them waits there, whatever it is at the others.
    const loose = link(world, before, before, 31, 4);
    expect(await world.laptop().call('terms.propose', { keyId, ...loose })).toMatchObject({
      version: 3,
      waiting: { missing: 2 },
    });
  }, 120_000);

  test('whoever is asked finds it at each of them, reads it from the terms that they had in common, and one yes counts at all', async () => {
    const { world, before } = await setApart(2);
    const { keyId } = world.made;
    const back = link(world, before, before, 30, 2);
    for (const at of slots(world)) await world.laptop(at).call('terms.propose', { keyId, ...back });
    const shown: ShownMatter[] = [];
    for (const at of slots(world)) {
      const ann = world.servers[at]!.asAnybody(PEOPLE['ann']!);
      const { matters } = await ann.call('approval.list', { after: null });
      const { matterId } = matters[0]!;
      shown.push(await ann.call('approval.show', { matter: 'terms', matterId, keyId, known: null }));
    }
    const [one, other] = shown;
    expect(one!.terms).toEqual(encodeTerms(before));
    expect([other!.terms, other!.termsHash, other!.payload]).toEqual([
      one!.terms,
      one!.termsHash,
      one!.payload,
    ]);
    const { after } = readTermsProposal(one!.payload, one!, before, REQUEST_FACTS);
    expect(after.version).toBe(3);
    expect(one!.sentence).toContain('and of whatever servers have put in force since');
    const votes = ['ann', 'cy'].map((name) =>
      voteOn(PEOPLE[name]!, one!, world.servers, { expiresAt: world.now() + 14 * DAY }),
    );
    for (const at of slots(world)) {
      const given = world.servers[at]!.asAnybody(PEOPLE['ann']!).call('approval.give', { votes });
      expect(await given).toEqual({ refused: [] });
    }
    await world.pass(HOUR);
    await expectOne(world, 3);
  }, 120_000);

  test('takes back nothing that people have agreed to since, and nothing certified', async () => {
    const { world, before } = await setApart(2);
    const { keyId } = world.made;
    const now = await world.inForce();
    const agreed = link(
      world,
      now,
      { ...now, change: { ...now.change!, needed: 1, delaySeconds: 2 * DAY } },
      20,
    );
    const votes = [world.vote('ann', agreed), world.vote('bob', agreed)];
    await world.laptop().call('terms.propose', { keyId, ...agreed, votes });
    await world.pass(3 * DAY + HOUR);
    expect((await world.inForce()).version).toBe(3);
    const back = link(world, before, before, 30, 4);
    const all = [world.vote('ann', back), world.vote('bob', back), world.vote('cy', back)];
    const asked = world.laptop().call('terms.propose', { keyId, ...back, votes: all });
    expect(await codeOf(asked)).toBe('TERMS_NOT_TAKEN_BACK');
    expect((await world.inForce()).version).toBe(3);
    const never = link(world, { ...before, version: 7 }, before, 31, 9);
    expect(await codeOf(world.laptop().call('terms.propose', { keyId, ...never }))).toBe(
      'TERMS_VERSION_WRONG',
    );
  }, 120_000);

  test('and a device makes no more than ten changes a day, nor numbers without end', async () => {
    const world = await createTermsWorld(network, 2);
    const { keyId } = world.made;
    await world.growUp();
    const limited = async (count: number, ahead = 1) => {
      const before = await world.inForce();
      return link(world, before, { ...before, rateLimit: { count, perSeconds: DAY } }, count, ahead);
    };
    expect(await world.laptop().call('terms.propose', { keyId, ...(await limited(99, 66)) })).toMatchObject({
      version: 0,
    });
    for (let at = 0; at < 10; at++)
      await world.laptop().call('terms.propose', { keyId, ...(await limited(80 - at)) });
    const more = await limited(50);
    expect(await codeOf(world.laptop().call('terms.propose', { keyId, ...more }))).toBe('TERMS_TOO_OFTEN');
    await (await world.words()).call('terms.propose', { keyId, ...more });
    expect((await world.inForce()).version).toBe(11);
    world.jump(DAY + HOUR);
    await world.laptop().call('terms.propose', { keyId, ...(await limited(40)) });
    expect((await world.inForce()).version).toBe(12);
  }, 120_000);
});

test('who looks at terms pays for the history that is read for it', async () => {
  const world = await createTermsWorld(network, 2, { settings: { quota: { costPerMinute: 1_000 } } });
  const { keyId } = world.made;
  const words = await world.words();
  // Rules of some 50 KB.
  const among = Array.from({ length: 200 }, (_, at) => String(at).padStart(240, '-'));
  const when = { fact: 'domain', among };
  for (const count of [9, 8, 7, 6]) {
    const link = await world.change((before) => ({
      ...peopleTerms(before, { approvals: [{ when, needed: 0, of: [] }] }),
      rateLimit: { count, perSeconds: DAY },
    }));
    await words.call('terms.propose', { keyId, ...link });
  }
  const look = (after: number) => codeOf(words.call('terms.show', { keyId, after }));
  let code = 'OK';
  for (let at = 0; at < 200 && code === 'OK'; at++) code = await look(0);
  expect(code).toBe('QUOTA_COST');
  // Whoever knows them has nothing read to him.
  expect(await look(4)).toBe('OK');
}, 60_000);
