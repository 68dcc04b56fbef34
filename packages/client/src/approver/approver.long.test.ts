// @module-tag long
import {
  encodeTerms,
  hashPayload,
  type KeyTerms,
  parseInvitation,
  parseVotes,
  policyHash,
  type ShownMatter,
  writeInvitation,
} from '@ckm/api';
import { CkmError, encodeHex, secret } from '@ckm/foundation';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { httpCarrier } from '../carrier/http-carrier.js';
import type { Client } from '../client.js';
import type { CertifiedKey } from '../keys/key-record.js';
import { keyOwnerIdentity } from '../seed/key-owner.js';
import type { ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import { type Asking, askPeople, shownChange, shownRequest } from '../test/asking-network.js';
import { createTestNetwork, crashingStore, OWNER_SEED, type TestNetwork } from '../test/test-network.js';
import { type Approver, createApprover } from './approver.js';
import { firstEpoch } from './matter.js';

let network: TestNetwork;
let client: Client;
let key: CertifiedKey;
let bob: Approver;
let terms: KeyTerms;
let asking: Asking;
let shown: ShownMatter;

const SERVERS = ['alpha', 'bravo', 'charlie'];
const ID = 'abababab';

function approverOf(byte: number, store: ClientStore = memoryStore()): Approver {
  return createApprover({
    secret: secret(new Uint8Array(32).fill(byte)),
    store,
    carrier: httpCarrier(network.send),
    clock: () => network.now,
    timeoutMs: 5_000,
  });
}

/** Invites somebody to the key, who answers. */
async function invite(approver: Approver, name: string): Promise<void> {
  const { text } = await client.inviteApprover({ key: 'notes', name });
  const { answer } = await approver.join(text);
  await client.takeAnswer(answer.text);
}

beforeAll(async () => {
  network = await createTestNetwork(3);
  client = await network.owner();
  const quorum = { needed: 2, of: 3 } as const;
  key = await client.createKey({ name: 'notes', purpose: 'message', quorum, servers: SERVERS });
  await invite(approverOf(2), 'bob');
  await invite(approverOf(3), 'carol');
  const invited = await client.readInvited('notes');
  const owner = keyOwnerIdentity(secret(OWNER_SEED.slice()), key.keyId);
  const approvers = invited!.people.map(({ name, answer }) => ({
    name,
    xid: answer!.xid,
    keys: [{ kind: 'ed25519' as const, key: answer!.key }],
  }));
  terms = {
    ...key.record.policy,
    approvals: [{ when: { all: [] }, needed: 1, of: ['bob', 'carol'] }],
    change: { needed: 1, of: ['bob', 'carol'], delaySeconds: 259_200, words: 2_592_000 },
    ownerKey: owner.publicKeys.signing.bytes,
    approvers,
  };
  shown = shownRequest(key, terms, { requester: owner.xid, now: network.now });
});
afterAll(() => network.close());

beforeEach(async () => {
  network.makeHonest();
  asking = askPeople(network, shown, terms.approvers!);
  bob = approverOf(2);
  await bob.join((await client.planInvitation({ key: 'notes', name: 'bob' })).text);
});

const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'OK',
    (error: unknown) => {
      if (error instanceof CkmError) return error.code;
      throw error;
    },
  );

