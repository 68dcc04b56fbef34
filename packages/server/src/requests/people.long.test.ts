// @module-tag long
import { randomBytes } from 'node:crypto';
import {
  deviceId,
  deviceKey,
  firstDevices,
  firstKeyDevices,
  MAX_LISTED_MATTERS,
  nextDevices,
  type RequestAsk,
  type ShownMatter,
  signDevices,
  type VoteStatement,
} from '@ckm/api';
import { compareBytes, encodeUtf8, secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareServer, TEST_TIME, testPerson } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey, SOON } from '../sessions/test/bare-servers.js';
import { giveTerms } from '../sessions/test/given-terms.js';
import { BY_DOMAIN } from '../sessions/test/terms.js';
import { ann, asker, requesterOf, askingTerms, bob, cy, voteOn } from '../votes/test/asked-people.js';

const network = createBareServers();
afterEach(() => network.close());

const random = () => new Uint8Array(randomBytes(32));
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

/** A key of two servers by whose terms two of three people are asked, and a request of its owner. */
async function opened(
  options: { readonly servers?: number; readonly now?: () => number; readonly terms?: object } = {},
) {
  const { servers, callers } = await network.openMany(
    options.servers ?? 2,
    options.now === undefined ? {} : { now: options.now },
  );
  const made = await makeKey(callers, { policy: askingTerms(BY_DOMAIN, options.terms) });
  const { keyId, signer } = made;
  const ask = {
    requestId: random(),
    kind: 'message',
    payload: buildMessageRequest({ domain: 'asked', bytes: encodeUtf8('let it be') }),
  };
  const requester = requesterOf({ ...ask, keyId });
  const request = (slot: number, more: Partial<RequestAsk> = {}) =>
    signer.request(slot, ask, { requester, ...more });
  const showTo = (who: Identity, slot = 1) =>
    servers[slot - 1]!.asAnybody(who).call('approval.show', {
      matter: 'request',
      matterId: ask.requestId,
      keyId,
      known: null,
    });
  const give = async (slot: number, ...votes: readonly Uint8Array[]) => {
    const { refused } = await servers[slot - 1]!.asAnybody(ann).call('approval.give', { votes: [...votes] });
    return refused.map((one) => one.code);
  };
  return { ...made, servers, callers, ask, requester, request, showTo, give };
}

/** One yes more than enough, for all servers. */
function yesesOf(shown: ShownMatter, servers: readonly BareServer[], who: readonly Identity[] = [ann, bob]) {
  return who.map((one) => voteOn(one, shown, servers));
}

