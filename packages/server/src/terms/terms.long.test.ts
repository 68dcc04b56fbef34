// @module-tag long
import { join } from 'node:path';
import {
  changeOfTerms,
  deviceId,
  encodeTerms,
  encodeTermsChange,
  nextDevices,
  parseDevices,
  parseTerms,
  policyHash,
  signDevices,
} from '@ckm/api';
import { REQUEST_FACTS } from '@ckm/requests';
import { afterEach, describe, expect, test } from 'vitest';
import type { BareServer } from '../sessions/test/bare-server.js';
import { alice, createBareServers } from '../sessions/test/bare-servers.js';
import { PowerCut, storageWithPowerCut } from '../sessions/test/faulty-storage.js';
import type { KeyRow, Storage, TermsRow } from '../storage/storage.js';
import { tamperWith } from '../test/rooms.js';
import {
  approver,
  codeOf,
  createTermsWorld,
  DAY,
  following,
  HOUR,
  peopleTerms,
  type TermsWorld,
} from './test/changed-terms.js';

const network = createBareServers();
afterEach(() => network.close());

const LIMIT = { count: 5, perSeconds: DAY };

/** A key with people who are asked, of an account whose devices are not young any more. */
async function withPeople(count = 2): Promise<TermsWorld> {
  const world = await createTermsWorld(network, count);
  const { keyId } = world.made;
  const first = await world.change((before) => peopleTerms(before));
  for (const at of world.servers.keys())
    await (await world.words(at)).call('terms.propose', { keyId, ...first });
  await world.growUp();
  return world;
}

interface Rows {
  readonly key: KeyRow;
  readonly terms: readonly (TermsRow | null)[];
}

function rowsOf({ context }: BareServer, keyId: Uint8Array): Promise<Rows> {
  return context.storage.read(async (reader) => ({
    key: (await reader.keys.find(alice.xid, keyId))!,
    terms: [
      await reader.terms.find(alice.xid, keyId, 1, false),
      await reader.terms.find(alice.xid, keyId, 2, false),
      await reader.terms.find(alice.xid, keyId, 3, false),
    ],
  }));
}

/** Other people for a change: always a loosening, of what waits longest. */
const oneIsEnough = (before: Parameters<typeof peopleTerms>[0]) => ({
  ...before,
  change: { ...before.change!, needed: 1 },
});