describe('an approver', () => {
  test('reads what waits out of its bytes, says who asks and in whose terms, and believes no server’s sentence', async () => {
    const { matters, more, silent } = await bob.waiting();
    expect({ more, silent }).toEqual({ more: 0, silent: [] });
    expect(matters).toMatchObject([
      { id: ID, keyName: 'notes', approver: 'bob', isOwner: true, doubt: null, shownBy: SERVERS, said: null },
    ]);
    expect(matters[0]!.description!.sentence).toContain('hello');
    expect(matters[0]!.terms.join('\n')).toContain('1 of bob, carol');
  });

  test('says yes to every server alike, by one statement that each of them counts', async () => {
    const given = await bob.say(await bob.look(ID), 'yes');
    expect(given).toMatchObject({ at: SERVERS, refusedBy: [], silent: [] });
    const votes = SERVERS.map((name) => asking.votes.get(name)!);
    expect(votes.map((each) => each.length)).toEqual([1, 1, 1]);
    expect(new Set(votes.map(([vote]) => encodeHex(vote!.digest))).size).toBe(1);
    const [[vote]] = votes as [[(typeof votes)[0][0]]];
    expect(vote!.statement).toMatchObject({ verdict: 'yes', serial: 1, expiresAt: shown.expiresAt });
    expect(parseVotes(bob.paperOf(given).text)).toMatchObject([{ bytes: vote!.bytes }]);
    expect((await bob.look(ID)).view).toMatchObject({ yes: ['bob'], said: { verdict: 'yes' } });
  });

  test('says the same again without another statement, and something else with a higher serial', async () => {
    await bob.say(await bob.look(ID), 'yes');
    await bob.say(await bob.look(ID), 'yes');
    expect(new Set(asking.votes.get('alpha')!.map(({ digest }) => encodeHex(digest))).size).toBe(1);
    asking.votes.set('alpha', []);
    await bob.say(await bob.look(ID), 'no', 'too late');
    await bob.say(await bob.look(ID), 'takeBack');
    const said = asking.votes
      .get('alpha')!
      .map(({ statement: { verdict, serial, reason } }) => [verdict, serial, reason]);
    expect(said).toEqual([
      ['no', 2, 'too late'],
      ['takeBack', 3, null],
    ]);
  });

  const serialsAt = (name: string) => asking.votes.get(name)!.map(({ statement: { serial } }) => serial);

  test('says it once more to a server that came back from an older state', async () => {
    await bob.say(await bob.look(ID), 'yes');
    asking.votes.set('charlie', []);
    await bob.say(await bob.look(ID), 'yes');
    expect(serialsAt('charlie')).toEqual([1]);
  });

  test('takes servers that end it at different times for no different ones, and none of them shortens what counts at another', async () => {
    asking.shown.set('bravo', { ...shown, expiresAt: shown.expiresAt - 60 });
    const given = await bob.say(await bob.look(ID), 'yes');
    expect(given).toMatchObject({ at: SERVERS, refusedBy: [] });
    const endsAt = (name: string) => asking.votes.get(name)!.map(({ statement }) => statement.expiresAt);
    expect(endsAt('alpha')).toEqual([shown.expiresAt]);
    expect(endsAt('bravo')).toEqual([shown.expiresAt - 60]);
    await bob.say(await bob.look(ID), 'yes');
    expect(new Set(endsAt('alpha')).size).toBe(1);
  });

  test.each([-1, 0, 5])(
    'is heard by the others where a server says that it ends in %d seconds',
    async (seconds) => {
      asking.shown.set('bravo', { ...shown, expiresAt: network.now + seconds });
      const looked = await bob.look(ID);
      expect(looked.view.expiresAt).toBe(shown.expiresAt);
      const { at, said } = await bob.say(looked, 'no');
      expect(at).toEqual(expect.arrayContaining(['alpha', 'charlie']));
      expect(said.expiresAt).toBe(shown.expiresAt);
      for (const name of ['alpha', 'charlie']) {
        const { statement } = asking.votes.get(name)!.at(-1)!;
        expect(statement).toMatchObject({ verdict: 'no', expiresAt: shown.expiresAt });
        // Whatever that server brings of him to others takes the place of nothing.
        expect(statement.serial, name).toBe(said.serial);
      }
    },
  );

  test('is not kept from what changes a key by however many requests, or by one under its id', async () => {
    const after: KeyTerms = { ...terms, version: 1, previous: policyHash(terms), blindAllowed: true };
    const change = { ...shownChange(key, terms, after, network.now), expiresAt: 253_402_300_799 };
    asking = askPeople(network, change, terms.approvers!);
    const numbered = (byte: number) => ({ ...shown, matterId: new Uint8Array(32).fill(byte) });
    asking.beside.push(...Array.from({ length: 17 }, (_, at) => numbered(at)));
    const many = await bob.waiting();
    expect([many.matters.length, many.more]).toEqual([16, 2]);
    expect(many.matters[0]).toMatchObject({ matter: 'terms', doubt: null });
    asking.beside.splice(0, 17, { ...shown, matterId: change.matterId });
    const twins = (await bob.waiting()).matters;
    expect(twins.map(({ matter }) => matter)).toEqual(['terms', 'request']);
    const { id } = twins[0]!;
    expect(await codeOf(bob.look(id))).toBe('APPROVAL_AMBIGUOUS');
    expect(await bob.say(await bob.look(`terms:${id}`), 'no')).toMatchObject({ at: SERVERS, refusedBy: [] });
    const [other] = (await bob.waiting()).matters.filter(({ matter }) => matter === 'request');
    expect(other!.said).toBeNull();
  });

  test('brings what a server missed when it next answers', async () => {
    network.cut('bravo');
    const first = await bob.say(await bob.look(ID), 'yes');
    expect(first).toMatchObject({ at: ['alpha', 'charlie'], silent: [{ server: 'bravo' }] });
    network.server('bravo').wire = null;
    expect(await bob.say(await bob.look(ID), 'yes')).toMatchObject({ at: SERVERS });
    expect(serialsAt('bravo')).toEqual([1]);
    expect(new Set(serialsAt('alpha'))).toEqual(new Set([1]));
  });

  test('goes on behind the highest serial that another machine of his has used', async () => {
    const store = memoryStore();
    const other = approverOf(2, store);
    await other.join((await client.planInvitation({ key: 'notes', name: 'bob' })).text);
    for (const verdict of ['yes', 'no'] as const) await other.say(await other.look(ID), verdict);
    await bob.say(await bob.look(ID), 'yes');
    expect(asking.votes.get('alpha')!.at(-1)!.statement).toMatchObject({ verdict: 'yes', serial: 3 });
    await other.say(await other.look(ID), 'no');
    await bob.say(await bob.look(ID), 'yes');
    expect(asking.votes.get('alpha')!.at(-1)!.statement).toMatchObject({ verdict: 'yes', serial: 5 });
  });

  test('whose process dies with a word on its way has it on record, and says no other under its number', async () => {
    const store = crashingStore();
    const dying = approverOf(2, store);
    await dying.join((await client.planInvitation({ key: 'notes', name: 'bob' })).text);
    const looked = await dying.look(ID);
    // The key and what is said are on record; that servers have it is not.
    store.crashAt = store.writes + 2;
    await expect(dying.say(looked, 'yes')).rejects.toThrow('dead');
    expect(serialsAt('alpha')).toEqual([1]);
    store.crashAt = Number.POSITIVE_INFINITY;
    network.now += 5;
    const again = approverOf(2, store);
    expect(await again.say(await again.look(ID), 'yes')).toMatchObject({ at: SERVERS });
    network.now -= 5;
    const said = asking.votes.get('alpha')!;
    expect(new Set(said.map(({ digest }) => encodeHex(digest))).size).toBe(1);
  });

  test('that cannot keep what it is about to say says nothing', async () => {
    const store = crashingStore();
    const dying = approverOf(2, store);
    await dying.join((await client.planInvitation({ key: 'notes', name: 'bob' })).text);
    const looked = await dying.look(ID);
    store.crashAt = store.writes;
    await expect(dying.say(looked, 'yes')).rejects.toThrow('dead');
    expect(asking.votes.get('alpha')).toEqual([]);
  });
});