describe('a request that people are asked about', () => {
  test('waits and names who is missing; it is in the inbox of those who are asked, and of nobody else; two yeses sign it', async () => {
    const { servers, keyId, ask, request, showTo, signer } = await opened();
    for (const slot of [1, 2]) {
      expect(await request(slot)).toMatchObject({
        state: 'waiting',
        waitsFor: 'people',
        prepared: null,
        people: { awaits: [{ rule: 2, needed: 2, of: ['ann', 'bob', 'cy'] }], yes: [], no: [], refused: [] },
      });
    }
    expect((await showTo(bob)).payload).toEqual(ask.payload);
    for (const who of [ann, bob, cy]) {
      const listed = await servers[0]!.asAnybody(who).call('approval.list', { after: null });
      expect(listed).toMatchObject({ matters: [{ matterId: ask.requestId, keyId, said: null }], next: null });
    }
    const nobody = servers[0]!.asAnybody(testPerson(0x55));
    expect(await nobody.call('approval.list', { after: null })).toEqual({ matters: [], next: null });
    await expect(showTo(testPerson(0x55))).rejects.toThrow(code('MATTER_UNKNOWN'));

    const shown = await showTo(ann);
    const yes = voteOn(ann, shown, servers);
    for (const slot of [1, 2]) {
      const { refused } = await servers[slot - 1]!.asAnybody(ann).call('approval.give', { votes: [yes] });
      expect(refused).toEqual([]);
      expect(await request(slot)).toMatchObject({
        state: 'waiting',
        people: { awaits: [{ rule: 2, needed: 1, of: ['bob', 'cy'] }], yes: ['ann'] },
      });
    }
    // The last yes and the attempt come in one message: one round trip.
    const attempt = await signer.prepare([1, 2]);
    const votes = [voteOn(bob, shown, servers)];
    const replies = await Promise.all([1, 2].map((slot) => request(slot, { attempt, votes })));
    expect(replies.map(({ state }) => state)).toEqual(['answered', 'answered']);
    expect(signer.combine(ask, attempt, replies)).toMatchObject([{ kind: 'signature' }]);
  });

  test('is let in at once where enough votes come with it, and needs nobody where its rule asks nobody', async () => {
    const { servers, request, showTo, signer } = await opened();
    await request(1);
    const votes = yesesOf(await showTo(ann), servers);
    const attempt = await signer.prepare([1, 2]);
    const carried = await Promise.all([1, 2].map((slot) => request(slot, { votes, attempt })));
    expect(carried.map(({ state }) => state)).toEqual(['answered', 'answered']);
    const free = buildMessageRequest({ domain: 'test', bytes: encodeUtf8('hello') });
    expect(await signer.sign({ kind: 'message', payload: free }, [1, 2])).toHaveLength(64);
  });

  test('a no counts, and as many as leave too few end it, with a word to whoever asks', async () => {
    const { servers, request, showTo, give } = await opened();
    await request(1);
    const shown = await showTo(ann);
    expect(await give(1, voteOn(ann, shown, servers, { verdict: 'no', reason: 'not today' }))).toEqual([]);
    expect(await request(1)).toMatchObject({ state: 'waiting', people: { no: ['ann'] } });
    expect(await give(1, voteOn(bob, shown, servers, { verdict: 'no' }))).toEqual([]);
    // At once, before anybody asks again.
    await expect(showTo(cy)).rejects.toThrow(code('MATTER_UNKNOWN'));
    const over = await request(1);
    expect(over).toMatchObject({
      state: 'rejected',
      people: { awaits: [], no: ['ann', 'bob'], reasons: [{ name: 'ann', reason: 'not today' }] },
    });
    expect(over.reason).toMatch(/ann \(“not today”\), bob said no/);
    expect(await request(1)).toMatchObject({ state: 'rejected' });
  });

  test('waits for people and the operator where both are asked; what he said holds while they are asked', async () => {
    const { servers, ask, request, showTo, signer } = await opened({ terms: { approval: 'operator' } });
    for (const slot of [1, 2]) expect(await request(slot)).toMatchObject({ waitsFor: 'both' });
    for (const { sessions } of servers) {
      expect(await sessions.desk.count()).toBe(1);
      await sessions.desk.approve(ask.requestId);
    }
    for (const slot of [1, 2])
      expect(await request(slot)).toMatchObject({ state: 'waiting', waitsFor: 'people' });
    expect(await servers[0]!.sessions.desk.count()).toBe(0);
    const votes = yesesOf(await showTo(ann), servers);
    const attempt = await signer.prepare([1, 2]);
    const replies = await Promise.all([1, 2].map((slot) => request(slot, { votes, attempt })));
    expect(replies.map(({ state }) => state)).toEqual(['answered', 'answered']);
  });

  test('people first: then it waits for the operator alone', async () => {
    const { servers, ask, request, showTo } = await opened({ terms: { approval: 'operator' } });
    await request(1);
    const votes = yesesOf(await showTo(ann), servers);
    expect(await request(1, { votes })).toMatchObject({ state: 'waiting', waitsFor: 'operator' });
    await servers[0]!.sessions.desk.approve(ask.requestId);
    expect(await request(1)).toMatchObject({ state: 'ready' });
  });

  test('ends with its time, and with the word of whoever asked', async () => {
    let now = TEST_TIME;
    const { servers, ask, callers, request, showTo } = await opened({ now: () => now });
    await request(1);
    await request(2);
    expect(
      await callers[1]!.call('request.cancel', { requestId: ask.requestId, reason: 'no' }),
    ).toMatchObject({ state: 'cancelled' });
    await expect(showTo(ann, 2)).rejects.toThrow(code('MATTER_UNKNOWN'));
    now = SOON;
    await expect(showTo(ann, 1)).rejects.toThrow(code('MATTER_UNKNOWN'));
    expect(await request(1)).toMatchObject({ state: 'expired' });
    await servers[0]!.sessions.sweep();
    for (const { context } of servers) {
      const left = await context.storage.read(({ sealed }) => sealed.page('matters', null, 5));
      expect(left).toEqual([]);
    }
  });
});

