import { afterEach, expect, test } from 'vitest';
import { createBareServers } from '../sessions/test/bare-servers.js';
import { codeOf, createTermsWorld, DAY, peopleTerms } from './test/changed-terms.js';

const network = createBareServers();
afterEach(() => network.close());

test('terms of a key change: first ones by the words at once, tighter ones at once, others by those who are asked and after a delay, unless somebody stops them', async () => {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  const words = await world.words();
  const first = await world.change((before) => peopleTerms(before));
  expect(await words.call('terms.propose', { keyId, ...first })).toMatchObject({ version: 1, waiting: null });
  // A change of who is asked is no tightening: it waits.
  const loose = await world.change((before) => ({ ...before, change: { ...before.change!, needed: 1 } }));
  const proposed = await words.call('terms.propose', { keyId, ...loose });
  const alone = { missing: 2, byWords: true, readyAt: world.now() + 30 * DAY };
  expect(proposed).toMatchObject({ version: 1, refused: [], waiting: alone });
  const votes = [world.vote('ann', loose), world.vote('cy', loose)];
  const agreed = await words.call('terms.propose', { keyId, ...loose, votes });
  expect(agreed.waiting).toMatchObject({ missing: 0, readyAt: world.now() + 3 * DAY });
  const { change } = agreed.waiting!;
  await world.phone().call('terms.veto', { keyId, change, votes: [] });
  const shown = await words.call('terms.show', { keyId, after: null });
  expect(shown).toMatchObject({ version: 1, waiting: null, over: { change: new Uint8Array(change) } });
  expect(await codeOf(words.call('terms.propose', { keyId, ...loose, votes }))).toBe('TERMS_CHANGE_OVER');
  // Lower limits are in force with the message that brings them.
  const tight = await world.change((before) => ({ ...before, rateLimit: { count: 5, perSeconds: DAY } }));
  expect(await words.call('terms.propose', { keyId, ...tight })).toMatchObject({ version: 2, waiting: null });
  const after = await words.call('terms.show', { keyId, after: 0 });
  expect(after).toMatchObject({ version: 2, certified: 0, next: null, over: null });
  expect(after.links.map(({ statement }) => statement)).toEqual(
    [first, tight].map(({ statement }) => new Uint8Array(statement)),
  );
  expect((await words.call('key.show', { keyId })).policy).not.toHaveProperty('approvals');
}, 60_000);

test('L11: of a frozen account tighter terms are in force at once and looser ones are not proposed', async () => {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  const words = await world.words();
  const first = await world.change((before) => peopleTerms(before));
  await words.call('terms.propose', { keyId, ...first });
  const loose = await world.change((before) => ({ ...before, change: { ...before.change!, needed: 1 } }));
  await words.call('account.freeze', freezeFor(world.now(), DAY));
  expect(await codeOf(words.call('terms.propose', { keyId, ...loose }))).toBe('ACCOUNT_FROZEN');
  const tight = await world.change((before) => ({ ...before, rateLimit: { count: 5, perSeconds: DAY } }));
  expect(await words.call('terms.propose', { keyId, ...tight })).toMatchObject({ version: 2, waiting: null });
}, 60_000);

test('L11: the delay of looser terms that wait does not run while the account is frozen, and goes on when that is over', async () => {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  const words = await world.words();
  await words.call('terms.propose', { keyId, ...(await world.change((before) => peopleTerms(before))) });
  const loose = await world.change((before) => ({ ...before, change: { ...before.change!, needed: 1 } }));
  const votes = [world.vote('ann', loose), world.vote('cy', loose)];
  await words.call('terms.propose', { keyId, ...loose, votes });
  await words.call('account.freeze', freezeFor(world.now(), 4 * DAY));
  const version = async () => (await words.call('terms.show', { keyId, after: null })).version;
  await world.pass(4 * DAY - 3_600);
  expect(await version()).toBe(1);
  await world.pass(2 * 3_600);
  expect(await version()).toBe(1);
  await world.pass(3 * DAY);
  expect(await version()).toBe(2);
}, 60_000);

test('L11: looser terms whose time was over come into force in a frozen account by no yes that comes then, brought as one or with the change, but once it has thawed', async () => {
  const world = await createTermsWorld(network);
  const { keyId } = world.made;
  const words = await world.words();
  await words.call('terms.propose', { keyId, ...(await world.change((before) => peopleTerms(before))) });
  const loose = await world.change((before) => ({ ...before, change: { ...before.change!, needed: 1 } }));
  const { waiting } = await words.call('terms.propose', {
    keyId,
    ...loose,
    votes: [world.vote('ann', loose)],
  });
  await world.pass(4 * DAY);
  await words.call('account.freeze', freezeFor(world.now(), DAY));
  const votes = [world.vote('cy', loose)];
  const waits = { version: 1, waiting: { missing: 0 } };
  const { change } = waiting!;
  expect(await world.phone().call('terms.veto', { keyId, change, votes })).toMatchObject(waits);
  const links = [{ ...loose, votes }];
  expect(await world.phone().call('terms.learn', { keyId, links })).toMatchObject(waits);
  await world.pass(DAY + 3_600);
  expect(await words.call('terms.show', { keyId, after: null })).toMatchObject({ version: 2, waiting: null });
}, 60_000);

const freezeFor = (from: number, seconds: number) => ({
  id: crypto.getRandomValues(new Uint8Array(32)),
  from,
  until: from + seconds,
});
