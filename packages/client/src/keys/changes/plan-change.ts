import { type ChangeOrder, type KeyTerms, versionOf } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, StateError, UsageError } from '@ckm/foundation';
import { hashOrder, membersNeeded, parseQuorum, type Quorum } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords, serverUnknown, showServerRecord } from '../../servers/servers.js';
import { changePath, openChangeOf } from '../chain/change-record.js';
import type { CertifiedKey } from '../key-record.js';
import { rosterOf, unrecordedMember } from '../roster.js';
import { termsToOrderUnder } from '../terms/terms-of-epochs.js';

/** What is to become of the servers of a key. */
export type ChangeWish =
  /** New shares for the same servers: the old ones are worth nothing once enough of them are gone. */
  | { readonly kind: 'refresh' }
  | { readonly kind: 'add-server'; readonly server: string }
  | { readonly kind: 'remove-server'; readonly server: string }
  /** Another server in the place of one of them, as when that one is gone for good; the quorum stays. */
  | { readonly kind: 'replace-server'; readonly server: string; readonly by: string }
  | { readonly kind: 'requorum'; readonly quorum: Quorum; readonly servers: readonly string[] };

export type ChangeKind = ChangeWish['kind'];

/** The rules certified with a key that a change of its servers or quorum goes by. */
export interface ChangeRules {
  readonly changes: 'automatic' | 'operator';
  /** Seconds that each server counts from when it first hears of the change. */
  readonly changeDelay: number;
}

/** What a change will ask of whom. Nothing has been sent or written. */
export interface ChangePlan {
  readonly kind: ChangeKind;
  readonly order: ChangeOrder;
  /** Of the next epoch, in order of slots. All of them must be there. */
  readonly next: readonly ServerRecord[];
  /** Servers of the key that leave it. */
  readonly leaving: readonly ServerRecord[];
  /** The quorum of the epoch before. */
  readonly old: Quorum;
  /** How many servers of the epoch before decide: those have to be there too, also where they leave. */
  readonly deciding: number;
  /** Whether the key was made strict, and so stays. */
  readonly strict: boolean;
  /** What gives a server its lost share back. Of a `static` key it is there for good: the identity of a server makes its old shares again. */
  readonly recovery: NonNullable<KeyTerms['recovery']>;
  /** Names of those that join. */
  readonly joining: readonly string[];
  /** 32 bytes: names the order. Its likeness in words is what operators type. */
  readonly orderHash: Uint8Array;
  /** What each server waits for before it takes part; null: for nothing, as with every refresh. */
  readonly rules: ChangeRules | null;
  /** Whether a quorum of the epoch before is to decide, by the words; null: as many as ever do. */
  readonly byWords: OrderByWords | null;
}

/** What fewer servers decide than ever do. */
export interface OrderByWords {
  /** How many decide on any other change. */
  readonly ever: number;
  /** Whether the words lie on this machine: whoever opens them can order it too. */
  readonly areHere: boolean;
}

/** Under which terms a change is ordered. */
type TermsOfOrder = (context: ClientContext, key: CertifiedKey) => Promise<KeyTerms>;

/**
 * Checks everything about a change that can be checked here, and sends nothing. One that was asked for before and is decided, while somebody has still
 * to hear of it, is that one: asking again goes on with it.
 * @throws UsageError `SERVER_UNKNOWN`, `QUORUM_SERVERS_MISMATCH`, `SERVERS_NOT_DISTINCT`, `CHANGE_NOTHING`, `QUORUM_INVALID`; StorageError
 * `SERVER_PIN_DIFFERS`; EncodingError `QUORUM_INVALID`
 */
export async function planChange(
  context: ClientContext,
  key: CertifiedKey,
  wish: ChangeWish,
  termsOf: TermsOfOrder = termsToOrderUnder,
): Promise<ChangePlan> {
  const terms = async () => versionOf(await termsOf(context, key));
  return (await planUnderWay(context, key, wish)) ?? planFrom(context, key, wish, terms);
}

/** The plan of the change that has led to the epoch in use and is still open, if it is what is wished; null: it is not. */
async function planUnderWay(
  context: ClientContext,
  key: CertifiedKey,
  wish: ChangeWish,
): Promise<ChangePlan | null> {
  const open = await openChangeOf(context.store, key.keyId);
  // Another refresh is new shares, whoever has still to hear of the last one.
  if (open === null || open.order.epoch + 1 !== key.newest.params.epoch || wish.kind === 'refresh')
    return null;
  const { epoch } = open.checked;
  const before = { ...key, newest: epoch, public: epoch.public, roster: epoch.params.roster };
  try {
    const plan = await planFrom(context, before, wish, () => Promise.resolve(open.order.termsVersion));
    return changePath(plan.order) === changePath(open.order) ? plan : null;
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return null;
    throw error;
  }
}