describe('P7: lower, forked, early loosening, without votes: refused, row unchanged', () => {
  test('a lower version, and the same one with other terms', async () => {
    const world = await withPeople();
    const { keyId } = world.made;
    const laptop = world.laptop();
    const other = await world.change((before) => ({ ...before, rateLimit: { ...LIMIT, count: 4 } }), 2);
    const tight = await world.change((before) => ({ ...before, rateLimit: LIMIT }));
    await laptop.call('terms.propose', { keyId, ...tight });
    const third = await world.change((before) => ({ ...before, rateLimit: { ...LIMIT, count: 3 } }));
    await laptop.call('terms.propose', { keyId, ...third });
    const before = await rowsOf(world.servers[0]!, keyId);
    // Another first version that nobody could have had: it asks people without those who are asked.
    const loose = await createLowerLoosening(world);
    expect(await codeOf(laptop.call('terms.propose', { keyId, ...loose }))).toBe('TERMS_VERSION_WRONG');
    expect(await rowsOf(world.servers[0]!, keyId)).toEqual(before);
    // Whoever could not have proposed it plants no evidence that somebody has.
    expect(await codeOf(world.phone().call('terms.learn', { keyId, links: [other] }))).toBe('DEVICE_MAY_NOT');
    expect((await laptop.call('terms.show', { keyId, after: null })).twice).toEqual([]);
    // The same number, tighter as well: somebody made two, and that is kept beside what is in force.
    expect(await codeOf(laptop.call('terms.propose', { keyId, ...other }))).toBe('TERMS_TWICE');
    expect(await rowsOf(world.servers[0]!, keyId)).toEqual(before);
    const shown = await laptop.call('terms.show', { keyId, after: null });
    expect(shown.version).toBe(3);
    expect(shown.twice).toMatchObject([{ version: 2 }]);
    expect(shown.twice[0]!.links.map(({ terms }) => terms.length)).toEqual([
      tight.terms.length,
      other.terms.length,
    ]);
    // Said once more what is in force, or was, changes nothing.
    for (const link of [tight, third])
      expect(await laptop.call('terms.propose', { keyId, ...link })).toMatchObject({
        version: 3,
        refused: [],
      });
    expect(await rowsOf(world.servers[0]!, keyId)).toEqual(before);
  }, 120_000);

  async function createLowerLoosening(world: TermsWorld) {
    const { keyId } = world.made;
    const { links } = await world.laptop().call('terms.show', { keyId, after: null });
    const first = parseTerms(links[0]!.terms, REQUEST_FACTS);
    const after = following(first, oneIsEnough(first));
    const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(77) }, first, after);
    return { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
  }

  test('a version further on, or that follows others', async () => {
    const world = await withPeople();
    const { keyId } = world.made;
    const laptop = world.laptop();
    const inForce = await world.inForce();
    const before = await rowsOf(world.servers[0]!, keyId);
    const never = { ...inForce, rateLimit: LIMIT, version: 1 };
    for (const from of [never, { ...never, version: 5 }]) {
      const after = following(from, { ...from, rateLimit: { ...LIMIT, count: 2 } });
      const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(3) }, from, after);
      const link = { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
      expect(await codeOf(laptop.call('terms.propose', { keyId, ...link }))).toBe('TERMS_VERSION_WRONG');
      expect(await codeOf(laptop.call('terms.learn', { keyId, links: [link] }))).toBe('TERMS_VERSION_WRONG');
    }
    expect(await rowsOf(world.servers[0]!, keyId)).toEqual(before);
  }, 120_000);

  test('a loosening before its delay, whatever the date becomes, and one without its votes after any time', async () => {
    const world = await withPeople();
    const { keyId } = world.made;
    const laptop = world.laptop();
    const hash = policyHash(await world.inForce());
    const link = await world.change(oneIsEnough);
    const votes = [world.vote('ann', link), world.vote('bob', link)];
    await laptop.call('terms.propose', { keyId, ...link });
    await world.pass(4 * DAY);
    expect(policyHash(await world.inForce())).toEqual(hash);
    const again = { ...(await world.change(oneIsEnough, 2)), votes: [] };
    await laptop.call('terms.propose', { keyId, ...again });
    // Votes on the change whose place it took say nothing to it.
    const refused = await laptop.call('terms.propose', { keyId, ...again, votes });
    expect(refused.refused.map(({ code }) => code)).toEqual(['VOTE_IN_OTHER_MATTER', 'VOTE_IN_OTHER_MATTER']);
    const real = [world.vote('ann', again), world.vote('bob', again)];
    await laptop.call('terms.propose', { keyId, ...again, votes: real });
    await world.pass(3 * DAY - HOUR);
    world.jump(365 * DAY);
    await world.pass(1_200);
    expect(policyHash(await world.inForce())).toEqual(hash);
  }, 120_000);
});

test('a loosening that was agreed is in force after its delay, at each server by itself', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const link = await world.change(oneIsEnough);
  const votes = [world.vote('ann', link), world.vote('bob', link)];
  for (const at of [0, 1]) await world.laptop(at).call('terms.propose', { keyId, ...link, votes });
  await world.pass(3 * DAY - HOUR);
  expect((await world.inForce()).version).toBe(1);
  await world.pass(2 * HOUR);
  for (const at of [0, 1])
    expect(await world.inForce(at)).toMatchObject({ version: 2, change: { needed: 1 } });
}, 120_000);

test('L10: what loosens by the rule before is judged by the rule before: it is not the new one that counts', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const link = await world.change((before) => ({
    ...before,
    change: { needed: 1, of: ['ann', 'cy'], delaySeconds: 0, words: null },
  }));
  const votes = [world.vote('cy', link)];
  const { waiting } = await world.laptop().call('terms.propose', { keyId, ...link, votes });
  expect(waiting).toMatchObject({ missing: 1, readyAt: null });
}, 120_000);

