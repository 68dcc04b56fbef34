import { join } from 'node:path';
import {
  changeOfTerms,
  depositReceipt,
  DEVICE_PRIVILEGES,
  devicesBehind,
  drillKeyId,
  encodeCall,
  encodeTerms,
  encodeTermsChange,
  firstKeyDevices,
  FUNCTION_NAMES,
  type FunctionName,
  FUNCTIONS,
  isAllowed,
  type KeyPolicy,
  type KeyTerms,
  mayInWords,
  needsOf,
  type Parameters,
  policyHash,
  signAlive,
  type SignedVoucher,
  signFreeze,
  signVoucher,
  versionOf,
  type Vouched,
  waitsWhileFrozen,
} from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { encodeData, type Identity } from '@ckm/gordian';
import {
  type Callee,
  type CarriedChange,
  carryChange,
  type CeremonyOptions,
  createCeremony,
  type Tampering,
} from '@ckm/testkit';
import { parseCertificate, verifyFirstEpoch } from '@ckm/threshold';
import { buildMessageRequest } from '@ckm/requests';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alice, type KeyedServers, messageOf, startWithKey } from '../control/test/keyed-servers.js';
import { giveTermsTo } from '../sessions/test/given-terms.js';
import { orderOf, yesesOf } from '../sessions/test/export-courier.js';
import { deviceOf, entryOf, firstListAt, nextList } from '../test/account-devices.js';
import { BY_DOMAIN } from '../sessions/test/terms.js';
import { termsVoteBy } from '../terms/test/changed-terms.js';
import { person, random, tamperWith } from '../test/rooms.js';
import { rowsOf as rowsOfTable } from '../test/stored-secrets.js';
import { ann, requesterOf, askingTerms, voteFor } from '../votes/test/asked-people.js';
import { keysOf, startTestServer, type TestClient, type TestServer } from '../test/test-server.js';

const servers: TestServer[] = [];
let keyed: KeyedServers;
let hers: TestClient;
let policy: Parameters<'key.restore'>['policy'];
let certificate: Uint8Array;
/** A key of Alice's that went on to its second epoch, and everything said on the way. */
let done: Awaited<ReturnType<typeof changedKey>>;

beforeAll(async () => {
  keyed = await startWithKey(servers);
  hers = keyed.alpha.as(alice);
  const shown = await hers.ask('key.show', { keyId: keyed.keyId });
  ({ policy } = shown);
  certificate = shown.certificate!;
  done = await changedKey();
  await ceremonyOf(callees(), undefined, {}, { purpose: 'drill', keyId: drill }).finish();
  const carol = await keyed.alpha.as(person(3)).join();
  await keyed.operator.suspend({ xid: encodeHex(carol.identity.xid) });
});
afterAll(async () => {
  for (const server of servers) await server.remove();
});

const auditEntries = async () => (await keyed.operator.status()).open!.auditEntries;

/** How many audit rows something leaves. */
async function rowsOf(act: () => Promise<unknown>): Promise<number> {
  const before = await auditEntries();
  await act();
  return (await auditEntries()) - before;
}

const drill = drillKeyId(random(16));
const sessionId = random(32);
const requestId = random(32);
const deposited = random(100);
const contactId = random(32);
const [friend, stranger] = [person(71), person(72)];

/** What a friend of Alice’s vouches for at alpha, a second later each time: none is taken twice. */
function vouched(what: Vouched, about: Uint8Array): SignedVoucher {
  const server = keysOf(keyed.alpha.server).xid;
  return signVoucher({ server, vouched: what, about, issuedAt: keyed.alpha.now + ++vouchers }, friend);
}
let vouchers = 0;

/** Somebody without an account. */
async function askAs(asker: Identity, name: FunctionName) {
  const client = keyed.alpha.as(asker);
  const sealed = client.seal(name, WELL_FORMED[name]() as Parameters<FunctionName>, { introduce: true });
  return client.read(name, await client.post(sealed));
}

/** A friend who is Alice’s contact from now on. */
async function withFriend() {
  await ask(hers, 'contact.set');
  await ask(hers, 'contact.verify');
}