/** Whether both mean the same servers and quorums, before and after: they may be of different epochs. */
export function meansSame(one: ChangePlan, other: ChangePlan): boolean {
  return meaningOf(one) === meaningOf(other);
}

function meaningOf({ order: { quorum }, old, next, leaving, joining }: ChangePlan): string {
  const xidsOf = (servers: readonly ServerRecord[]) => servers.map(({ xid }) => encodeHex(xid)).toSorted();
  const those = [next, leaving, next.filter(({ name }) => joining.includes(name))].map(xidsOf);
  return JSON.stringify([old.needed, old.of, quorum.needed, quorum.of, ...those]);
}

async function planFrom(
  context: ClientContext,
  key: CertifiedKey,
  wish: ChangeWish,
  termsVersion: () => Promise<number>,
): Promise<ChangePlan> {
  const { params, transcriptHash } = key.newest;
  const now = await membersNow(context, key);
  const { servers, quorum } = await wanted(context, key, now, wish);
  if (servers.length !== quorum.of) throw countMismatch(quorum, servers.length);
  if (new Set(servers.map(({ name }) => name)).size !== servers.length) throw notDistinct();
  await assertRecorded(context, servers);
  const isOf = (list: readonly ServerRecord[]) => (one: ServerRecord) =>
    list.some(({ xid }) => equalBytes(xid, one.xid));
  const joining = servers.filter((one) => !isOf(now)(one));
  const leaving = now.filter((one) => !isOf(servers)(one));
  const isSame = joining.length + leaving.length === 0 && quorum.needed === params.quorum.needed;
  if (isSame !== (wish.kind === 'refresh')) throw changesNothing(key.record.name);
  const order: ChangeOrder = {
    keyId: key.keyId,
    epoch: params.epoch,
    transcriptHash,
    quorum,
    roster: servers.map(({ xid, publicKeys }) => ({
      serverId: xid,
      identityKey: publicKeys.signing.bytes,
    })),
    termsVersion: await termsVersion(),
  };
  const { changes = 'operator', changeDelay = USUAL_DELAY, recovery = 'epoch' } = key.record.policy;
  return {
    kind: wish.kind,
    order,
    next: servers,
    old: params.quorum,
    deciding: membersNeeded(params.quorum, params.flags.strict),
    strict: params.flags.strict,
    recovery,
    leaving,
    joining: joining.map(({ name }) => name),
    orderHash: hashOrder(order),
    rules: isSame ? null : { changes, changeDelay },
    byWords: null,
  };
}

/** The same where the words have a quorum decide: it waits seven days or more, and operators are asked as for other servers, also about a refresh. */
export async function plannedByWords(
  context: ClientContext,
  { record: { policy } }: CertifiedKey,
  plan: ChangePlan,
): Promise<ChangePlan> {
  const { changes = 'operator', changeDelay = USUAL_DELAY } = policy;
  return {
    ...plan,
    deciding: plan.old.needed,
    rules: { changes, changeDelay: Math.max(changeDelay, WORDS_DELAY) },
    byWords: { ever: plan.deciding, areHere: (await context.owner()).words !== null },
  };
}

/** As servers count it, beside what the rules of the key say. */
const WORDS_DELAY = 604_800;

/** What a key has whose rules say nothing. */
const USUAL_DELAY = 86_400;

/** The servers of the key in order of slots. One that is not on record here, as after a laptop was lost, may leave and do nothing else. */
async function membersNow(context: ClientContext, key: CertifiedKey): Promise<readonly ServerRecord[]> {
  const recorded = new Map((await rosterOf(context, key)).map(({ slot, server }) => [slot, server]));
  return key.newest.params.roster.map((entry) => recorded.get(entry.slot) ?? unrecordedMember(entry));
}

/** @throws UsageError `SERVER_UNKNOWN` for one that is not on record here and would hold a share */
async function assertRecorded({ store }: ClientContext, servers: readonly ServerRecord[]): Promise<void> {
  const records = await listServerRecords(store);
  const missing = servers.find(({ xid }) => !records.some((one) => equalBytes(one.xid, xid)));
  if (missing !== undefined) throw serverUnknown(missing.url);
}

interface Wanted {
  readonly servers: readonly ServerRecord[];
  readonly quorum: Quorum;
}