test('whatever people are asked about ends with its time', async () => {
  let now = TEST_TIME;
  const { servers, callers, keyId } = await opened({ now: () => now });
  const { context, sessions } = servers[0]!;
  const { policy: terms } = await callers[0]!.call('key.show', { keyId });
  const hashes = { termsHash: random(), payloadHash: random(), tasksHash: random() };
  const named = { matter: 'case', matterId: random(), keyId, requester: null, kind: 'case' } as const;
  const ballot = { ...named, ...hashes, expiresAt: TEST_TIME + 60 };
  const asked = { owner: alice.xid, terms, ballot, payload: random(), sentence: 'Somebody.', names: ['ann'] };
  await context.storage.transact((transaction) => context.people.ask(transaction, asked));
  const count = () => context.storage.read(({ matters }) => matters.countWaiting(alice.xid));
  await sessions.sweep();
  expect(await count()).toBe(1);
  now += 60;
  await sessions.sweep();
  expect(await count()).toBe(0);
});

test('what a device had asked people about ends with it', async () => {
  const { servers, keyId, ask, requester } = await opened();
  const [server] = servers;
  const laptop = createIdentity(secret(random()), alice.xid);
  const first = firstDevices(server!.context.identity.xid, alice.xid, alice.publicKeys);
  const list = nextDevices(first, [deviceKey(laptop.publicKeys, ['use'])], deviceId(alice.publicKeys));
  const none = nextDevices(list, [], deviceId(alice.publicKeys));
  const owner = await server!.as(alice);
  await owner.call('device.update', { documents: [signDevices(list, alice)] });
  const asked = { ...ask, keyId, epoch: 0, expiresAt: SOON, attempt: null, wanted: null, requester };
  expect(await server!.asDevice(laptop).call('request.ask', asked)).toMatchObject({ waitsFor: 'people' });
  const inbox = server!.asAnybody(ann);
  expect((await inbox.call('approval.list', { after: null })).matters).toHaveLength(1);
  await owner.call('device.update', { documents: [signDevices(none, alice)] });
  expect((await inbox.call('approval.list', { after: null })).matters).toEqual([]);
  expect(await owner.call('request.ask', asked)).toMatchObject({ state: 'cancelled' });
});