describe('a change of terms', () => {
  const looser = (): KeyTerms => ({
    ...terms,
    version: 1,
    previous: policyHash(terms),
    approvals: [{ when: { all: [] }, needed: 0, of: [] }],
  });

  test('is read out of its bytes: what is no longer said and what is new; a yes to it counts for days', async () => {
    const change = shownChange(key, terms, looser(), network.now);
    asking = askPeople(network, change, terms.approvers!);
    const [view] = (await bob.waiting()).matters;
    expect(view!.description!.sentence).toContain('Terms 1 in the place of terms 0. They may let in more');
    const labels = view!.description!.rows.map(({ label }) => label);
    expect(new Set(labels)).toEqual(new Set(['No longer', 'New']));
    expect(await bob.say(await bob.look(view!.id), 'yes')).toMatchObject({ at: SERVERS, refusedBy: [] });
    const { statement } = asking.votes.get('bravo')![0]!;
    expect(statement).toMatchObject({ matter: 'terms', requester: null, expiresAt: change.expiresAt });
  });

  test('to other terms than those that are named is none', async () => {
    const change = shownChange(key, terms, looser(), network.now);
    const other = shownChange(key, terms, { ...looser(), blindAllowed: true }, network.now);
    askPeople(network, { ...change, payload: other.payload }, terms.approvers!);
    const [view] = (await bob.waiting()).matters;
    expect(view).toMatchObject({ description: null, doubt: { code: 'APPROVAL_FALSE' } });
  });
});

