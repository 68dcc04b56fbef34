// @module-tag long
import {
  changeOfTerms,
  encodeHead,
  encodeTerms,
  encodeTermsChange,
  headStatement,
  parseHead,
  parseTerms,
  policyHash,
  signIdentityStatement,
} from '@ckm/api';
import { REQUEST_FACTS } from '@ckm/requests';
import { afterEach, expect, test } from 'vitest';
import type { BareCaller } from '../sessions/test/bare-server.js';
import { createBareServers } from '../sessions/test/bare-servers.js';
import {
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
const oneIsEnough = (before: Parameters<typeof peopleTerms>[0]) => ({
  ...before,
  change: { ...before.change!, needed: 1 },
});

async function withPeople(): Promise<TermsWorld> {
  const world = await createTermsWorld(network, 3);
  const { keyId } = world.made;
  const first = await world.change((before) => peopleTerms(before));
  for (const at of [0, 1, 2]) await (await world.words(at)).call('terms.propose', { keyId, ...first });
  await world.growUp();
  return world;
}

/** A loosening that is in force at the first two servers, and unknown to the third. */
async function loosened(world: TermsWorld) {
  const { keyId } = world.made;
  const link = await world.change(oneIsEnough);
  const votes = [world.vote('ann', link), world.vote('bob', link)];
  for (const at of [0, 1]) await world.laptop(at).call('terms.propose', { keyId, ...link, votes });
  await world.pass(3 * DAY + HOUR);
  expect((await world.inForce()).version).toBe(2);
  return world.laptop().call('terms.show', { keyId, after: 1 });
}

const headOf = async (world: TermsWorld, at: number) => {
  const { head, signature } = await world
    .laptop(at)
    .call('key.head', { keyId: world.made.keyId, nonce: new Uint8Array(32) });
  return { slot: at + 1, head, signature };
};

test('a server that was away takes what enough others have in force as it is, without a delay of its own', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const { links } = await loosened(world);
  const bare = links.map((link) => ({ ...link, votes: [] }));
  const heads = [await headOf(world, 0), await headOf(world, 1)];
  const phone = world.phone(2);
  // Two are needed: one that lies has no more to say than one that is silent.
  for (const few of [[heads[0]!], [heads[0]!, heads[0]!], [heads[0]!, { ...heads[1]!, slot: 3 }]])
    expect(await codeOf(phone.call('terms.learn', { keyId, links: bare, heads: few }))).toBe(
      'DEVICE_MAY_NOT',
    );
  const learnt = await phone.call('terms.learn', { keyId, links: bare, heads });
  expect(learnt).toMatchObject({ version: 2, waiting: null });
  expect(policyHash(await world.inForce(2))).toEqual(policyHash(await world.inForce(0)));
}, 120_000);

test('what one server says it has in force counts once, for what it says, and under its own key', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const { links } = await loosened(world);
  const [alpha, bravo] = [await headOf(world, 0), await headOf(world, 1)];
  const said = parseHead(bravo.head);
  const forged = async (change: object, signer: number) => {
    const head = encodeHead({ ...said, ...change });
    const { identity } = world.servers[signer]!.context;
    return { slot: 2, head, signature: signIdentityStatement(identity, headStatement(head)) };
  };
  const terms = said.terms!;
  for (const other of [
    await forged({}, 0),
    await forged({ keyId: new Uint8Array(32).fill(5) }, 1),
    await forged({ terms: { ...terms, version: 3 } }, 1),
    await forged({ terms: { ...terms, hash: new Uint8Array(32) } }, 1),
    await forged({ terms: undefined }, 1),
    await forged({ isSure: false }, 1),
    { ...bravo, head: new Uint8Array(40) },
  ]) {
    const asked = world.phone(2).call('terms.learn', {
      keyId,
      links: links.map((link) => ({ ...link, votes: [] })),
      heads: [alpha, other],
    });
    expect(await codeOf(asked)).toBe('DEVICE_MAY_NOT');
  }
  expect((await world.inForce(2)).version).toBe(1);
}, 120_000);