async function wanted(
  { store }: ClientContext,
  { public: { quorum }, record }: CertifiedKey,
  now: readonly ServerRecord[],
  wish: ChangeWish,
): Promise<Wanted> {
  if (wish.kind === 'refresh') return { servers: now, quorum };
  if (wish.kind === 'replace-server')
    return { servers: await withAnother(store, record.name, now, wish), quorum };
  if (wish.kind === 'requorum') {
    const servers: ServerRecord[] = [];
    for (const name of wish.servers) servers.push(await showServerRecord(store, name));
    return { servers, quorum: parseQuorum(wish.quorum) };
  }
  const server = memberCalled(now, wish.server) ?? (await showServerRecord(store, wish.server));
  const others = now.filter(({ xid }) => !equalBytes(xid, server.xid));
  const isMember = others.length < now.length;
  const { needed } = quorum;
  if (wish.kind === 'add-server') {
    if (isMember) throw notDistinct();
    return { servers: [...now, server], quorum: parseQuorum({ needed, of: quorum.of + 1 }) };
  }
  if (!isMember) throw notOfKey(server.name);
  if (needed === quorum.of) throw noneToSpare(record.name, server.name, quorum);
  return { servers: others, quorum: parseQuorum({ needed, of: quorum.of - 1 }) };
}

/** The servers of a key, with another one at the place of one of them. */
async function withAnother(
  store: ClientContext['store'],
  key: string,
  now: readonly ServerRecord[],
  { server, by }: { readonly server: string; readonly by: string },
): Promise<readonly ServerRecord[]> {
  if (server === by) throw itsOwnPlace(server);
  const leaving = memberCalled(now, server) ?? (await showServerRecord(store, server));
  const joining = memberCalled(now, by) ?? (await showServerRecord(store, by));
  const isOneOf = ({ xid }: ServerRecord) => now.some((one) => equalBytes(one.xid, xid));
  if (!isOneOf(leaving)) throw isOneOf(joining) ? replacedAlready(key, server, by) : notOfKey(leaving.name);
  if (isOneOf(joining)) throw memberAlready(key, joining.name);
  return now.map((one) => (equalBytes(one.xid, leaving.xid) ? joining : one));
}

/** By its name, or by its address where no other member says the same one. */
function memberCalled(now: readonly ServerRecord[], wanted: string): ServerRecord | undefined {
  const named = now.find(({ name }) => name === wanted);
  const there = now.filter(({ url }) => url === wanted);
  return named ?? (there.length === 1 ? there[0] : undefined);
}

function countMismatch({ needed, of }: Quorum, servers: number): UsageError {
  return new UsageError(`a quorum ${needed} of ${of} needs ${of} servers, and ${servers} are named`, {
    code: 'QUORUM_SERVERS_MISMATCH',
    hint: `name exactly ${of} servers, or another quorum`,
  });
}

function notDistinct(): UsageError {
  return new UsageError('the same server is named twice, or is one of the key already', {
    code: 'SERVERS_NOT_DISTINCT',
    hint: 'name different servers: one operator with two shares would count twice',
  });
}

function notOfKey(server: string): UsageError {
  return new UsageError(`server ${server} is not one of the key`, {
    code: 'QUORUM_SERVERS_MISMATCH',
    hint: 'name a server of the key',
  });
}

function noneToSpare(key: string, server: string, { of }: Quorum): UsageError {
  return new UsageError(
    `key ${key} takes all of its ${of} servers: without ${server} the others are too few to sign`,
    {
      code: 'QUORUM_INVALID',
      hint: 'let another server take its place, or order another quorum of those that stay',
    },
  );
}

function itsOwnPlace(server: string): UsageError {
  return new UsageError(`server ${server} cannot take its own place`, {
    code: 'SERVERS_NOT_DISTINCT',
    hint: 'name another server, or none: then the others give it back the share that it lost',
  });
}

function memberAlready(key: string, server: string): UsageError {
  return new UsageError(`server ${server} is one of key ${key} already`, {
    code: 'SERVERS_NOT_DISTINCT',
    hint: 'name a server that has no share of it: one operator with two shares would count twice',
  });
}

function replacedAlready(key: string, server: string, by: string): StateError {
  return new StateError(`${by} is a server of key ${key}, and ${server} is none any more`, {
    code: 'CHANGE_NOTHING',
    hint: 'look who holds it now',
    remedy: { kind: 'showKey', key },
    retryable: false,
  });
}

function changesNothing(name: string): StateError {
  return new StateError(`key ${name} has these servers and this quorum already`, {
    code: 'CHANGE_NOTHING',
    hint: 'new shares for the same servers are a refresh',
    retryable: false,
  });
}