describe('an approver says no yes', () => {
  const lie = (name: string, more: Partial<ShownMatter>) => asking.shown.set(name, { ...shown, ...more });

  test('where one server shows something else; a no goes to all', async () => {
    const other = shownRequest(key, terms, { text: 'other', requester: shown.requester!, now: network.now });
    lie('bravo', other);
    const looked = await bob.look(ID);
    expect(looked.view.doubt).toMatchObject({ code: 'APPROVAL_DIFFERS' });
    expect(looked.view.doubt!.message).toContain('alpha and charlie');
    expect(await codeOf(bob.say(looked, 'yes'))).toBe('APPROVAL_DIFFERS');
    expect(await bob.say(looked, 'no')).toMatchObject({ at: SERVERS, refusedBy: [] });
    for (const name of SERVERS) expect(asking.votes.get(name)!.at(-1)!.statement.verdict, name).toBe('no');
  });

  test('a no goes to the one that was silent while another one lied', async () => {
    lie('bravo', shownRequest(key, terms, { text: 'other', requester: shown.requester!, now: network.now }));
    network.cut('charlie');
    const first = await bob.say(await bob.look(ID), 'no');
    expect(first).toMatchObject({ at: ['alpha', 'bravo'], silent: [{ server: 'charlie' }] });
    network.server('charlie').wire = null;
    const second = await bob.say(await bob.look(ID), 'no');
    expect(second.at).toEqual(SERVERS);
    expect(asking.votes.get('charlie')!.map(({ statement }) => statement.verdict)).toEqual(['no']);
    expect(second.said.serial).toBe(first.said.serial);
  });

  test('of an order, a change or a request goes by what hashes to its own name: one false server is named, and keeps nobody from a yes', async () => {
    const after: KeyTerms = { ...terms, version: 1, previous: policyHash(terms), blindAllowed: true };
    const change = shownChange(key, terms, after, network.now);
    for (const asked of [change, shown]) {
      for (const name of ['payload', 'payloadHash', 'tasksHash'] as const) {
        asking = askPeople(network, asked, terms.approvers!);
        asking.shown.set('bravo', { ...asked, [name]: flipped(asked[name]) });
        const looked = await bob.look(encodeHex(asked.matterId));
        expect(looked.view, name).toMatchObject({
          doubt: null,
          shownBy: ['alpha', 'charlie'],
          leftOut: [{ server: 'bravo', isFalse: true }],
        });
        expect(await bob.say(looked, 'yes')).toMatchObject({ at: ['alpha', 'charlie'], refusedBy: [] });
      }
    }
  });

  test('to what one server alone shows otherwise, until he names it: then it counts at the others, and is brought to them alone', async () => {
    const other = shownRequest(key, terms, { text: 'other', requester: shown.requester!, now: network.now });
    lie('bravo', other);
    const looked = await bob.look(ID, { without: ['bravo'] });
    expect(looked.view).toMatchObject({ doubt: null, shownBy: ['alpha', 'charlie'] });
    expect(looked.view.description!.sentence).toContain('hello');
    const [left] = looked.view.leftOut;
    expect(left).toMatchObject({ server: 'bravo', isFalse: false });
    expect(left!.shows).toContain('other');
    const given = await bob.say(looked, 'yes');
    expect(given).toMatchObject({ at: ['alpha', 'charlie'], refusedBy: [], silent: [] });
    expect(asking.votes.get('bravo')).toEqual([]);
    expect(asking.votes.get('alpha')!.map(({ statement }) => statement.verdict)).toEqual(['yes']);
    // A no that follows is one to everything that anybody shows.
    await bob.say(await bob.look(ID), 'no');
    for (const name of SERVERS) expect(asking.votes.get(name)!.at(-1)!.statement.verdict, name).toBe('no');
  });

  test('where he leaves out so many that the rest could all be sold, or somebody who is no server of the key', async () => {
    lie('bravo', shownRequest(key, terms, { text: 'other', requester: shown.requester!, now: network.now }));
    for (const without of [['alpha', 'charlie'], ['alpha', 'bravo'], SERVERS])
      expect(await codeOf(bob.look(ID, { without }))).toBe('APPROVAL_SHOWN_BY_TOO_FEW');
    expect(await codeOf(bob.look(ID, { without: ['delta'] }))).toBe('SERVER_UNKNOWN');
    const others = await bob.look(ID, { without: ['charlie'] }).catch((error: unknown) => error);
    expect(others).toMatchObject({ code: 'APPROVAL_SHOWN_BY_TOO_FEW' });
  });

  test('that names a server under older terms, which shows the same under those, is heard by the others', async () => {
    const older: KeyTerms = { ...terms, blindAllowed: !terms.blindAllowed };
    lie('bravo', { terms: encodeTerms(older), termsHash: policyHash(older) });
    expect((await bob.look(ID)).view.doubt).toMatchObject({ code: 'APPROVAL_DIFFERS' });
    const given = await bob.say(await bob.look(ID, { without: ['bravo'] }), 'yes');
    expect(given).toMatchObject({ at: ['alpha', 'charlie'], refusedBy: [] });
  });

  test.each<[string, (now: ShownMatter) => Partial<ShownMatter>, code?: string]>([
    [
      'a payload that is not the one that is named',
      ({ payload }) => ({ payload: flipped(payload) }),
      'APPROVAL_FALSE',
    ],
    [
      'a name that is not the payload’s',
      ({ payloadHash }) => ({ payloadHash: flipped(payloadHash) }),
      'APPROVAL_FALSE',
    ],
    [
      'tasks that are not those of the payload',
      ({ tasksHash }) => ({ tasksHash: flipped(tasksHash) }),
      'APPROVAL_FALSE',
    ],
    [
      'terms that are not those that are named',
      ({ termsHash }) => ({ termsHash: flipped(termsHash) }),
      'APPROVAL_FALSE',
    ],
    ['something that this version does not read', () => ({ matter: 'case' })],
    ['a kind that is not the one that is named', () => ({ kind: 'telepathy' }), 'APPROVAL_FALSE'],
    [
      'a kind that this version does not know',
      ({ payload }) => ({ kind: 'telepathy', payloadHash: hashPayload('telepathy', payload) }),
    ],
  ])('to %s', async (_what, change, code = 'APPROVAL_UNREADABLE') => {
    for (const name of SERVERS) lie(name, change(shown));
    const looked = await bob.look(ID);
    expect(looked.view).toMatchObject({ description: null, doubt: { code } });
    expect(await codeOf(bob.say(looked, 'yes'))).toBe(code);
    expect(asking.votes.get('alpha')).toEqual([]);
  });

  test('under terms that do not name him, to what is not there, and takes back nothing that was not said', async () => {
    const eve = approverOf(66);
    await eve.join((await client.planInvitation({ key: 'notes', name: 'eve' })).text);
    expect((await eve.look(ID)).view.doubt).toMatchObject({ code: 'APPROVAL_NOT_YOURS' });
    for (const id of ['cdcdcdcd', 'ab', 'nothing'])
      expect(await codeOf(bob.look(id))).toBe('APPROVAL_UNKNOWN');
    expect(await codeOf(bob.say(await bob.look(ID), 'takeBack'))).toBe('APPROVAL_NOT_GIVEN');
  });

  test('for a key whose certificate has a server that he was not invited to, unless its owner showed it', async () => {
    const [bobs] = await bob.keys();
    const fewer = { keyId: key.keyId, servers: bobs!.servers.slice(0, 2) };
    expect(firstEpoch(key.record.certificate, fewer, 'server')).toBeNull();
    expect(firstEpoch(key.record.certificate, fewer, 'owner')).not.toBeNull();
    expect(firstEpoch(key.record.certificate, bobs!, 'server')!.transcriptHash).toEqual(key.transcriptHash);
  });

  test('for a key whose certificate no server that he was invited to has signed', async () => {
    const stranger = await network.owner({ seed: secret(new Uint8Array(32).fill(9)) });
    const quorum = { needed: 2, of: 2 } as const;
    const other = await stranger.createKey({
      name: 'k',
      purpose: 'message',
      quorum,
      servers: SERVERS.slice(0, 2),
    });
    askPeople(network, { ...shown, certificate: other.record.certificate }, terms.approvers!);
    const early = approverOf(2);
    const { text } = await client.planInvitation({ key: 'notes', name: 'bob' });
    await early.join(writeInvitation({ ...parseInvitation(text), certificate: null }).text);
    expect((await early.look(ID)).view.doubt).toMatchObject({ code: 'APPROVAL_UNREADABLE' });
    askPeople(network, shown, terms.approvers!);
    const looked = await early.look(ID);
    expect(looked.view.doubt).toBeNull();
    await early.say(looked, 'no');
    // From then on the key is known, whatever is shown.
    askPeople(network, { ...shown, certificate: null }, terms.approvers!);
    expect((await early.look(ID)).view.doubt).toBeNull();
  });
});

function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));
}