describe('P3: a vote for something else counts nowhere', () => {
  test('one for each thing that it names', async () => {
    const { servers, request, showTo, give } = await opened();
    await request(1);
    const shown = await showTo(ann);
    const other = random();
    const now = TEST_TIME;
    const changed: readonly (readonly [Partial<VoteStatement>, string])[] = [
      [{ audience: [other] }, 'VOTE_FOR_OTHER_SERVERS'],
      [{ keyId: other }, 'MATTER_UNKNOWN'],
      [{ termsHash: other }, 'VOTE_UNDER_OTHER_TERMS'],
      [{ matterId: other }, 'MATTER_UNKNOWN'],
      [{ matter: 'export' }, 'MATTER_UNKNOWN'],
      [{ requester: testPerson(0x56).xid }, 'VOTE_FOR_OTHER_REQUESTER'],
      [{ kind: 'ssh' }, 'VOTE_ON_OTHER_CONTENT'],
      [{ payloadHash: other }, 'VOTE_ON_OTHER_CONTENT'],
      [{ tasksHash: other }, 'VOTE_ON_OTHER_CONTENT'],
      [{ issuedAt: now + 300, expiresAt: now + 400 }, 'VOTE_NOT_YET'],
      [{ issuedAt: now - 100, expiresAt: now }, 'VOTE_EXPIRED'],
      [{ expiresAt: SOON + 1 }, 'VOTE_LASTS_TOO_LONG'],
    ];
    for (const [more, expected] of changed) {
      expect([more, await give(1, voteOn(ann, shown, servers, more))]).toEqual([more, [expected]]);
      expect(await request(1, { votes: [voteOn(ann, shown, servers, more)] })).toMatchObject({
        people: { yes: [], no: [] },
      });
    }
    // What is only recorded decides nothing.
    const recorded = { epoch: 7, transcriptHash: other, descriptionHash: other };
    expect(await give(1, voteOn(ann, shown, servers, recorded))).toEqual([]);
    expect(await request(1)).toMatchObject({ people: { yes: ['ann'] } });
  });

  test('the device that asked does not count, also under its approver key', async () => {
    // Bob's approver key is that of a device which the owner has for this key.
    const { servers, callers, ask, keyId, signer } = await opened();
    const list = nextDevices(
      firstKeyDevices(keyId, asker.publicKeys),
      [deviceKey(bob.publicKeys, ['use'])],
      deviceId(asker.publicKeys),
    );
    const links = [signDevices(list, asker)];
    await expect(signer.request(1, ask, { requester: requesterOf({ ...ask, keyId }, bob) })).rejects.toThrow(
      code('REQUESTER_NOT_PROVEN'),
    );
    await callers[0]!.call('key.devices', { keyId, links, after: null });
    const requester = requesterOf({ ...ask, keyId }, bob);
    // Two of the two others are left to say yes; the owner is nobody whom the terms name.
    const waits = await signer.request(1, ask, { requester });
    expect(waits.people).toMatchObject({ awaits: [{ needed: 2, of: ['ann', 'cy'] }] });
    const shown = await servers[0]!
      .asAnybody(ann)
      .call('approval.show', { matter: 'request', matterId: ask.requestId, keyId, known: null });
    expect(shown.requester).toEqual(bob.xid);
    const his = await servers[0]!.asAnybody(bob).call('approval.list', { after: null });
    expect(his.matters).toEqual([]);
    const votes = [bob, asker].map((who) => voteOn(who, shown, servers));
    expect((await signer.request(1, ask, { requester, votes })).people).toMatchObject({
      yes: [],
      refused: [
        { at: 0, code: 'VOTE_BY_REQUESTER' },
        { at: 1, code: 'VOTE_NOT_BY_APPROVER' },
      ],
    });
    const both = [ann, cy].map((who) => voteOn(who, shown, servers));
    expect(await signer.request(1, ask, { requester, votes: both })).toMatchObject({ state: 'ready' });
    // Off the list again it is given nothing, though people have said yes.
    const gone = nextDevices(list, [], deviceId(asker.publicKeys));
    await callers[0]!.call('key.devices', { keyId, links: [signDevices(gone, asker)], after: null });
    await expect(signer.request(1, ask, { requester })).rejects.toThrow(code('REQUESTER_NOT_PROVEN'));
  });

  test('nobody asks in the name of another, or goes on with what another one asked', async () => {
    const { ask, keyId, signer, request } = await opened();
    const mallory = testPerson(0x57);
    const foreign = requesterOf({ ...ask, keyId }, mallory);
    await expect(signer.request(1, ask, { requester: foreign })).rejects.toThrow(
      code('REQUESTER_NOT_PROVEN'),
    );
    const stolen = requesterOf({ ...ask, keyId, requestId: random() });
    await expect(signer.request(1, ask, { requester: stolen })).rejects.toThrow(code('REQUESTER_NOT_PROVEN'));
    await expect(signer.request(1, ask, {})).rejects.toThrow(code('REQUESTER_MISSING'));
    await request(1);
    const attempt = await signer.prepare([1, 2]);
    await expect(signer.request(1, ask, { attempt })).rejects.toThrow(code('REQUESTER_OTHER'));
  });
});

test('P4: two votes of one person count once, whatever way they come; the newest word holds, and a no over a yes', async () => {
  const { servers, request, showTo, give } = await opened();
  await request(1);
  const shown = await showTo(ann);
  const say = (serial: number, verdict: VoteStatement['verdict'] = 'yes') =>
    voteOn(ann, shown, servers, { serial, verdict });
  expect(await give(1, say(1), say(2), say(2))).toEqual([]);
  expect(await request(1, { votes: [say(2), say(3)] })).toMatchObject({
    state: 'waiting',
    people: { yes: ['ann'], awaits: [{ needed: 1 }] },
  });
  expect(await give(1, say(1))).toEqual(['VOTE_SUPERSEDED']);
  expect(await give(1, say(3, 'no'))).toEqual([]);
  expect(await request(1)).toMatchObject({ people: { yes: [], no: ['ann'] } });
  expect(await give(1, say(3))).toEqual(['VOTE_SUPERSEDED']);
  expect(await give(1, say(4, 'takeBack'))).toEqual([]);
  expect(await request(1)).toMatchObject({ people: { yes: [], no: [], awaits: [{ needed: 2 }] } });
});

