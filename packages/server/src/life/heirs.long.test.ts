// @module-tag long
import {
  encodeCall,
  hashPayload,
  type KeyTerms,
  type Parameters,
  parseCall,
  readHeard,
  signAlive,
  type SignedStatement,
  signHeard,
  signRequester,
} from '@ckm/api';
import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { afterEach, describe, expect, test } from 'vitest';
import { parseCertificate, verifyFirstEpoch } from '@ckm/threshold';
import { alice, createBareServers, makeKey, mallory, messageOf } from '../sessions/test/bare-servers.js';
import { giveTerms } from '../sessions/test/given-terms.js';
import { adam, DAY, eve, heirAt, heirTerms, keyWithHeir, laptop, owner } from './test/heirs.js';

const network = createBareServers();
afterEach(() => network.close());
const code = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const ask = messageOf('let it be');

type World = Awaited<ReturnType<typeof keyWithHeir>>;

/** Everything has lasted at these servers, and their heir has had them hear each other: nothing is missing but what the others say. */
async function untilRipe(world: World, among?: readonly number[]): Promise<void> {
  await world.pass(31 * DAY, among);
  await world.round(among);
  await world.pass(0, among);
  await world.pass(15 * DAY, among);
}
const grantedAt = (views: Awaited<ReturnType<World['round']>>) =>
  views.map(({ granted }) => granted.join(' '));