/** Parameters of the form that each function asks for, about what is Alice's. */
const WELL_FORMED: { readonly [N in FunctionName]: () => Parameters<N> } = {
  'account.open': () => ({ invite: null }),
  'account.freeze': () => ({ id: random(32), from: keyed.alpha.now, until: keyed.alpha.now + 3_600 }),
  'account.thaw': () => ({}),
  'server.describe': () => ({}),
  'session.propose': () => ({
    sessionId,
    proposal: {
      kind: 'dkg',
      keyId: random(32),
      suite: 'ed25519',
      purpose: 'message',
      quorum: { needed: 2, of: 2 },
      policy,
    },
    expiresAt: keyed.alpha.now + 600,
  }),
  'session.join': () => ({ sessionId, parameters: new Uint8Array(1) }),
  'session.deliver': () => ({ sessionId, packets: [], after: 0 }),
  'session.show': () => ({ sessionId, after: 0 }),
  'session.cancel': () => ({ sessionId, reason: 'walked' }),
  'key.list': () => ({ after: null }),
  'key.show': () => ({ keyId: keyed.keyId }),
  'key.certify': () => ({ keyId: keyed.keyId, certificate }),
  'key.restore': () => ({ certificate, policy }),
  'key.chain': () => ({ keyId: keyed.keyId, after: null }),
  'key.learn': () => ({ keyId: done.named.keyId, certificates: [done.certificate] }),
  'key.head': () => ({ keyId: keyed.keyId, nonce: new Uint8Array(32) }),
  'key.heads': () => ({ keyId: keyed.keyId, heads: [] }),
  'key.exported': () => ({
    keyId: keyed.keyId,
    proof: {
      epoch: 0,
      exportId: random(32),
      recipient: random(32),
      yeses: [{ slot: 1, signature: random(64) }],
    },
  }),
  'change.propose': () => ({ order: done.change.order, chain: [], policy }),
  'change.cancel': () => ({ ...done.named, orderHash: done.change.orderHash }),
  'change.promise': () => {
    const { orderHash } = done.change;
    return { ...done.named, orderHash, attempt: 1, shown: [], recall: null, locked: [] };
  },
  'change.lock': () => {
    const { bytes: signed } = done.whole;
    return { ...done.named, attempt: 1, signed, promises: [...done.promises], locked: [] };
  },
  'change.yield': () => ({ ...done.named, locks: done.locks, signed: done.whole.bytes }),
  'change.commit': () => ({ keyId: done.named.keyId, certificate: done.certificate }),
  'change.leave': () => ({ keyId: done.named.keyId, certificates: [] }),
  'change.retire': () => ({ ...done.named, acknowledgements: [] }),
  'fork.show': () => ({ keyId: done.named.keyId }),
  'fork.settle': () => ({
    ...done.named,
    certificates: [done.certificate, done.certificate],
    acknowledgements: [],
  }),
  'fork.cancel': () => ({ ...done.named, orderHash: done.change.orderHash }),
  'fork.end': () => ({
    ...done.named,
    certificates: [done.certificate, done.certificate],
    promises: new Uint8Array(1),
    yields: new Uint8Array(1),
  }),
  'key.check': () => ({ keyId: keyed.keyId, epoch: 0, challenge: random(32), at: keyed.alpha.now }),
  'key.freeze': () => ({
    keyId: keyed.keyId,
    id: random(32),
    from: keyed.alpha.now,
    until: keyed.alpha.now + 3_600,
  }),
  'key.thaw': () => ({ keyId: keyed.keyId }),
  'key.devices': () => ({ keyId: keyed.keyId, links: [], after: null }),
  'key.life': () => ({ keyId: keyed.keyId }),
  'alive.carry': () => ({ alive: signAlive(alice, { keyId: keyed.keyId, number: 1 }) }),
  'heir.look': () => ({ keyId: keyed.keyId, first: null }),
  'heir.doubt': () => ({ keyId: keyed.keyId, first: null }),
  'heir.ask': () => ({ keyId: keyed.keyId, first: null, nonces: [], said: [] }),
  'heir.use': () => ({
    keyId: keyed.keyId,
    first: null,
    called: 'key.show',
    body: encodeCall('key.show', { keyId: keyed.keyId }),
  }),
  'drill.forget': () => ({ keyId: drill }),
  'craft.prepare': () => ({ keyId: keyed.keyId, epoch: 0, wanted: { craft: 'frost', commitments: 1 } }),
  'request.ask': () => ({
    ...messageOf('walked'),
    requestId,
    keyId: keyed.keyId,
    epoch: 0,
    expiresAt: keyed.alpha.now + 600,
    attempt: null,
    wanted: null,
  }),
  'freeze.carry': () => ({ freeze: freezeOf(keyed.keyId) }),
  'terms.show': () => ({ keyId: keyed.keyId, after: null }),
  'terms.propose': () => ({ keyId: keyed.keyId, ...termsLink(keyed.keyId, policy) }),
  'terms.veto': () => ({ keyId: keyed.keyId, change: random(32), votes: [] }),
  'terms.learn': () => ({ keyId: keyed.keyId, links: [termsLink(keyed.keyId, policy)] }),
  'approval.list': () => ({ after: null }),
  'approval.show': () => ({ matter: 'request', matterId: requestId, keyId: keyed.keyId, known: null }),
  'approval.give': () => ({ votes: [encodeData({ v: 1 })] }),
  'request.cancel': () => ({ requestId, reason: 'walked' }),
  'device.show': () => ({ after: null }),
  'share.store': () => ({ data: deposited }),
  'share.list': () => ({}),
  'share.get': () => ({ receipts: [depositReceipt(alice.xid, deposited)] }),
  'share.delete': () => ({ receipts: [depositReceipt(alice.xid, deposited)] }),
  'device.seen': () => ({ generation: 0, number: 0 }),
  'contact.list': () => ({}),
  'contact.set': () => ({ id: contactId, contact: { kind: 'xid' } }),
  'contact.verify': () => ({ id: contactId, proof: { voucher: vouched('contact', alice.xid) } }),
  'contact.remove': () => ({ id: contactId }),
  'recovery.open': () => ({ contact: { kind: 'mail', name: 'alice@example.org' } }),
  'recovery.prove': () => ({
    contact: { kind: 'xid', name: '' },
    proof: { voucher: vouched('recovery', stranger.xid) },
    deed: 'recover',
  }),
  'recovery.show': () => ({}),
  'recovery.finish': () => ({ notes: new Uint8Array(0) }),
  'recovery.list': () => ({}),
  'recovery.veto': () => ({ caseId: stranger.xid, reason: 'walked' }),
  'device.update': () => ({
    documents: [
      nextList(alice, firstListAt(keyed.alpha, alice), [entryOf(deviceOf(alice, 101), 'use')]).signed,
    ],
  }),
};