test('L10: the version before comes back by votes without delay', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const [laptop, former] = [world.laptop(), await world.inForce()];
  const tight = await world.change((before) => ({ ...before, rateLimit: LIMIT }));
  await laptop.call('terms.propose', { keyId, ...tight });
  const back = await world.change(former);
  expect((await laptop.call('terms.propose', { keyId, ...back })).waiting).toMatchObject({ missing: 2 });
  const votes = [world.vote('ann', back), world.vote('bob', back)];
  expect(await laptop.call('terms.propose', { keyId, ...back, votes })).toMatchObject({
    version: 3,
    waiting: null,
  });
  expect((await world.inForce()).rateLimit).toEqual(former.rateLimit);
}, 120_000);

test('L10: and those before that, however often they were tightened since with nobody’s yes', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const [laptop, former] = [world.laptop(), await world.inForce()];
  for (const count of [5, 4, 3]) {
    const tight = await world.change((before) => ({ ...before, rateLimit: { ...LIMIT, count } }), count);
    await laptop.call('terms.propose', { keyId, ...tight });
  }
  const back = await world.change(former);
  const votes = [world.vote('ann', back), world.vote('bob', back)];
  expect(await laptop.call('terms.propose', { keyId, ...back, votes })).toMatchObject({
    version: 5,
    waiting: null,
  });
  // What those agreed to who are asked is not one of them.
  const agreed = await world.change((before) => ({ ...before, rateLimit: LIMIT }), 20);
  const yes = [world.vote('ann', agreed), world.vote('bob', agreed)];
  await laptop.call('terms.propose', { keyId, ...agreed, votes: yes });
  const tight = await world.change((before) => ({ ...before, rateLimit: { ...LIMIT, count: 3 } }), 21);
  await laptop.call('terms.propose', { keyId, ...tight });
  const further = await world.change(former, 22);
  const all = [world.vote('ann', further), world.vote('bob', further)];
  expect(await laptop.call('terms.propose', { keyId, ...further, votes: all })).toMatchObject({
    version: 7,
    waiting: { missing: 0, readyAt: world.now() + 3 * DAY },
  });
}, 120_000);

test('L14: words that say again what a device proposed make it theirs, from then on; a no ends that for good', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const link = await world.change(oneIsEnough);
  const device = await world.laptop().call('terms.propose', { keyId, ...link });
  expect(device).toMatchObject({ waiting: { byWords: false, missing: 2, readyAt: null } });
  await world.pass(DAY);
  const words = await world.words();
  const said = await words.call('terms.propose', { keyId, ...link });
  expect(said).toMatchObject({ waiting: { byWords: true, readyAt: world.now() + 30 * DAY } });
  await world.pass(HOUR);
  const again = await words.call('terms.propose', { keyId, ...link });
  expect(again.waiting!.proposedAt).toBe(said.waiting!.proposedAt);
  const votes = [world.vote('cy', link, { verdict: 'no' })];
  await words.call('terms.propose', { keyId, ...link, votes });
  const stopped = { waiting: { byWords: false, readyAt: null } };
  expect(await words.call('terms.propose', { keyId, ...link })).toMatchObject(stopped);
  // A no counts for fourteen days, and that it stopped the words for good.
  await world.pass(15 * DAY);
  expect(await words.call('terms.propose', { keyId, ...link })).toMatchObject(stopped);
}, 120_000);

test('L14: whoever a change takes away has neither vote nor veto, and the words alone wait until somebody says no', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const words = await world.words();
  const without = await world.change((before) => ({
    ...before,
    approvers: [approver('ann'), approver('bob')],
    approvals: before.approvals!.map((rule) => ({ ...rule, of: rule.of.filter((name) => name !== 'cy') })),
    change: { ...before.change!, of: ['ann', 'bob'] },
  }));
  const no = world.vote('cy', without, { verdict: 'no' });
  const said = await words.call('terms.propose', { keyId, ...without, votes: [no] });
  expect(said).toMatchObject({ refused: [{ at: 0, code: 'VOTE_BY_REQUESTER' }], waiting: { byWords: true } });
  const { change } = said.waiting!;
  // Whoever stays stops what the words would do alone, for good.
  const stays = world.vote('bob', without, { verdict: 'no' });
  const heard = await world.phone().call('terms.veto', { keyId, change, votes: [stays] });
  expect(heard).toMatchObject({ refused: [], waiting: null });
  expect((await words.call('terms.show', { keyId, after: null })).over?.reason).toBe('bob said no');
}, 120_000);