describe('an heir of a key of two of three servers', () => {
  test('asks after thirty days, is granted its use two weeks later by the word of all three, and signs', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    await world.pass(29 * DAY);
    expect((await world.round()).map((view) => view.case)).toEqual([null, null, null]);
    await world.pass(2 * DAY);
    await world.round();
    await world.pass(0);
    const asked = await world.round();
    expect(asked.map((view) => view.case?.heir)).toEqual(['eve', 'eve', 'eve']);
    expect(asked.every(({ granted, missing }) => granted.length === 0 && missing.length === 2)).toBe(true);
    expect(await code(world.signerOf(eve).sign(ask, [1, 2]))).toBe('HEIR_NOT_GRANTED');
    await world.pass(13 * DAY);
    expect((await world.round()).every(({ granted }) => granted.length === 0)).toBe(true);
    await world.pass(2 * DAY);
    expect((await world.round()).map(({ granted }) => granted)).toEqual([['use'], ['use'], ['use']]);
    expect(await world.signerOf(eve).sign(ask, [1, 2])).toHaveLength(64);
    expect(await world.signerOf(eve).sign(ask, [2, 3])).toHaveLength(64);
    // Who is named and no heir, and who is named nowhere.
    expect(await code(world.signerOf(adam).sign(ask, [1, 2]))).toBe('HEIR_NOT_GRANTED');
    expect(await code(world.ask(1, {}, adam))).toBe('HEIR_UNKNOWN');
    expect(await code(world.signerOf(laptop).sign(ask, [1, 2]))).toBe('HEIR_UNKNOWN');
    expect(await world.deeds(1)).toEqual(['silence.warn', 'silence.case', 'silence.grant']);
  }, 120_000);

  test('one sign of life at one server ends it there at once, and elsewhere within a day, whatever the heir withholds', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    await untilRipe(world);
    expect(grantedAt(await world.round())).toEqual(['use', 'use', 'use']);
    await world.alive(1);
    expect(await code(world.signerOf(eve).sign(ask, [1, 2]))).toBe('HEIR_NOT_GRANTED');
    expect((await world.deeds(1)).at(-1)).toBe('silence.end');
    // Two servers are kept from it: what alpha has said of before holds for a day there, and never again.
    await world.pass(DAY + 1_200, [2, 3]);
    expect(await code(world.signerOf(eve).sign(ask, [2, 3]))).toBe('HEIR_NOT_GRANTED');
    expect(grantedAt(await world.round())).toEqual(['', '', '']);
    // An honest heir has them hear it, too.
    const { alive } = await world.ask(1);
    expect(alive).toHaveLength(1);
    await (await world.servers[1]!.as(mallory)).call('alive.carry', { alive: alive[0]! });
    expect((await world.ask(2)).view.case).toBeNull();
  });

  test('P10: one liar and one starved server of three together fire never: the word of the third is missing', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    for (let week = 0; week < 8; week++) {
      // The owner is heard by alpha alone; bravo says whatever the heir wants, as if nobody had been heard.
      await world.alive(1);
      await world.pass(7 * DAY);
      await world.round([2, 3]);
    }
    await world.pass(0);
    expect(grantedAt(await world.round([2, 3]))).toEqual(['', '']);
    expect(grantedAt(await world.round())).toEqual(['', '', '']);
    expect((await world.ask(3)).view.missing).toHaveLength(1);
    expect(await code(world.signerOf(eve).sign(ask, [2, 3]))).toBe('HEIR_NOT_GRANTED');
  });

  test('a word counts once asked for: not of another key or server, not for another nonce, not of before, not its own, not forged', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    await untilRipe(world);
    const first = await world.ask(1);
    const [at2, at3] = [await world.ask(2), await world.ask(3)];
    const missing = async (...said: readonly SignedStatement[]) =>
      (await world.ask(1, { said: [...said] })).view.missing.length;
    const nonce = first.nonce!;
    const good = (await world.ask(2, { nonces: [nonce] })).heard[0]!;
    const forOther = (await world.ask(2, { nonces: [at3.nonce!] })).heard[0]!;
    const own = (await world.ask(1, { nonces: [nonce] })).heard[0]!;
    const forged = { ...good, signature: good.signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) };
    const heard = readHeard(good)!;
    const statement = { keyId: world.keyId, first: heard.first, nonce, silentSeconds: 1 };
    const stranger = signHeard(laptop, statement);
    const inName = { ...signHeard(laptop, statement), statement: good.statement };
    const otherKey = signHeard(world.servers[1]!.context.identity, {
      ...statement,
      keyId: new Uint8Array(32),
    });
    // Anybody may have a key of that id, and be silent himself: what is said of it is no word of this one.
    const sameId = signHeard(world.servers[1]!.context.identity, { ...statement, first: new Uint8Array(32) });
    const alive = signAlive(owner, { keyId: world.keyId, number: 99 });
    expect(await missing(forOther, own, forged, stranger, inName, otherKey, sameId, alive)).toBe(2);
    expect(await missing(good, good)).toBe(1);
    expect(at2.nonce).not.toEqual(nonce);
    // A day later everybody is asked anew.
    await world.pass(DAY + 1_200);
    expect(await missing(good)).toBe(2);
    expect((await world.ask(1)).nonce).not.toEqual(nonce);
  });

  test('P10: a start pauses it, a clock a year on adds nothing, and what was said before a long sleep is over', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    await world.pass(31 * DAY);
    await world.round();
    await world.pass(0);
    const before = (await world.ask(1)).view;
    world.clock.now += 366 * DAY;
    for (const slot of [1, 2, 3]) await world.restart(slot, { elapsed: () => 0 });
    for (const { sessions } of world.servers) await sessions.sweep();
    const after = (await world.ask(1)).view;
    expect(after.silentSeconds).toBeLessThanOrEqual(before.silentSeconds);
    expect(after.case).toMatchObject({ heir: 'eve' });
    expect(after.case!.leftSeconds).toBeGreaterThanOrEqual(before.case!.leftSeconds! - 1_200);
    for (const slot of [1, 2, 3]) await world.restart(slot, { elapsed: () => world.clock.now * 1_000 });
    await world.pass(15 * DAY);
    expect(grantedAt(await world.round())).toEqual(['use', 'use', 'use']);
    // Nothing is counted while they are off, and the words of others are a year old.
    world.clock.now += 366 * DAY;
    for (const slot of [1, 2, 3]) await world.restart(slot);
    expect(await code(world.signerOf(eve).sign(ask, [1, 2]))).toBe('HEIR_NOT_GRANTED');
    expect(grantedAt(await world.round())).toEqual(['use', 'use', 'use']);
  });

  test('P10: a database that is put back, and a server that is restored, begin anew, and with them all', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    await untilRipe(world);
    expect(grantedAt(await world.round())).toEqual(['use', 'use', 'use']);
    await world.servers[2]!.sessions.voidOpen('put back');
    expect(await code(world.signerOf(eve).sign(ask, [1, 3]))).toBe('HEIR_NOT_GRANTED');
    expect((await world.ask(3)).view).toMatchObject({ silentSeconds: 0, case: null, granted: [] });
    await world.pass(DAY + 1_200, [1, 2]);
    expect(grantedAt(await world.round())).toEqual(['', '', '']);
  });

  test('whatever the account of the owner asks ends what is granted, in the same breath', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    await untilRipe(world);
    await world.round();
    await world.her[0]!.call('key.show', { keyId: world.keyId });
    expect(await code(world.signerOf(eve).sign(ask, [1, 2]))).toBe('HEIR_NOT_GRANTED');
    expect((await world.ask(1)).view.silentSeconds).toBe(0);
    expect((await world.deeds(1)).at(-1)).toBe('silence.end');
  });

  test('limits and people of the terms hold for him, his own yes is met by them, and nothing else of the key is his', async () => {
    const terms = {
      ...heirTerms,
      approvals: [
        { when: { all: [{ fact: 'domain', among: ['test'] }] }, needed: 1, of: ['eve'] },
        { when: { all: [{ fact: 'domain', beyond: ['test'] }] }, needed: 2, of: ['adam', 'eve'] },
      ],
    } satisfies Partial<KeyTerms>;
    const world = await keyWithHeir(network, { terms });
    await world.alive(1, 2, 3);
    await untilRipe(world);
    await world.round();
    const signer = world.signerOf(eve);
    const requested = (wanted: ReturnType<typeof messageOf>) => {
      const requestId = crypto.getRandomValues(new Uint8Array(32));
      const named = { keyId: world.keyId, requestId, expiresAt: world.clock.now + 600 };
      const payloadHash = hashPayload(wanted.kind, wanted.payload);
      return {
        requestId,
        asked: (who: typeof eve) =>
          signer.request(
            1,
            { ...wanted, requestId },
            {
              expiresAt: named.expiresAt,
              requester: signRequester(who, { ...named, payloadHash }),
            },
          ),
      };
    };
    expect(await requested(ask).asked(eve)).toMatchObject({ state: 'ready' });
    const shop = {
      kind: 'message',
      payload: buildMessageRequest({ domain: 'shop', bytes: encodeUtf8('x') }),
    } as const;
    const both = requested(shop);
    expect(await both.asked(eve)).toMatchObject({
      state: 'waiting',
      people: { awaits: [{ needed: 1, of: ['adam'] }] },
    });
    // In nobody else's name.
    expect(await code(requested(ask).asked(owner))).toBe('REQUESTER_NOT_PROVEN');
    // What he has asked for is not the owner's to go on with under that id, nor the other way round.
    const cancel = heirAt(world.servers[0]!, eve, world.keyId);
    expect(await code(cancel.call('request.cancel', { requestId: new Uint8Array(32), reason: '' }))).toBe(
      'REQUEST_UNKNOWN',
    );
    expect(await cancel.call('request.cancel', { requestId: both.requestId, reason: 'no' })).toMatchObject({
      state: 'cancelled',
    });
    for (const name of ['key.freeze', 'terms.propose', 'change.propose', 'key.thaw'] as const)
      expect(() => encodeHeirUse(name)).toThrow('heir.use');
  });
});