/** As the owner of a key signs it; kept on paper. */
function freezeOf(keyId: Uint8Array) {
  return signFreeze(alice, { keyId, id: random(32), times: null });
}

/** Other terms of a key: with an end, which is no tightening. */
function termsLink(keyId: Uint8Array, before: KeyTerms) {
  const after = {
    ...before,
    expiresAt: 1_990_000_000,
    version: versionOf(before) + 1,
    previous: policyHash(before),
  };
  const change = changeOfTerms({ keyId, id: random(32) }, before, after);
  return { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
}

/** Of each kind one. */
const DEVICES = ([[], ['use'], ['make'], ['manage']] as const).map((may) => ({
  may,
  inWords: mayInWords(may),
}));

const ask = (client: TestClient, name: FunctionName) =>
  client.ask(name, WELL_FORMED[name]() as Parameters<FunctionName>);
const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => 'OK',
    ({ code }: { code: string }) => code,
  );

/** Alice at both servers, as a courier calls them. */
function callees(): [Callee, Callee] {
  const [alpha, bravo] = servers.map((server, at): Callee => {
    const client = server.as(alice);
    return {
      name: at === 0 ? 'alpha' : 'bravo',
      call: (called, parameters) => client.ask(called, parameters),
    };
  });
  return [alpha!, bravo!];
}

const ceremonyOf = (
  both: readonly Callee[],
  tampering?: Tampering,
  policy: Partial<KeyPolicy> = {},
  key: Partial<CeremonyOptions> = { purpose: 'message' },
) =>
  createCeremony({
    policy,
    servers: both,
    needed: 2,
    ...key,
    expiresAt: keyed.alpha.now + 600,
    ...(tampering === undefined ? {} : { tampering }),
  });

/** A ceremony that has come to where alpha is to hear this call, and what it would be called with. */
async function upTo(name: 'session.join' | 'session.deliver'): Promise<() => Promise<unknown>> {
  const [alpha, bravo] = callees();
  let act: (() => Promise<unknown>) | undefined;
  const stopped = new Error('far enough');
  const waiting: Callee = {
    name: alpha.name,
    call: (called, parameters) => {
      if (called !== name) return alpha.call(called, parameters);
      act = () => alpha.call(called, parameters);
      return Promise.reject(stopped);
    },
  };
  await expect(ceremonyOf([waiting, bravo]).finish()).rejects.toBe(stopped);
  return act!;
}

/** A key whose certificate bravo has and alpha never heard of. */
async function halfKnownKey() {
  const both = callees();
  const isForAlpha: Tampering = ({ to, round, packet }) => (to === 1 && round === 2 ? [] : [packet]);
  const ceremony = ceremonyOf(both, isForAlpha);
  await ceremony.finish();
  const { keyId } = ceremony;
  const shown = await both[1].call('key.show', { keyId });
  return { keyId, certificate: shown.certificate!, policy: shown.policy };
}