test('L8: a server that was restored to terms of before uses nothing before it has those of the others', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const { links } = await loosened(world);
  await world.servers[2]!.sessions.voidOpen('an older database');
  const callers = [world.laptop(2), world.laptop(0), world.laptop(1)];
  const tell = async () => {
    const { asks } = await callers[0]!.call('key.head', { keyId, nonce: new Uint8Array(32) });
    const heads = [];
    for (const at of [0, 1]) {
      const { head, signature } = await world.laptop(at).call('key.head', { keyId, nonce: asks! });
      heads.push({ slot: at + 1, head, signature });
    }
    return callers[0]!.call('key.heads', { keyId, heads });
  };
  const behind = tell();
  await expect(behind).rejects.toMatchObject({ code: 'TERMS_BEHIND', facts: { version: 1, later: 2 } });
  // Nor does what is tighter than the terms of before: it may be another branch than that of the others.
  const tight = following(await world.inForce(2), { ...(await world.inForce(2)), rateLimit: LIMIT });
  const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(9) }, await world.inForce(2), tight);
  const bare = { statement: encodeTermsChange(change), terms: encodeTerms(tight), votes: [] };
  const branch = { ...bare, votes: [world.vote('ann', bare), world.vote('bob', bare)] };
  expect(await world.laptop(2).call('terms.learn', { keyId, links: [branch] })).toMatchObject({ version: 1 });
  // What the people said long ago puts nothing in force there, nor does any time.
  const waits = await world.laptop(2).call('terms.learn', { keyId, links });
  expect(waits).toMatchObject({ version: 1, waiting: { missing: 0 } });
  await world.pass(4 * DAY);
  expect((await world.inForce(2)).version).toBe(1);
  const heads = [await headOf(world, 0), await headOf(world, 1)];
  const adopted = await world.laptop(2).call('terms.learn', { keyId, links, heads });
  expect(adopted).toMatchObject({ version: 2, waiting: null });
  await tell();
  expect((await world.laptop(2).call('key.head', { keyId, nonce: new Uint8Array(32) })).asks).toBeNull();
}, 120_000);

test('of two changes to one version the one by which enough others go wins at the server that has the other one, and both are kept', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const tight = await world.change((before) => ({ ...before, rateLimit: LIMIT }));
  const other = await world.change((before) => ({ ...before, rateLimit: { ...LIMIT, count: 4 } }), 2);
  for (const at of [0, 1]) await world.laptop(at).call('terms.propose', { keyId, ...tight });
  await world.laptop(2).call('terms.propose', { keyId, ...other });
  expect(await codeOf(world.laptop(2).call('terms.learn', { keyId, links: [tight] }))).toBe('TERMS_TWICE');
  const third = await world.change((before) => ({ ...before, rateLimit: { ...LIMIT, count: 3 } }), 3);
  for (const at of [0, 1]) await world.laptop(at).call('terms.propose', { keyId, ...third });
  expect(await codeOf(world.laptop(2).call('terms.propose', { keyId, ...third }))).toBe(
    'TERMS_VERSION_WRONG',
  );
  const heads = [await headOf(world, 0), await headOf(world, 1)];
  const { links } = await world.laptop().call('terms.show', { keyId, after: 1 });
  const adopted = await world.phone(2).call('terms.learn', { keyId, links, heads });
  expect(adopted).toMatchObject({ version: 3, waiting: null });
  const shown = await world.laptop(2).call('terms.show', { keyId, after: 1 });
  expect(shown.twice).toMatchObject([{ version: 2 }]);
  expect(shown.links.map(({ terms }) => terms)).toEqual(links.map(({ terms }) => terms));
  expect(policyHash(await world.inForce(2))).toEqual(policyHash(await world.inForce(0)));
  expect((await world.laptop(2).call('key.show', { keyId })).policy).not.toHaveProperty('approvals');
}, 120_000);