/** A function that is none of an heir's does not even have a form. */
function encodeHeirUse(called: string) {
  const keyId = new Uint8Array(32);
  return parseCall(
    'heir.use',
    encodeCall('heir.use', { keyId, first: null, called: called as never, body: keyId }),
  );
}

test('P10: a whole key of the same id, of another account that is silent and names the same heir, gives her nothing of this one', async () => {
  const world = await keyWithHeir(network);
  const { keyId, servers } = world;
  const thief = await Promise.all(servers.map((server) => server.as(mallory)));
  const theirs = await makeKey(thief, { keyId, expiresAt: world.clock.now + 600 });
  // An owner key of its own, who never says anything.
  const ownerKey = laptop.publicKeys.signing.bytes;
  for (const { context } of servers) await giveTerms(context, mallory.xid, keyId, { ...heirTerms, ownerKey });
  const firstIn = (certificate: Uint8Array) => verifyFirstEpoch(parseCertificate(certificate)).transcriptHash;
  const [own, other] = [firstIn(world.certificate), firstIn(theirs.certificate)];
  const askFor = (first: Uint8Array, slot: number, more: Partial<Parameters<'heir.ask'>> = {}) =>
    world.ask(slot, { first, ...more });
  await world.pass(0);
  for (const slot of [1, 2, 3]) await askFor(other, slot);
  await world.alive(1, 2, 3);
  // Alpha alone hears the owner of the one key, each week; nobody is heard of the other.
  for (let week = 0; week < 8; week++) {
    await world.alive(1);
    await world.pass(7 * DAY);
    for (const slot of [1, 2, 3]) for (const first of [own, other]) await askFor(first, slot);
  }
  await world.pass(0);
  await world.alive(1);
  const nonces = await Promise.all([2, 3].map(async (slot) => (await askFor(own, slot)).nonce!));
  // The time has come for the other key at alpha, and it says so, for whatever nonce.
  const lent = (await askFor(other, 1, { nonces })).heard;
  expect(lent).toHaveLength(2);
  expect((await askFor(own, 1, { nonces })).heard).toEqual([]);
  const honest = [...(await askFor(own, 2, { nonces })).heard, ...(await askFor(own, 3, { nonces })).heard];
  for (const slot of [2, 3]) {
    const { view } = await askFor(own, slot, { said: [...lent, ...honest] });
    expect(view).toMatchObject({ granted: [], missing: [servers[0]!.context.identity.xid] });
  }
  expect(await code(world.signerOf(eve).sign(ask, [2, 3]))).toBe('HEIR_NOT_GRANTED');
  // Of the other key she may have what its own servers grant, and its certificate alone names it.
  const view = (await askFor(other, 1)).view;
  expect(view.case?.leftSeconds).toBe(0);
}, 120_000);