describe('P5: the count is made in the transaction that releases', () => {
  test('a yes that is taken back between the answer and the attempt releases nothing', async () => {
    const { servers, request, showTo, give, signer } = await opened();
    for (const slot of [1, 2]) await request(slot);
    const shown = await showTo(ann);
    for (const slot of [1, 2]) {
      expect(await give(slot, ...yesesOf(shown, servers))).toEqual([]);
      expect(await request(slot)).toMatchObject({ state: 'ready', people: { yes: ['ann', 'bob'] } });
    }
    const attempt = await signer.prepare([1, 2]);
    const back = voteOn(bob, shown, servers, { serial: 2, verdict: 'takeBack' });
    expect(await give(1, back)).toEqual([]);
    expect(await request(1, { attempt })).toMatchObject({ state: 'waiting', answer: null });
    // The other server has not heard of it, and gives its share: from then on it is too late there.
    expect(await request(2, { attempt })).toMatchObject({ state: 'answered' });
    expect(await give(2, back)).toEqual(['MATTER_UNKNOWN']);
    expect(await request(2, { votes: [back] })).toMatchObject({
      people: { yes: ['ann', 'bob'], refused: [{ at: 0, code: 'VOTES_FINAL' }] },
    });
    // Once a yes is there again, the first one goes on.
    expect(await give(1, voteOn(cy, shown, servers))).toEqual([]);
    const again = await signer.prepare([1, 2], 1, 2);
    const replies = await Promise.all([1, 2].map((slot) => request(slot, { attempt: again })));
    expect(replies.map(({ state }) => state)).toEqual(['answered', 'answered']);
  });

  test('one that expired in between releases nothing either', async () => {
    let now = TEST_TIME;
    const { servers, request, showTo, give, signer } = await opened({ now: () => now });
    await request(1);
    const shown = await showTo(ann);
    const short = voteOn(ann, shown, servers, { expiresAt: TEST_TIME + 100 });
    expect(await give(1, short, voteOn(bob, shown, servers))).toEqual([]);
    expect(await request(1)).toMatchObject({ state: 'ready' });
    now += 100;
    const attempt = await signer.prepare([1, 2]);
    expect(await request(1, { attempt })).toMatchObject({
      state: 'waiting',
      people: { awaits: [{ needed: 1 }] },
    });
  });
});

test('P6: a server makes no other one believe in a vote', async () => {
  const { servers, request, showTo, give } = await opened();
  await request(1);
  await request(2);
  const shown = await showTo(ann);
  // It signs in the name of an approver with keys of its own, changes what he said, or has him say it to itself alone.
  const forged = voteOn({ ...servers[0]!.context.identity, xid: ann.xid }, shown, servers);
  const real = voteOn(ann, shown, servers);
  const bent = real.slice();
  bent[bent.length - 1]! ^= 1;
  const forItself = voteOn(ann, shown, [servers[0]!]);
  const codes = await give(2, forged, bent, forItself);
  expect(codes).toEqual(['VOTE_NOT_PROVEN', 'VOTE_NOT_PROVEN', 'VOTE_FOR_OTHER_SERVERS']);
  expect(await request(2)).toMatchObject({ people: { yes: [], no: [] } });
  // Why a vote of somebody else counts nothing, a stranger is not told.
  const stranger = servers[1]!.asAnybody(testPerson(0x58));
  expect(await stranger.call('approval.give', { votes: [forged] })).toEqual({
    refused: [{ at: 0, code: 'MATTER_UNKNOWN' }],
  });
  // A good one counts whoever brings it.
  expect(await stranger.call('approval.give', { votes: [real] })).toEqual({ refused: [] });
  expect(await request(2)).toMatchObject({ people: { yes: ['ann'] } });
});