test('L14: the words alone change the terms after their delay, at every server', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const link = await world.change(oneIsEnough);
  await (await world.words()).call('terms.propose', { keyId, ...link });
  await world.pass(30 * DAY - HOUR);
  expect((await world.inForce()).version).toBe(1);
  await world.pass(2 * HOUR);
  expect((await world.inForce()).version).toBe(2);
}, 240_000);

test('Q16a: a stolen laptop’s first terms wait for three days, and any other device of hers stops them', async () => {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  await world.growUp();
  const thief = world.laptop();
  const link = await world.change((before) => peopleTerms(before));
  const { waiting } = await thief.call('terms.propose', { keyId, ...link });
  expect(waiting).toMatchObject({ missing: 0, readyAt: world.now() + 3 * DAY, byWords: false });
  await world.pass(2 * DAY);
  const { change } = waiting!;
  await world.phone().call('terms.veto', { keyId, change, votes: [] });
  await world.pass(2 * DAY);
  expect(await world.inForce()).not.toHaveProperty('approvals');
  const again = await world.change((before) => peopleTerms(before), 2);
  await thief.call('terms.propose', { keyId, ...again });
  await world.pass(3 * DAY + HOUR);
  expect(await world.inForce()).toHaveProperty('approvals');
}, 120_000);

test('what a stolen laptop has proposed ends with it, once the words have removed it', async () => {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  await world.growUp();
  const loose = await world.change((before) => ({ ...before, expiresAt: 1_900_000_000 }));
  const { waiting } = await world.laptop().call('terms.propose', { keyId, ...loose });
  expect(waiting).toMatchObject({ missing: 0, byWords: false });
  const words = await world.words();
  const { links } = await words.call('device.show', { after: null });
  const list = parseDevices(links.at(-1)!.document);
  const without = nextDevices(list, [], deviceId(alice.publicKeys), true);
  await words.call('device.update', { documents: [signDevices(without, alice)] });
  await world.pass(3 * DAY + HOUR);
  expect((await world.inForce()).expiresAt).toBeNull();
  const shown = await words.call('terms.show', { keyId, after: null });
  expect(shown.waiting).toBeNull();
}, 120_000);

test('P2: a young device touches no terms, and one that may not manage proposes none; both stop what waits', async () => {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  const tight = await world.change((before) => ({ ...before, rateLimit: LIMIT }));
  expect(await codeOf(world.laptop().call('terms.propose', { keyId, ...tight }))).toBe('DEVICE_TOO_YOUNG');
  expect(await codeOf(world.phone().call('terms.propose', { keyId, ...tight }))).toBe('DEVICE_MAY_NOT');
  expect(await codeOf(world.phone().call('terms.learn', { keyId, links: [tight] }))).toBe('DEVICE_MAY_NOT');
  const loose = await world.change((before) => ({ ...before, expiresAt: 1_900_000_000 }));
  const { waiting } = await (await world.words()).call('terms.propose', { keyId, ...loose });
  const { change } = waiting!;
  expect((await world.laptop().call('terms.veto', { keyId, change, votes: [] })).waiting).toBeNull();
  // Nor does it plant a second change to what is in force.
  const other = await world.change((before) => ({ ...before, rateLimit: { ...LIMIT, count: 4 } }), 2);
  await (await world.words()).call('terms.propose', { keyId, ...tight });
  expect(await codeOf(world.laptop().call('terms.propose', { keyId, ...other }))).toBe('DEVICE_TOO_YOUNG');
  expect((await world.laptop().call('terms.show', { keyId, after: null })).twice).toEqual([]);
}, 120_000);

test('what operators were promised stays as it was certified', async () => {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  const words = await world.words();
  for (const part of [{ changes: 'automatic' }, { changeDelay: 0 }, { recovery: 'static' }] as const) {
    const link = await world.change((before) => ({ ...before, ...part }));
    expect(await codeOf(words.call('terms.propose', { keyId, ...link }))).toBe('TERMS_PART_FIXED');
  }
  const asks = await world.change((before) => ({ ...before, approval: 'operator' }));
  await words.call('terms.propose', { keyId, ...asks });
  await world.pass(3 * DAY + HOUR);
  expect((await world.inForce()).approval).toBe('operator');
  const back = await world.change((before) => ({ ...before, approval: 'automatic' }));
  expect(await codeOf(words.call('terms.propose', { keyId, ...back }))).toBe('TERMS_PART_FIXED');
}, 120_000);