describe('an approver who takes the owner to be alive', () => {
  const doubt = (world: World, slot: number, who = adam) =>
    world.servers[slot - 1]!.asAnybody(who).call('heir.doubt', { keyId: world.keyId, first: null });

  test('has the days of a case begin anew at each server that he tells, once, and ends it nowhere; the heir, and whoever is not named, hold nothing up', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    expect(await code(doubt(world, 1))).toBe('HEIR_NOT_ASKING');
    await world.pass(31 * DAY);
    await world.round();
    await world.pass(0);
    await world.pass(13 * DAY);
    expect(await code(doubt(world, 1, laptop))).toBe('HEIR_UNKNOWN');
    expect((await doubt(world, 1, eve)).doubted).toBeUndefined();
    for (const slot of [1, 2, 3]) expect((await doubt(world, slot)).doubted).toEqual(['adam']);
    await world.pass(2 * DAY);
    expect(grantedAt(await world.round())).toEqual(['', '', '']);
    // Said again it is the same.
    for (const slot of [1, 2, 3]) await doubt(world, slot);
    await world.pass(12 * DAY);
    expect(grantedAt(await world.round())).toEqual(['use', 'use', 'use']);
    expect(await world.deeds(1)).toEqual(['silence.warn', 'silence.case', 'silence.doubt', 'silence.grant']);
  });

  test('holds up what is granted already: at that server at once, at the others once its word is over', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    await untilRipe(world);
    expect(grantedAt(await world.round())).toEqual(['use', 'use', 'use']);
    await doubt(world, 1);
    expect(await code(world.signerOf(eve).sign(ask, [1, 2]))).toBe('HEIR_NOT_GRANTED');
    await world.pass(DAY + 1_200);
    expect(grantedAt(await world.round())).toEqual(['', '', '']);
    await world.pass(14 * DAY);
    expect(grantedAt(await world.round())).toEqual(['use', 'use', 'use']);
  });
});

test('what an heir asks for says so in what operators read, and in the log', async () => {
  const world = await keyWithHeir(network, { made: { policy: { approval: 'operator' } } });
  await world.alive(1, 2, 3);
  await untilRipe(world);
  await world.round();
  const requestId = crypto.getRandomValues(new Uint8Array(32));
  const signer = world.signerOf(eve);
  await signer.request(1, { ...ask, requestId }, { expiresAt: world.clock.now + 600 });
  const { context } = world.servers[0]!;
  const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 500));
  const asked = lines.filter(({ deed }) => deed.startsWith('request.'));
  expect(asked.length).toBeGreaterThan(0);
  const [waiting] = await world.servers[0]!.sessions.desk.list();
  expect(waiting!.sentence).toMatch(/^eve, in the place of its silent owner: /);
  for (const { sentence } of asked) expect(sentence).toMatch(/^eve, in the place of its silent owner: /);
});

describe.each([
  [2, 2],
  [3, 5],
])('an honest heir of %i of %i', (needed, count) => {
  test('is granted its use in the end, though a server is away every third time', async () => {
    const world = await keyWithHeir(network, { needed, count });
    const all = Array.from({ length: count }, (_, i) => i + 1);
    await world.alive(...all);
    let granted = 0;
    for (let step = 0; step < 30 && granted < needed; step++) {
      const there = all.filter((slot) => slot !== 1 || step % 3 !== 2);
      await world.pass(3 * DAY, there);
      granted = grantedAt(await world.round(there)).filter((one) => one === 'use').length;
    }
    expect(await world.signerOf(eve).sign(ask, all.slice(0, needed))).toHaveLength(64);
  });
});