test('for a second attempt people are asked again where what they said has ended since', async () => {
  let now = TEST_TIME;
  const { servers, request, showTo, give, signer } = await opened({ now: () => now });
  await request(1);
  const shown = await showTo(ann);
  const short = voteOn(ann, shown, servers, { expiresAt: TEST_TIME + 100 });
  const first = await signer.prepare([1, 2]);
  const votes = [short, voteOn(bob, shown, servers)];
  expect(await request(1, { votes, attempt: first })).toMatchObject({ state: 'answered' });
  now += 100;
  const second = await signer.prepare([1, 2], 1, 2);
  expect(await request(1, { attempt: second })).toMatchObject({
    state: 'waiting',
    people: { awaits: [{ needed: 1, of: ['ann', 'cy'] }], yes: ['bob'] },
  });
  expect(await give(1, voteOn(ann, await showTo(ann), servers, { serial: 2 }))).toEqual([]);
  expect(await request(1, { attempt: second })).toMatchObject({ state: 'answered' });
});

test('a server that came back from an older state has forgotten what was said, and asks again', async () => {
  const { servers, ask, request, showTo, give, signer } = await opened();
  await request(1);
  expect(await give(1, ...yesesOf(await showTo(ann), servers))).toEqual([]);
  expect(await request(1)).toMatchObject({ state: 'ready' });
  // As after a restore: requests are in a backup, what people are asked and have said is not.
  const { context } = servers[0]!;
  const name = { owner: alice.xid, matter: 'request', matterId: ask.requestId };
  await context.storage.transact(({ matters }) => matters.remove(name));
  const attempt = await signer.prepare([1, 2]);
  expect(await request(1, { attempt })).toMatchObject({
    state: 'waiting',
    people: { awaits: [{ needed: 2 }], yes: [] },
  });
  expect(await give(1, ...yesesOf(await showTo(ann), servers))).toEqual([]);
  expect(await request(1, { attempt })).toMatchObject({ state: 'answered' });
});

test('under other terms what was said before counts nothing, and who is asked is asked anew', async () => {
  const { servers, keyId, request, showTo, give } = await opened();
  await request(1);
  const before = await showTo(ann);
  expect(await give(1, voteOn(ann, before, servers))).toEqual([]);
  expect(await request(1)).toMatchObject({ people: { yes: ['ann'] } });
  await giveTerms(servers[0]!.context, alice.xid, keyId, {
    approvals: [{ when: { fact: 'domain', among: ['asked'] }, needed: 1, of: ['bob', 'cy'] }],
  });
  expect(await request(1)).toMatchObject({
    state: 'waiting',
    people: { yes: [], awaits: [{ rule: 1, needed: 1, of: ['bob', 'cy'] }] },
  });
  const { refused } = await servers[0]!
    .asAnybody(bob)
    .call('approval.give', { votes: [voteOn(bob, before, servers)] });
  expect(refused).toEqual([{ at: 0, code: 'VOTE_UNDER_OTHER_TERMS' }]);
  expect(await give(1, voteOn(bob, await showTo(bob), servers))).toEqual([]);
  expect(await request(1)).toMatchObject({ state: 'ready', people: { yes: ['bob'] } });
});

test('nothing of a payload is left in the database after the answer', async () => {
  const { servers, request, showTo, signer } = await opened();
  await request(1);
  const shown = await showTo(ann);
  const { context } = servers[0]!;
  const sizes = () =>
    context.storage.read(async ({ sealed }) => {
      const matters = await sealed.page('matters', null, 9);
      return {
        matters: matters.length,
        payloads: (await sealed.page('matter_payloads', null, 9)).map((row) => row.sealed.length),
        asked: (await sealed.page('asked_people', null, 9)).length,
      };
    });
  const before = await sizes();
  expect(before.asked).toBe(3);
  const attempt = await signer.prepare([1, 2]);
  expect(await request(1, { attempt, votes: yesesOf(shown, servers) })).toMatchObject({ state: 'answered' });
  const after = await sizes();
  expect(after.asked).toBe(0);
  expect(before.payloads[0]).toBeGreaterThan(shown.payload.length);
  expect(after).toMatchObject({ matters: 1, payloads: [] });
  // Asked once more it gives the same answer, and another attempt is counted by what was said.
  expect(await request(1, { attempt })).toMatchObject({ state: 'answered' });
});