/** A new key of Alice's at both servers. */
async function wholeKey() {
  const ceremony = ceremonyOf(callees());
  await ceremony.finish();
  const { keyId } = ceremony;
  return { keyId, ...(await hers.ask('key.show', { keyId })) };
}

/** A request about which people are asked, as one of them, who has no account, is shown it. */
async function askedOfAnn() {
  const ceremony = ceremonyOf(callees(), undefined, askingTerms(BY_DOMAIN));
  await ceremony.finish();
  const { keyId } = ceremony;
  const payload = buildMessageRequest({ domain: 'asked', bytes: random(8) });
  const asked = {
    requestId: random(32),
    keyId,
    kind: 'message',
    payload,
    expiresAt: keyed.alpha.now + 600,
  };
  const rest = { epoch: 0, attempt: null, wanted: null, requester: requesterOf(asked) };
  await hers.ask('request.ask', { ...asked, ...rest });
  const client = keyed.alpha.as(ann);
  const introduced = async <N extends 'approval.show' | 'approval.give'>(
    name: N,
    parameters: Parameters<N>,
  ) => client.read(name, await client.post(client.seal(name, parameters, { introduce: true })));
  const { requestId: matterId } = asked;
  const shown = await introduced('approval.show', { matter: 'request', matterId, keyId, known: null });
  return { shown, introduced };
}

/** A new key of Alice's at both servers, and somebody who carries a change of it. */
async function keyToChange() {
  const both = callees();
  const ceremony = ceremonyOf(both);
  await ceremony.finish();
  const { keyId } = ceremony;
  return carryChange({ servers: both, keyId, expiresAt: keyed.alpha.now + 600 });
}

async function changedKey() {
  const change = await keyToChange();
  const promises = await promised(change);
  const { whole, locks, locked, yields } = await upToYield(change, promises);
  const cert = change.certify(1, whole, { promises, locks: locked, yields });
  const committed = await change.commit(cert);
  const { keyId, epoch } = change.order;
  return { change, named: { keyId, epoch }, promises, whole, locks, certificate: cert, committed };
}

/** A change in which charlie takes the place of alpha, decided, and shown to nobody yet. */
async function changedWithoutAlpha() {
  const both = callees();
  const policy = { changes: 'automatic', changeDelay: 0 } as const;
  const ceremony = ceremonyOf(both, undefined, policy);
  await ceremony.finish();
  const { keyId } = ceremony;
  const third = await startTestServer({ settings: { name: 'charlie' } });
  servers.push(third);
  const client = await third.as(alice).join();
  const charlie: Callee = { name: 'charlie', call: (called, parameters) => client.ask(called, parameters) };
  const next = [servers[1]!, third].map((server, at) => {
    const { xid, publicKeys } = keysOf(server.server);
    const callee = [both[1], charlie][at]!;
    return { callee, serverId: new Uint8Array(xid), identityKey: publicKeys.signing.bytes };
  });
  const change = await carryChange({ servers: both, keyId, expiresAt: keyed.alpha.now + 600, next });
  const promises = await promised(change);
  const { whole, locked, yields } = await upToYield(change, promises);
  const decided = change.certify(1, whole, { promises, locks: locked, yields });
  return { keyId, decided, acknowledgements: await change.acknowledge(decided) };
}

async function promised(change: CarriedChange): Promise<readonly Uint8Array[]> {
  await change.propose();
  return change.promise(1);
}

async function upToYield(change: CarriedChange, promises: readonly Uint8Array[]) {
  const whole = await change.move(1, promises);
  const locked = await change.lock(1, whole, promises);
  const locks = change.locksOf(1, whole, locked);
  return { whole, locked, locks, yields: await change.yield(whole, locks) };
}

/** Lists by which the words put a device on it that manages, and that one another one, which nobody has seen. */
async function withNewcomer() {
  const { links } = await hers.ask('device.show', { after: null });
  const before = devicesBehind(firstListAt(keyed.alpha, alice), links);
  const [laptop, phone] = [deviceOf(alice, 121), deviceOf(alice, 122)];
  const after = nextList(alice, before, [...before.keys, entryOf(laptop, 'manage')]);
  const list = nextList(laptop, after.list, [...after.list.keys, entryOf(phone)]);
  return { after, list };
}