describe.each([
  [2, 3, 1],
  [3, 5, 1],
  [3, 5, 2],
])('an honest heir of %i of %i, %i of them dead', (needed, count, dead) => {
  test('is granted nothing until the operators of the others say that it goes on, and then signs', async () => {
    const world = await keyWithHeir(network, { needed, count });
    const all = Array.from({ length: count }, (_, i) => i + 1);
    const living = all.slice(0, count - dead);
    await world.alive(...all);
    await untilRipe(world, living);
    const views = await world.round(living);
    expect(grantedAt(views)).toEqual(living.map(() => ''));
    expect(views.map(({ missing }) => missing.length)).toEqual(living.map(() => dead));
    const name = { owner: alice.xid, keyId: world.keyId };
    const deadOnes = all.slice(count - dead).map((slot) => world.servers[slot - 1]!.context.identity.xid);
    const agree = (slot: number) =>
      world.servers[slot - 1]!.sessions.silenceDesk.agree(name, deadOnes, 'ann');
    // One operator alone, and those of fewer than a quorum, let nobody sign.
    for (const slot of living.slice(0, needed - 1)) await agree(slot);
    expect(await code(world.signerOf(eve).sign(ask, living.slice(0, needed)))).toBe('HEIR_NOT_GRANTED');
    for (const slot of living) expect((await agree(slot)).isAgreed).toBe(true);
    expect(grantedAt(await world.round(living))).toEqual(living.map(() => 'use'));
    expect(await world.signerOf(eve).sign(ask, living.slice(0, needed))).toHaveLength(64);
    expect(await world.deeds(1)).toEqual(['silence.warn', 'silence.case', 'silence.grant']);
    // A sign of life takes it back, and what operators have said with it.
    await world.alive(1);
    expect(await code(agree(1))).toBe('HEIR_NOT_ASKING');
    const shown = await world.servers[0]!.sessions.silenceDesk.show(name);
    expect(shown).toMatchObject({ case: null, isAgreed: false, granted: [] });
  });

  test('and an operator agrees to nothing before all others have said so, nor to other servers than he has seen', async () => {
    const world = await keyWithHeir(network, { needed, count });
    await world.alive(1);
    const desk = world.servers[0]!.sessions.silenceDesk;
    const name = { owner: alice.xid, keyId: world.keyId };
    const all = Array.from({ length: count }, (_, i) => i + 1);
    const xids = all.map((slot) => world.servers[slot - 1]!.context.identity.xid);
    expect(await code(desk.agree(name, xids.slice(1)))).toBe('HEIR_NOT_ASKING');
    expect(await code(desk.agree({ ...name, owner: mallory.xid }, xids.slice(1)))).toBe('HEIR_NOT_ASKING');
    await world.pass(31 * DAY);
    await world.round([1]);
    await world.pass(0);
    await world.pass(15 * DAY);
    await world.round([1]);
    // Nobody else was asked, and all of them may be well.
    expect(await code(desk.agree(name, xids.slice(1)))).toBe('SILENCE_HEARD_TOO_FEW');
    expect(await code(desk.agree(name, xids.slice(count - dead)))).toBe('SILENCE_NOT_AS_SEEN');
    expect(grantedAt(await world.round([1]))).toEqual(['']);
  });

  test('what an operator said of a dead server covers no other one that hears the owner later, nor that one once it speaks', async () => {
    const world = await keyWithHeir(network, { needed, count });
    const all = Array.from({ length: count }, (_, i) => i + 1);
    const living = all.slice(0, count - dead);
    await world.alive(...all);
    await untilRipe(world, living);
    await world.round(living);
    const name = { owner: alice.xid, keyId: world.keyId };
    const xids = all.slice(count - dead).map((slot) => world.servers[slot - 1]!.context.identity.xid);
    for (const slot of living) await world.servers[slot - 1]!.sessions.silenceDesk.agree(name, xids);
    expect(grantedAt(await world.round(living))).toEqual(living.map(() => 'use'));
    // The owner is heard by one of the living alone, whose word the heir leaves out from then on.
    const hears = living.at(-1)!;
    const others = living.filter((slot) => slot !== hears);
    await world.alive(hears);
    await world.pass(DAY + 1_200, others);
    expect(grantedAt(await world.round(others))).toEqual(others.map(() => ''));
    // And one that was called dead speaks: without its word, a day later, nothing is granted any more.
    await untilRipe(world, living);
    await world.round(living);
    await world.pass(0, all);
    const view = (await world.ask(1)).view;
    expect(view.granted).toEqual(['use']);
    await world.pass(46 * DAY, all.slice(count - dead));
    await world.round(all.slice(count - dead));
    await world.pass(0, all.slice(count - dead));
    await world.pass(15 * DAY, all.slice(count - dead));
    await world.pass(0, all);
    await world.round();
    expect(grantedAt(await world.round())).toEqual(all.map(() => 'use'));
    await world.pass(DAY + 1_200);
    expect(grantedAt(await world.round(living))).toEqual(living.map(() => ''));
  });
});