test('votes, and who said what, stand in the log, each once', async () => {
  const { servers, request, showTo, give } = await opened();
  await request(1);
  const shown = await showTo(ann);
  const yes = voteOn(ann, shown, servers);
  const no = voteOn(bob, shown, servers, { verdict: 'no', reason: 'too much' });
  await give(1, yes, no, yes);
  const { context } = servers[0]!;
  const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 500));
  const said = lines.filter(({ deed }) => deed.startsWith('approval.'));
  expect(said.map(({ deed, verdict }) => [deed, verdict])).toEqual([
    ['approval.ask', 'done'],
    ['approval.yes', 'approved'],
    ['approval.no', 'rejected'],
  ]);
  expect(said[0]!.detail).toBe('message · rule 2: 2 of ann, bob, cy');
  expect(said[1]!.sentence).toMatch(
    /^ann says yes to request [0-9a-f]{8} \(message\) with key [0-9a-f]{8} until /,
  );
  expect(said[2]!.detail).toContain('too much');
});

test('an inbox has pages, in the order of ids, and lists nothing twice', async () => {
  const { servers, keyId, ask, signer } = await opened();
  const ids: string[] = [];
  for (let at = 0; at < MAX_LISTED_MATTERS + 6; at++) {
    const one = { ...ask, requestId: random() };
    ids.push(Buffer.from(one.requestId).toString('hex'));
    await signer.request(1, one, { requester: requesterOf({ ...one, keyId }) });
  }
  const inbox = servers[0]!.asAnybody(ann);
  const first = await inbox.call('approval.list', { after: null });
  expect(first.matters).toHaveLength(MAX_LISTED_MATTERS);
  const second = await inbox.call('approval.list', { after: first.next });
  expect(second.next).toBe(null);
  const found = [...first.matters, ...second.matters].map(({ matterId }) =>
    Buffer.from(matterId).toString('hex'),
  );
  expect(found).toEqual(ids.toSorted());
  const of = { keyId, known: null };
  const one = await inbox.call('approval.list', { after: null, of });
  const rest = await inbox.call('approval.list', { after: one.next, of });
  expect([one, rest]).toEqual([first, second]);
});

test('what other accounts ask under the same id hides nothing, however many they are', async () => {
  const { servers, ask, request, showTo, give, keyId } = await opened();
  await request(1);
  const persons = Array.from({ length: 64 }, (_, at) => testPerson(0x80 + at));
  // Rows are found in the order of their owners.
  const before = persons.filter(({ xid }) => compareBytes(xid, alice.xid) < 0).slice(0, 9);
  expect(before).toHaveLength(9);
  for (const person of before) {
    const his = await Promise.all(servers.map((server) => server.as(person)));
    const made = await makeKey(his, { policy: askingTerms(BY_DOMAIN) });
    const requester = requesterOf({ ...ask, keyId: made.keyId });
    await made.signer.request(1, ask, { requester });
  }
  const shown = await showTo(ann);
  expect(shown.keyId).toEqual(keyId);
  // Whoever asks for what one key waits for is shown nothing else, so that it fills nobody's pages.
  const listed = async (of?: { keyId: Uint8Array; known: Uint8Array | null }) => {
    const asked = { after: null, ...(of === undefined ? {} : { of }) };
    return (await servers[0]!.asAnybody(ann).call('approval.list', asked)).matters;
  };
  expect(await listed()).toHaveLength(10);
  for (const known of [null, shown.transcriptHash])
    expect((await listed({ keyId, known })).map((one) => one.keyId)).toEqual([keyId]);
  expect(await listed({ keyId, known: random() })).toEqual([]);
  expect(await listed({ keyId: random(), known: null })).toEqual([]);
  expect(await give(1, voteOn(ann, shown, servers, { verdict: 'no' }))).toEqual([]);
  expect(await request(1)).toMatchObject({ people: { no: ['ann'] } });
});