test('a change that changes nothing is refused, so that nobody makes them without end', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const same = await world.change((before) => before);
  for (const caller of [world.laptop(), await world.words()])
    expect(await codeOf(caller.call('terms.propose', { keyId, ...same }))).toBe('TERMS_SAME');
  expect((await world.inForce()).version).toBe(1);
}, 120_000);

test('what others are said to have in force comes in by their word or by votes, never by the word of whoever brings it', async () => {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  await world.growUp();
  const words = await world.words();
  const invented = [
    await world.change((before) => peopleTerms(before)),
    await world.change((before) => ({ ...before, rateLimit: { count: 1, perSeconds: 31 * DAY } }), 2),
    await world.change((before) => ({ ...before, expiresAt: 1_900_000_000 }), 3),
  ];
  for (const link of invented) {
    for (const caller of [words, world.laptop()])
      expect(await codeOf(caller.call('terms.learn', { keyId, links: [link] }))).toBe('TERMS_NOT_VOUCHED');
  }
  expect(await words.call('terms.show', { keyId, after: null })).toMatchObject({ version: 0, waiting: null });
  // What waits already by a device's word is not the words' because they show it.
  await world.laptop().call('terms.propose', { keyId, ...invented[0]! });
  const waits = await words.call('terms.learn', { keyId, links: [invented[0]!] });
  expect(waits).toMatchObject({ version: 0, waiting: { byWords: false } });
}, 120_000);

test('a server that was away learns the changes in order: what is tighter once it is proposed, what was agreed after its own delay, and a phone brings no other', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const laptop = world.laptop();
  const tight = await world.change((before) => ({ ...before, rateLimit: LIMIT }));
  await laptop.call('terms.propose', { keyId, ...tight });
  const link = await world.change(oneIsEnough);
  const votes = [world.vote('ann', link), world.vote('bob', link)];
  await laptop.call('terms.propose', { keyId, ...link, votes });
  await world.pass(3 * DAY + HOUR);
  const { links } = await laptop.call('terms.show', { keyId, after: 1 });
  expect(links).toHaveLength(2);
  expect(await codeOf(world.phone(1).call('terms.learn', { keyId, links }))).toBe('DEVICE_MAY_NOT');
  expect(await codeOf(world.laptop(1).call('terms.learn', { keyId, links }))).toBe('TERMS_NOT_VOUCHED');
  await world.laptop(1).call('terms.propose', { keyId, ...tight });
  const learnt = await world.laptop(1).call('terms.learn', { keyId, links });
  expect(learnt).toMatchObject({ version: 2, waiting: { missing: 0, readyAt: world.now() + 3 * DAY } });
  await world.pass(3 * DAY + HOUR);
  expect(policyHash(await world.inForce(1))).toEqual(policyHash(await world.inForce(0)));
  // What is agreed needs nobody who may manage.
  const next = await world.change((before) => ({ ...before, rateLimit: null }));
  const one = { ...next, votes: [world.vote('cy', next)] };
  const waits = await world.phone(1).call('terms.learn', { keyId, links: [one] });
  expect(waits).toMatchObject({ version: 3, waiting: { missing: 0, version: 4 } });
}, 120_000);