/** A fork takes two machines of one identity: `sessions/changes/forks/settle-fork.long.test.ts` counts the rows of these. */
type OfForks = Extract<FunctionName, `fork.${string}`>;
/** A recovery is finished, and an heir may use a key or is held up, when a delay is over: `ways-back/recovery.long.test.ts` and `life/heirs.long.test.ts` count the rows of that. */
type OfTime = 'recovery.finish' | 'heir.use' | 'heir.doubt';
type Changing = {
  [N in FunctionName]: (typeof FUNCTIONS)[N]['changes'] extends 'nothing'
    ? never
    : Exclude<N, OfForks | OfTime>;
}[FunctionName];
const CHANGING = FUNCTION_NAMES.filter(
  (name): name is Changing =>
    FUNCTIONS[name].changes !== 'nothing' &&
    !name.startsWith('fork.') &&
    name !== 'recovery.finish' &&
    name !== 'heir.use' &&
    name !== 'heir.doubt',
);

/** For each function that changes something: prepares what is there to change, and gives what changes it. */
const CHANGES: Readonly<Record<Changing, () => Promise<() => Promise<unknown>>>> = {
  'account.open': async () => () => keyed.alpha.as(person(9)).join(),
  'account.freeze': async () => {
    const erin = await keyed.alpha.as(person(81)).join();
    const statement = WELL_FORMED['account.freeze']();
    return () => erin.ask('account.freeze', statement);
  },
  'account.thaw': async () => {
    const erin = await keyed.alpha.as(person(82)).join();
    await ask(erin, 'account.freeze');
    return () => erin.ask('account.thaw', {});
  },
  // What is proposed here is cancelled further down, and what is asked for is taken back.
  'session.propose': async () => {
    const proposed = WELL_FORMED['session.propose']();
    return () => hers.ask('session.propose', proposed);
  },
  'session.join': () => upTo('session.join'),
  'session.deliver': () => upTo('session.deliver'),
  'session.cancel': async () => () => ask(hers, 'session.cancel'),
  'key.certify': async () => {
    const { keyId, certificate: itsOwn } = await halfKnownKey();
    return () => hers.ask('key.certify', { keyId, certificate: itsOwn });
  },
  'key.restore': async () => {
    const shown = await halfKnownKey();
    return () => hers.ask('key.restore', { certificate: shown.certificate, policy: shown.policy });
  },
  'key.head': async () => {
    const question = { keyId: keyed.keyId, nonce: random(32), windows: [{ within: 3_600, most: 4 }] };
    return () => hers.ask('key.head', question);
  },
  'key.learn': async () => {
    const shown = await halfKnownKey();
    return () => hers.ask('key.learn', { keyId: shown.keyId, certificates: [shown.certificate] });
  },
  'key.heads': async () => {
    const change = await keyToChange();
    const { keyId } = change.order;
    const isIts = (row: { readonly keyId: Uint8Array }) => Buffer.compare(row.keyId, keyId) === 0;
    const { version, sealed } = rowsOfTable(keyed.alpha.dataDir, 'keys').find(isIts)!;
    await change.propose();
    // Put back while the server is off: it notices, and asks.
    await keyed.alpha.server.close();
    tamperWith(join(keyed.alpha.dataDir, 'ckm.sqlite'), (database) =>
      database
        .prepare('update keys set version = ?, sealed = ? where key_id = ?')
        .run(version, sealed, keyId),
    );
    await keyed.alpha.restart();
    const [alpha, bravo] = callees();
    const { asks } = await alpha.call('key.head', { keyId, nonce: random(32) });
    const { head, signature } = await bravo.call('key.head', { keyId, nonce: asks! });
    return () => hers.ask('key.heads', { keyId, heads: [{ slot: 2, head, signature }] });
  },
  'key.exported': async () => {
    const both = callees();
    const rules = { changes: 'automatic', changeDelay: 0 } as const;
    const ceremony = ceremonyOf(both, undefined, rules, { purpose: 'message', exportable: true });
    await ceremony.finish();
    const { keyId } = ceremony;
    const { certificate: shown } = await both[0].call('key.show', { keyId });
    const epoch = verifyFirstEpoch(parseCertificate(shown!));
    const world = { callers: both, keyId, epoch, expiresAt: keyed.alpha.now + 600 };
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1, 2]);
    const { exportId, recipient } = order.proposal;
    return () => hers.ask('key.exported', { keyId, proof: { epoch: 0, exportId, recipient, yeses } });
  },
  'change.propose': async () => {
    const { order } = await keyToChange();
    return () => hers.ask('change.propose', { order, chain: [], policy });
  },
  'change.cancel': async () => {
    const { order, orderHash } = await keyToChange();
    await hers.ask('change.propose', { order, chain: [], policy });
    return () => hers.ask('change.cancel', { keyId: order.keyId, epoch: 0, orderHash });
  },
  'change.promise': async () => {
    const change = await keyToChange();
    await change.propose();
    return () => change.promise(1, [1]);
  },
  'change.lock': async () => {
    const change = await keyToChange();
    const promises = await promised(change);
    const whole = await change.move(1, promises);
    return () => change.lock(1, whole, promises, [1]);
  },
  'change.yield': async () => {
    const change = await keyToChange();
    const promises = await promised(change);
    const whole = await change.move(1, promises);
    const locks = change.locksOf(1, whole, await change.lock(1, whole, promises));
    return () => change.yield(whole, locks, [1]);
  },
  'change.commit': async () => {
    const change = await keyToChange();
    const promises = await promised(change);
    const { whole, locked, yields } = await upToYield(change, promises);
    const votes = { promises, locks: locked, yields };
    const { keyId } = change.order;
    return () => hers.ask('change.commit', { keyId, certificate: change.certify(1, whole, votes) });
  },
  'change.retire': async () => {
    const { change, committed } = await changedKey();
    const { keyId, epoch } = change.order;
    const acknowledgements = committed.map((one, i) => ({ slot: i + 1, signature: one.acknowledgement! }));
    return () => hers.ask('change.retire', { keyId, epoch, acknowledgements });
  },
  'change.leave': async () => {
    const { keyId, decided, acknowledgements } = await changedWithoutAlpha();
    return () => hers.ask('change.leave', { keyId, certificates: [decided], acknowledgements });
  },
  'key.freeze': async () => {
    const statement = { ...WELL_FORMED['key.freeze'](), keyId: (await halfKnownKey()).keyId };
    return () => hers.ask('key.freeze', statement);
  },
  'key.thaw': async () => {
    const statement = { ...WELL_FORMED['key.freeze'](), keyId: (await halfKnownKey()).keyId };
    await hers.ask('key.freeze', statement);
    return () => hers.ask('key.thaw', { keyId: statement.keyId });
  },
  'key.devices': async () => {
    const { keyId } = await halfKnownKey();
    await keyed.alpha.server.close();
    giveTermsTo(keyed.alpha.dataDir, keyId, { ownerKey: alice.publicKeys.signing.bytes });
    await keyed.alpha.restart();
    const { signed } = nextList(alice, firstKeyDevices(keyId, alice.publicKeys), [
      entryOf(deviceOf(alice, 131), 'use'),
    ]);
    return () => hers.ask('key.devices', { keyId, links: [signed], after: null });
  },
  'alive.carry': async () => {
    const { keyId } = await halfKnownKey();
    await keyed.alpha.server.close();
    const silence = { afterSeconds: 30 * 86_400, grants: [{ who: 'eve', may: ['use' as const] }] };
    giveTermsTo(keyed.alpha.dataDir, keyId, { ownerKey: alice.publicKeys.signing.bytes, silence });
    await keyed.alpha.restart();
    const alive = signAlive(alice, { keyId, number: 7 });
    return () => hers.ask('alive.carry', { alive });
  },
  'heir.ask': async () => {
    const { keyId } = await wholeKey();
    await keyed.alpha.server.close();
    const key = { kind: 'ed25519' as const, key: alice.publicKeys.signing.bytes };
    giveTermsTo(keyed.alpha.dataDir, keyId, {
      approvers: [{ name: 'eve', xid: alice.xid, keys: [key] }],
      silence: { afterSeconds: 30 * 86_400, grants: [{ who: 'eve', may: ['use'] }] },
    });
    await keyed.alpha.restart();
    return () => hers.ask('heir.ask', { keyId, first: null, nonces: [], said: [] });
  },
  'freeze.carry': async () => {
    const { keyId } = await halfKnownKey();
    await keyed.alpha.server.close();
    giveTermsTo(keyed.alpha.dataDir, keyId, { ownerKey: alice.publicKeys.signing.bytes });
    await keyed.alpha.restart();
    const freeze = freezeOf(keyId);
    return () => hers.ask('freeze.carry', { freeze });
  },
  'terms.propose': async () => {
    const { keyId, policy: before } = await wholeKey();
    const link = termsLink(keyId, before);
    return () => hers.ask('terms.propose', { keyId, ...link });
  },
  'terms.veto': async () => {
    const { keyId, policy: before } = await wholeKey();
    const { waiting } = await hers.ask('terms.propose', { keyId, ...termsLink(keyId, before) });
    return () => hers.ask('terms.veto', { keyId, change: waiting!.change, votes: [] });
  },
  'terms.learn': async () => {
    const ceremony = ceremonyOf(callees(), undefined, askingTerms(BY_DOMAIN));
    await ceremony.finish();
    const { keyId } = ceremony;
    const link = termsLink(keyId, (await hers.ask('key.show', { keyId })).policy);
    await hers.ask('terms.propose', { keyId, ...link });
    const { now } = keyed.alpha;
    const times = { issuedAt: now, expiresAt: now + 3_600 };
    const vote = termsVoteBy(ann, link, [keysOf(keyed.alpha.server).xid], times);
    return () => hers.ask('terms.learn', { keyId, links: [{ ...link, votes: [vote] }] });
  },
  'drill.forget': async () => () => ask(hers, 'drill.forget'),
  'request.ask': async () => () => ask(hers, 'request.ask'),
  'request.cancel': async () => () => ask(hers, 'request.cancel'),
  'approval.give': async () => {
    const { shown, introduced } = await askedOfAnn();
    const vote = voteFor(ann, shown, [keysOf(keyed.alpha.server).xid], { issuedAt: keyed.alpha.now });
    return () => introduced('approval.give', { votes: [vote] });
  },
  'device.update': async () => () => ask(hers, 'device.update'),
  'share.store': async () => () => ask(hers, 'share.store'),
  'share.delete': async () => {
    await ask(hers, 'share.store');
    return () => ask(hers, 'share.delete');
  },
  'contact.set': async () => () => ask(hers, 'contact.set'),
  'contact.verify': async () => {
    await ask(hers, 'contact.set');
    return () => ask(hers, 'contact.verify');
  },
  'contact.remove': async () => {
    await withFriend();
    return () => ask(hers, 'contact.remove');
  },
  'recovery.prove': async () => {
    await withFriend();
    const voucher = vouched('recovery', stranger.xid);
    const client = keyed.alpha.as(stranger);
    const parameters = { contact: { kind: 'xid', name: '' }, proof: { voucher }, deed: 'recover' } as const;
    return async () =>
      client.read(
        'recovery.prove',
        await client.post(client.seal('recovery.prove', parameters, { introduce: true })),
      );
  },
  // Of the case that the one before has opened.
  'recovery.veto': async () => () => ask(hers, 'recovery.veto'),
  'device.seen': async () => {
    const { after, list } = await withNewcomer();
    await hers.ask('device.update', { documents: [after.signed, list.signed] });
    const { generation, number } = list.list;
    return () => hers.ask('device.seen', { generation, number });
  },
};