test('C2: one on a longer branch goes over to the shorter one that all others have, and not back by what they said before', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const limit = (count: number) => (before: Parameters<typeof peopleTerms>[0]) => ({
    ...before,
    rateLimit: { ...LIMIT, count },
  });
  const [short, first] = [await world.change(limit(5)), await world.change(limit(4), 2)];
  const second = await behindOf(world, first, 3);
  for (const link of [first, second]) await world.laptop(2).call('terms.propose', { keyId, ...link });
  for (const at of [0, 1]) await world.laptop(at).call('terms.propose', { keyId, ...short });
  expect((await world.inForce(2)).version).toBe(3);
  const heads = [await headOf(world, 0), await headOf(world, 1)];
  const learn = (slots: typeof heads) =>
    world.phone(2).call('terms.learn', { keyId, links: [short], heads: slots });
  expect(await codeOf(learn([heads[0]!]))).toBe('DEVICE_MAY_NOT');
  expect(await learn(heads)).toMatchObject({ version: 2, waiting: null });
  expect(policyHash(await world.inForce(2))).toEqual(policyHash(await world.inForce(0)));
  // All go on by what people agree to, and what two once said leads nobody back.
  const now = await world.inForce();
  const after = { ...now, rateLimit: LIMIT, version: 4, previous: now.previous! };
  const before = (await world.laptop().call('terms.show', { keyId, after: 0 })).links[0]!;
  const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(8) }, parse(before.terms), after);
  const settled = { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
  const votes = [world.vote('ann', settled), world.vote('bob', settled)];
  for (const at of [0, 1, 2]) await world.laptop(at).call('terms.propose', { keyId, ...settled, votes });
  await world.pass(3 * DAY + HOUR);
  expect((await world.inForce(2)).version).toBe(4);
  await learn(heads).catch(() => null);
  expect((await world.inForce(2)).version).toBe(4);
  // Nor where something that is known here, with a made up statement, stands before it.
  const madeUp = { ...change, id: new Uint8Array(32), version: 1, previous: policyHash(after) };
  const statement = encodeTermsChange({ ...madeUp, termsHash: policyHash(parse(before.terms)) });
  const links = [{ ...before, statement }, short];
  await world
    .phone(2)
    .call('terms.learn', { keyId, links, heads })
    .catch(() => null);
  expect((await world.inForce(2)).version).toBe(4);
}, 120_000);

test('what others vouch for brings nothing along that does not lead to it', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const own = await world.change(oneIsEnough);
  const learn = async (caller: BareCaller, last: typeof own) => {
    const heads = [await headOf(world, 0), await headOf(world, 1)];
    return codeOf(caller.call('terms.learn', { keyId, links: [own, last], heads }));
  };
  const isAsBefore = async () => {
    const { links, waiting, twice } = await world.laptop(2).call('terms.show', { keyId, after: 0 });
    expect({ count: links.length, waiting, twice }).toEqual({ count: 1, waiting: null, twice: [] });
    expect((await world.inForce(2)).version).toBe(1);
  };
  // Before what is in force everywhere.
  const [known] = (await world.laptop().call('terms.show', { keyId, after: 0 })).links;
  expect(await learn(world.phone(2), known!)).toBe('DEVICE_MAY_NOT');
  expect(await learn(world.laptop(2), known!)).toBe('TERMS_NOT_VOUCHED');
  await isAsBefore();
  // Before what is news, and follows something else.
  const tight = await world.change((before) => ({ ...before, rateLimit: LIMIT }), 2);
  for (const at of [0, 1]) await world.laptop(at).call('terms.propose', { keyId, ...tight });
  expect(await learn(world.phone(2), tight)).toBe('DEVICE_MAY_NOT');
  await isAsBefore();
}, 120_000);