describe('a delay', () => {
  test('goes on over a restart, and what was off counts nothing', async () => {
    const world = await withPeople();
    const { keyId } = world.made;
    const link = await world.change(oneIsEnough);
    const votes = [world.vote('ann', link), world.vote('bob', link)];
    await world.laptop().call('terms.propose', { keyId, ...link, votes });
    await world.pass(2 * DAY);
    world.jump(2 * DAY);
    world.servers[0] = await network.restart(world.servers[0]!);
    await world.pass(DAY - HOUR);
    expect((await world.inForce()).version).toBe(1);
    await world.pass(2 * HOUR);
    expect((await world.inForce()).version).toBe(2);
  }, 120_000);

  test('L8: of a database that went back is void, and so is what waited', async () => {
    const world = await withPeople();
    const { keyId } = world.made;
    const link = await world.change(oneIsEnough);
    const votes = [world.vote('ann', link), world.vote('bob', link)];
    await world.laptop().call('terms.propose', { keyId, ...link, votes });
    await world.pass(2 * DAY);
    await world.servers[0]!.sessions.voidOpen('an older database');
    const shown = await world.laptop().call('terms.show', { keyId, after: null });
    expect(shown).toMatchObject({ version: 1, waiting: null, proposed: null });
    const refused = world.laptop().call('terms.propose', { keyId, ...link, votes });
    expect(await codeOf(refused)).toBe('KEY_HEAD_UNKNOWN');
    // Whoever brings it has it wait, and nothing comes into force before the others have said how far the key is.
    await world.laptop().call('terms.learn', { keyId, links: [{ ...link, votes }] });
    await world.pass(4 * DAY);
    expect((await world.inForce()).version).toBe(1);
  }, 120_000);

  test('that waited for longer in a row that was put back is noticed', async () => {
    const world = await withPeople();
    const { keyId } = world.made;
    const link = await world.change(oneIsEnough);
    const votes = [world.vote('ann', link), world.vote('bob', link)];
    const { waiting } = await world.laptop().call('terms.propose', { keyId, ...link, votes });
    const { terms } = await rowsOf(world.servers[0]!, keyId);
    const { change } = waiting!;
    await world.phone().call('terms.veto', { keyId, change, votes: [] });
    await world.servers[0]!.stop();
    tamperWith(join(world.servers[0]!.dataDir, 'ckm.sqlite'), (database) => {
      database
        .prepare('update terms set sealed = ?, version = ?, waiting = 1 where key_id = ? and number = 2')
        .run(terms[1]!.sealed, terms[1]!.version, keyId);
    });
    world.servers[0] = await network.restart(world.servers[0]!);
    await world.pass(4 * DAY);
    const shown = world.laptop().call('terms.show', { keyId, after: null });
    expect(await codeOf(shown)).toBe('ROW_TAMPERED');
    const { policy } = await world.laptop().call('key.show', { keyId });
    expect(policy.version).toBeUndefined();
  }, 120_000);
});

describe('a power cut', () => {
  const steps = ['propose', 'agree', 'veto', 'ripen'] as const;
  test.each(steps.flatMap((step) => (['before', 'after'] as const).map((when) => [step, when] as const)))(
    'in the step %s, %s its commit, leaves all of it or nothing, and the next try finishes',
    async (step, when) => {
      const world = await withPeople();
      const { keyId } = world.made;
      const link = await world.change(oneIsEnough);
      const votes = [world.vote('ann', link), world.vote('bob', link)];
      const laptop = () => world.laptop();
      if (step !== 'propose') await laptop().call('terms.propose', { keyId, ...link });
      if (step === 'ripen') {
        await laptop().call('terms.propose', { keyId, ...link, votes });
        await world.pass(3 * DAY - 2 * HOUR);
      }
      const change = (await laptop().call('terms.show', { keyId, after: null })).waiting?.change;
      const act = async (): Promise<unknown> => {
        if (step === 'propose') return laptop().call('terms.propose', { keyId, ...link });
        if (step === 'agree') return laptop().call('terms.propose', { keyId, ...link, votes });
        if (step === 'veto') return world.phone().call('terms.veto', { keyId, change: change!, votes: [] });
        return world.pass(3 * HOUR);
      };
      const wrap = (storage: Storage) => storageWithPowerCut(storage, 1, when);
      world.servers[0] = await network.restart(world.servers[0]!, { wrap });
      if (step === 'ripen') await expect(world.pass(3 * HOUR)).rejects.toThrow(PowerCut);
      else await expect(act()).rejects.toThrow(PowerCut);
      world.servers[0] = await network.restart(world.servers[0]!, { wrap: (storage) => storage });
      await act();
      const shown = await laptop().call('terms.show', { keyId, after: null });
      if (step === 'propose') expect(shown.waiting).toMatchObject({ missing: 2 });
      if (step === 'agree') expect(shown.waiting).toMatchObject({ missing: 0 });
      if (step === 'veto') expect(shown).toMatchObject({ version: 1, waiting: null });
      if (step === 'ripen') expect(shown).toMatchObject({ version: 2, waiting: null });
    },
    120_000,
  );
});