describe('the table of functions', () => {
  test.each(FUNCTION_NAMES)('%s is refused to a stranger unless its row says otherwise', async (name) => {
    if (['stranger', 'approver'].includes(FUNCTIONS[name].may)) return;
    const mallory = keyed.alpha.as(person(66));
    const introduced = async () => {
      const sealed = mallory.seal(name, WELL_FORMED[name]() as Parameters<FunctionName>, { introduce: true });
      return mallory.read(name, await mallory.post(sealed));
    };
    expect(await rowsOf(async () => expect(await codeOf(introduced())).toBe('ACCOUNT_UNKNOWN'))).toBe(0);
  });

  test('a stranger is answered as an approver is whom nothing waits for, and leaves nothing behind', async () => {
    const mallory = keyed.alpha.as(person(67));
    const asks = async <N extends FunctionName>(name: N) => {
      const sealed = mallory.seal(name, WELL_FORMED[name](), { introduce: true });
      return mallory.read(name, await mallory.post(sealed));
    };
    const rows = await rowsOf(async () => {
      expect(await asks('approval.list')).toEqual({ matters: [], next: null });
      expect(await codeOf(asks('approval.show'))).toBe('MATTER_UNKNOWN');
      expect(await asks('approval.give')).toEqual({ refused: [{ at: 0, code: 'VOTE_INVALID' }] });
      expect(await codeOf(asks('freeze.carry'))).toBe('STATEMENT_FOREIGN');
      expect(await codeOf(asks('alive.carry'))).toBe('STATEMENT_FOREIGN');
      for (const name of ['heir.look', 'heir.ask', 'heir.doubt', 'heir.use'] as const)
        expect(await codeOf(asks(name))).toBe('HEIR_UNKNOWN');
    });
    expect(rows).toBe(0);
  });

  test.each(FUNCTION_NAMES)(
    '%s is refused to a suspended account unless its row is for strangers',
    async (name) => {
      if (FUNCTIONS[name].may === 'stranger') return;
      const carol = keyed.alpha.as(person(3));
      expect(await codeOf(ask(carol, name))).toBe('ACCOUNT_SUSPENDED');
    },
  );

  test.each(FUNCTION_NAMES)(
    '%s of a frozen account waits or goes on, as its row says, and what waits leaves no audit row',
    async (name) => {
      const frank = await keyed.alpha.as(person(83)).join();
      await ask(frank, 'account.freeze');
      const before = await auditEntries();
      const code = await codeOf(ask(frank, name));
      expect(code === 'ACCOUNT_FROZEN').toBe(waitsWhileFrozen(name));
      if (waitsWhileFrozen(name)) expect(await auditEntries()).toBe(before);
    },
  );

  test.each(FUNCTION_NAMES.filter((name) => FUNCTIONS[name].may === 'owner'))(
    '%s about what is somebody else’s is answered as if there were no such thing, and leaves no audit row',
    async (name) => {
      const bob = await keyed.alpha.as(person(2)).join();
      const rows = await rowsOf(async () =>
        expect(await codeOf(ask(bob, name))).toMatch(/^(KEY|SESSION|REQUEST)_(UNKNOWN|NOT_RESTORABLE)$/),
      );
      expect(rows).toBe(0);
    },
  );

  test.each(CHANGING)(
    '%s changes something and leaves one audit row; said again it changes nothing and leaves none',
    async (name) => {
      const act = await CHANGES[name]();
      // What others have is learnt here by a vote, which has a row of its own.
      expect(await rowsOf(act)).toBe(name === 'terms.learn' ? 2 : 1);
      expect(await rowsOf(() => codeOf(act()))).toBe(0);
    },
  );

  test.each(FUNCTION_NAMES.filter((name) => FUNCTIONS[name].changes === 'nothing'))(
    '%s changes nothing and leaves no audit row',
    async (name) => {
      // Of what is asked of people she is shown nothing, and she is nobody's heir.
      const isHeld = !['approval.show', 'heir.look'].includes(name) && FUNCTIONS[name].may !== 'stranger';
      const asked = () => (FUNCTIONS[name].may === 'stranger' ? askAs(stranger, name) : ask(hers, name));
      expect(await rowsOf(isHeld ? asked : () => codeOf(asked()))).toBe(0);
    },
  );

  test.each(DEVICES)(
    'a device that may $inWords is refused what takes more, and nothing else',
    async ({ may }) => {
      const dave = await keyed.alpha.as(person(4)).join();
      const device = deviceOf(dave.identity, 110 + may.length + DEVICE_PRIVILEGES.indexOf(may[0] ?? 'use'));
      const { generation, number, links } = await dave.ask('device.show', { after: null });
      const first = firstListAt(keyed.alpha, dave.identity);
      const list = nextList(dave.identity, devicesBehind(first, links), [entryOf(device, ...may)]);
      expect([generation, number]).toEqual([0, list.list.number - 1]);
      await dave.ask('device.update', { documents: [list.signed] });
      const client = keyed.alpha.asDevice(device);
      const refused: FunctionName[] = [];
      for (const name of FUNCTION_NAMES)
        if ((await codeOf(ask(client, name))) === 'DEVICE_MAY_NOT') refused.push(name);
      const parametersOf = (name: FunctionName) => WELL_FORMED[name]() as Parameters<FunctionName>;
      const beyond = (name: FunctionName) => !isAllowed(may, needsOf(name, parametersOf(name)) ?? 'look');
      expect(refused).toEqual(FUNCTION_NAMES.filter(beyond));
      expect(refused.length).toBeGreaterThan(0);
    },
  );

  test('key.certify and key.restore leave no audit row where they change nothing', async () => {
    expect(await rowsOf(() => ask(hers, 'key.certify'))).toBe(0);
    expect(await rowsOf(() => ask(hers, 'key.restore'))).toBe(0);
  });

  test('no message of a whole ceremony leaves more than one audit row, and reading it none', async () => {
    const left: string[] = [];
    const [alpha, bravo] = callees();
    const counting: Callee = {
      name: alpha.name,
      call: async (called, parameters) => {
        const before = await auditEntries();
        const result = await alpha.call(called, parameters);
        const rows = (await auditEntries()) - before;
        expect(rows).toBe(FUNCTIONS[called].changes === 'nothing' ? 0 : 1);
        left.push(called);
        return result;
      },
    };
    await ceremonyOf([counting, bravo]).finish();
    expect(left.slice(0, 2)).toEqual(['session.propose', 'session.join']);
    expect(left.at(-1)).toBe('session.deliver');
  });
});