test('n of n: what all others vouch for brings nothing along either', async () => {
  const world = await createTermsWorld(network, 2);
  const { keyId } = world.made;
  const first = await world.change((before) => peopleTerms(before));
  for (const at of [0, 1]) await (await world.words(at)).call('terms.propose', { keyId, ...first });
  await world.growUp();
  const links = [await world.change(oneIsEnough), first];
  const asked = world.phone(1).call('terms.learn', { keyId, links, heads: [await headOf(world, 0)] });
  expect(await codeOf(asked)).toBe('DEVICE_MAY_NOT');
  expect((await world.inForce(1)).version).toBe(1);
}, 120_000);

const parse = (terms: Uint8Array) => parseTerms(terms, REQUEST_FACTS);

/** What follows a change that is in force nowhere yet. */
async function behindOf(world: TermsWorld, { terms }: { readonly terms: Uint8Array }, count: number) {
  const before = parse(terms);
  const after = following(before, { ...before, rateLimit: { ...LIMIT, count } });
  const { keyId } = world.made;
  const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(40 + count) }, before, after);
  return { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
}

test('a server that is many changes behind takes them over in pages, each by what others say of its last', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  for (const count of [9, 8, 7, 6, 5, 4]) {
    const link = await world.change((before) => ({ ...before, rateLimit: { ...LIMIT, count } }), count);
    for (const at of [0, 1]) await world.laptop(at).call('terms.propose', { keyId, ...link });
  }
  const saying = async (at: number, terms: number, nonce = new Uint8Array(32)) => {
    const { head, signature } = await world.laptop(at).call('key.head', { keyId, nonce, terms });
    return { slot: at + 1, head, signature };
  };
  const phone = world.phone(2);
  const { links, next } = await world.laptop().call('terms.show', { keyId, after: 1 });
  expect([links.length, next]).toEqual([4, 5]);
  const newest = [await headOf(world, 0), await headOf(world, 1)];
  expect(await codeOf(phone.call('terms.learn', { keyId, links, heads: newest }))).toBe('DEVICE_MAY_NOT');
  const heads = [await saying(0, 5), await saying(1, 5)];
  expect(await phone.call('terms.learn', { keyId, links, heads })).toMatchObject({ version: 5 });
  const rest = await world.laptop().call('terms.show', { keyId, after: 5 });
  const last = await phone.call('terms.learn', { keyId, links: rest.links, heads: newest });
  expect(last).toMatchObject({ version: 7 });
  expect(policyHash(await world.inForce(2))).toEqual(policyHash(await world.inForce(0)));
  // Whoever asks how far the key is, with a nonce of his own, is told of those in force.
  const asked = await saying(0, 5, new Uint8Array(32).fill(3));
  expect(parseHead(asked.head).terms?.version).toBe(7);
}, 120_000);

test('n of n: a server believes all others what is no looser than what it has, and nothing else', async () => {
  const world = await createTermsWorld(network, 2);
  const { keyId } = world.made;
  const first = await world.change((before) => peopleTerms(before));
  for (const at of [0, 1]) await (await world.words(at)).call('terms.propose', { keyId, ...first });
  await world.growUp();
  const tight = await world.change((before) => ({ ...before, rateLimit: LIMIT }));
  await world.laptop().call('terms.propose', { keyId, ...tight });
  const learn = async (links: readonly (typeof tight)[]) =>
    world.phone(1).call('terms.learn', { keyId, links: [...links], heads: [await headOf(world, 0)] });
  expect(await codeOf(world.phone(1).call('terms.learn', { keyId, links: [tight] }))).toBe('DEVICE_MAY_NOT');
  expect(await learn([tight])).toMatchObject({ version: 2, waiting: null });
  const loose = await world.change(oneIsEnough, 2);
  const votes = [world.vote('ann', loose), world.vote('bob', loose)];
  await world.laptop().call('terms.propose', { keyId, ...loose, votes });
  await world.pass(3 * DAY + HOUR);
  expect((await world.inForce()).version).toBe(3);
  expect(await codeOf(learn([loose]))).toBe('DEVICE_MAY_NOT');
  expect((await world.inForce(1)).version).toBe(2);
}, 120_000);

const tightened = (world: TermsWorld, count: number) =>
  world.change((before) => ({ ...before, rateLimit: { ...LIMIT, count } }), count);

test('what others have in force counts as what devices put in force here, and is taken over beyond that', async () => {
  const world = await withPeople();
  const { keyId } = world.made;
  const missed = [];
  for (let count = 90; count > 80; count--) {
    const link = await tightened(world, count);
    for (const at of [0, 1]) await world.laptop(at).call('terms.propose', { keyId, ...link });
    missed.push(link);
    if (missed.length % 4 !== 0 && missed.length !== 10) continue;
    const links = missed.slice(missed.length % 4 === 0 ? -4 : -2);
    const heads = [await headOf(world, 0), await headOf(world, 1)];
    await world.phone(2).call('terms.learn', { keyId, links, heads });
  }
  expect((await world.inForce(2)).version).toBe(11);
  // A stolen device that went from server to server would else begin anew at each of them.
  const more = await tightened(world, 70);
  for (const at of [0, 1, 2])
    expect(await codeOf(world.laptop(at).call('terms.propose', { keyId, ...more }))).toBe('TERMS_TOO_OFTEN');
  // Words go on, and a server that was away goes by what others have.
  for (const at of [0, 1]) await (await world.words(at)).call('terms.propose', { keyId, ...more });
  const heads = [await headOf(world, 0), await headOf(world, 1)];
  const learned = await world.phone(2).call('terms.learn', { keyId, links: [more], heads });
  expect(learned).toMatchObject({ version: 12 });
}, 120_000);

test('n of n: one server that lies hands a device’s changes on no more than ten times a day, nor any far ahead', async () => {
  const world = await createTermsWorld(network, 2);
  const { keyId } = world.made;
  const first = await world.change((before) => peopleTerms(before));
  for (const at of [0, 1]) await (await world.words(at)).call('terms.propose', { keyId, ...first });
  await world.growUp();
  const hand = async (link: Awaited<ReturnType<typeof tightened>>) =>
    codeOf(world.phone(1).call('terms.learn', { keyId, links: [link], heads: [await headOf(world, 0)] }));
  // The words put more in force there than a device could: so does one that lies.
  for (let count = 90; count > 80; count--) {
    const link = await tightened(world, count);
    await (await world.words()).call('terms.propose', { keyId, ...link });
    expect(await hand(link)).toBe('OK');
  }
  const more = await tightened(world, 70);
  await (await world.words()).call('terms.propose', { keyId, ...more });
  expect(await hand(more)).toBe('TERMS_TOO_OFTEN');
  expect(await codeOf(world.laptop(1).call('terms.propose', { keyId, ...more }))).toBe('TERMS_TOO_OFTEN');
  world.jump(DAY + HOUR);
  expect(await hand(more)).toBe('OK');
  // Far ahead it comes into force after its time alone, and nobody has it skip that elsewhere.
  const before = await world.inForce();
  const { version: _version, previous: _previous, ...content } = before;
  const after = {
    ...content,
    rateLimit: { ...LIMIT, count: 3 },
    version: 500,
    previous: policyHash(before),
  };
  const change = changeOfTerms({ keyId, id: new Uint8Array(32).fill(99) }, before, after);
  const far = { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
  const votes = [world.vote('ann', far), world.vote('bob', far)];
  await world.laptop().call('terms.propose', { keyId, ...far, votes });
  await world.pass(3 * DAY + HOUR);
  expect((await world.inForce()).version).toBe(500);
  expect(await hand(far)).toBe('DEVICE_MAY_NOT');
}, 120_000);
