// Longer than other files, because it is the one list of what is told of a key, each line found in what servers and records say.
import { versionOf } from '@ckm/api';
import type { KeyParams, Quorum } from '@ckm/threshold';
import { AvailabilityError, CkmError, encodeHex, equalBytes, type Remedy } from '@ckm/foundation';
import type { HeldKeys } from '../keys/fetch/held-keys.js';
import { type Forgetting, forgettingOf, type OldShares, oldSharesOf } from '../keys/forgetting.js';
import { isDecidable } from '../keys/changes/decidable.js';
import { newestParams, paramsBefore } from '../keys/chain/key-chain.js';
import { type SeenSettlement, seenSettlements } from '../keys/forks/read-fork.js';
import { type OrderRecords, type SeenOrder, seenOrders } from '../keys/chain/seen-orders.js';
import { heldSince } from '../keys/checks/check-key.js';
import {
  checkDueAt,
  checkPath,
  type CheckRecord,
  type CheckVerdict,
  NEVER_CHECKED,
} from '../keys/checks/check-record.js';
import { canDrill, drillDueAt, drillPath, type DrillRecord, NEVER_DRILLED } from '../drills/drill-record.js';
import { isComplete, type KeyComparison, type KeyRecord, remedyFor } from '../keys/key-record.js';
import type { ServerRecord } from '../servers/server-record.js';
import { newestKnown } from '../terms/change/known-terms.js';
import type { TermsNote } from '../terms/change/terms-note.js';
import { type ElsewhereAt, elsewhereOf, isHeldElsewhere } from './elsewhere.js';
import { type ExportStatus, exportStatus } from './exports.js';
import { changeMargin, changersNeeded, type Margin, marginOf } from './margins.js';
import { shortId } from '../store/track.js';

export interface KeyStatus {
  readonly name: string;
  readonly purpose: string;
  readonly quorum: { readonly needed: number; readonly of: number };
  /** Its first digits as servers name it; their operators need them. */
  readonly id: string;
  /** Servers of the key that answer now and sign with their share, as far as the last key check goes. */
  readonly reachable: readonly string[];
  /** Servers of the key that answer now, and did not prove at its last check that they hold their share: nobody counts on them until they have. */
  readonly unproved: readonly string[];
  /** Servers of the key that do not answer now, or were never added here. */
  readonly absent: readonly string[];
  /** Servers of the key in whose place another one answers: their shares are gone with them. */
  readonly replaced: readonly string[];
  /** Servers of the key that answer now and have lost their share. */
  readonly lost: readonly string[];
  /** Servers of the key that are in an epoch before its newest: they have no share of that yet, or lost it when they went back. */
  readonly behind: readonly string[];
  /** Servers that were restored or repaired in its newest epoch, and decide on no change before all others have reminded them. */
  readonly forgot: readonly string[];
  /** Whether it can change its servers, where all of them are there: `once`, and no more after one more repair; `never`: too many have forgotten. */
  readonly changeable: 'yes' | 'once' | 'never';
  /** Servers that have stopped the key, because they had computed a wrong share with it, until their operators release it. */
  readonly stopped: readonly string[];
  /** Servers of the key that its owner has told to do nothing with it, and until when. */
  readonly frozen: readonly FrozenAt[];
  /** Servers of the key at which an heir has asked for it because its owner was silent. */
  readonly heirs: readonly HeirAskedAt[];
  /** Repairs of a share of it that servers say go on, and that were not begun here: another device did, or a thief. */
  readonly strangeRepairs: readonly StrangeRepair[];
  /** Servers that answer nothing with it, because they have seen two certificates of one epoch. */
  readonly forked: readonly string[];
  /** Servers, of the key here or not, that say that they went on by another certificate of one of its epochs. */
  readonly elsewhere: readonly ElsewhereAt[];
  /** Orders about which of those counts that servers say wait there, whichever client of the owner gave them. */
  readonly settlements: readonly SeenSettlement[];
  /** Orders about who holds it next that servers say wait there, whichever client of the owner gave them. */
  readonly orders: readonly SeenOrder[];
  /** Whether it is being taken out of its servers, and which gave their share. */
  readonly exports: ExportStatus;
  /** How many more may fail before signing stops; negative: it has stopped. */
  readonly margin: number;
  /** Whether half of what may fail, or more, has failed. */
  readonly isMarginLow: boolean;
  /** The same for a change of who holds it, which can take more servers than a signature. */
  readonly changes: Margin;
  /** An epoch that is decided, and these servers have not entered yet: they sign in the one before; null: none is known of. */
  readonly decided: DecidedEpoch | null;
  /** Whether every server has promised that it stored the certificate. */
  readonly isComplete: boolean;
  /** What completes it; null when it is complete. */
  readonly remedy: Remedy | null;
  /** The newest terms that this client knows of: their number, and the names of those whom they may ask. */
  readonly terms: { readonly version: number; readonly asks: readonly string[] };
  /** UnixSeconds: they end it then; null: never. */
  readonly expiresAt: number | null;
  readonly isExpired: boolean;
  /** What gives a server of it a lost share back. */
  readonly recovery: 'epoch' | 'static';
  /** Counts the times that its shares were made anew. */
  readonly epoch: number;
  /** UnixSeconds: when its first epoch began. */
  readonly createdAt: number;
  /** UnixSeconds: when this client saw the newest epoch begin; null: it is the first, or began before the key was fetched. */
  readonly changedAt: number | null;
  /** UnixSeconds: since when the key is on record here. */
  readonly heldSince: number;
  /** What the servers of the epoch before have said about their old shares. */
  readonly forgetting: readonly Forgetting[];
  /** Shares of epochs before those, as far as no server has said that they are gone. */
  readonly oldShares: readonly OldShares[];
  /** What came of comparing its likeness with what operators see; null: not compared here. */
  readonly comparison: KeyComparison | null;
  readonly checks: KeyCheckStatus;
  readonly drills: KeyDrillStatus;
}

/** An heir has asked for a key at a server. */
export interface HeirAskedAt {
  readonly server: string;
  /** By the name in the terms. */
  readonly heir: string;
  /** UnixSeconds, by the server's own clock. */
  readonly at: number;
  /** Whether he still does; else the owner was heard since. */
  readonly isOpen: boolean;
}

export interface FrozenAt {
  readonly server: string;
  /** UnixSeconds, by the server's own clock. */
  readonly until: number;
  /** When the owner asked its operator to end it; null: he did not. UnixSeconds. */
  readonly thawAskedAt: number | null;
}

/** A change whose certificate servers keep beside the epoch in use. */
export interface DecidedEpoch {
  readonly epoch: number;
  readonly servers: readonly string[];
}

/** Whether a freeze stands at so many servers that the others are too few to sign. */
export function isStoppedByFreeze({ frozen, quorum }: Pick<KeyStatus, 'frozen' | 'quorum'>): boolean {
  return frozen.length > quorum.of - quorum.needed;
}

/** Whether a change of who holds it waits or is decided, which may let in servers that have not heard of a freeze. */
export function mayLetOthersIn({ decided, orders }: Pick<KeyStatus, 'decided' | 'orders'>): boolean {
  return decided !== null || orders.length > 0;
}

/** Whether servers may sign by another certificate of one of its epochs, who are told of a freeze when it is said again. */
export function maySignElsewhere({ forked, elsewhere }: Pick<KeyStatus, 'forked' | 'elsewhere'>): boolean {
  return forked.length > 0 || elsewhere.length > 0;
}

/** Whether every server that answers signs too: where one does not, it is no answer that is missing. */
export function areAllThatAnswer({
  reachable,
  absent,
  replaced,
  quorum,
}: Pick<KeyStatus, 'reachable' | 'absent' | 'replaced' | 'quorum'>): boolean {
  return reachable.length + absent.length + replaced.length === quorum.of;
}

/** What is on record here of proofs by which servers showed that they hold their shares. */
export interface KeyCheckStatus {
  /** UnixSeconds; null: never checked here. */
  readonly lastAt: number | null;
  /** Servers that did not prove their shares then, and why. */
  readonly unproved: readonly { readonly server: string; readonly verdict: CheckVerdict }[];
  /** UnixSeconds: when the next one is due; null: never. */
  readonly dueAt: number | null;
  readonly isOverdue: boolean;
}

/** What is on record here of drills, in which a server was made again by the others. */
export interface KeyDrillStatus {
  /** The last one that came to its end; null: none. UnixSeconds. */
  readonly lastAt: number | null;
  /** Which server was made again in it. */
  readonly server: string | null;
  /** The last one of all, if it failed. */
  readonly failed: { readonly at: number; readonly server: string } | null;
  /** One that was begun and is not over. */
  readonly open: { readonly begunAt: number; readonly server: string } | null;
  /** UnixSeconds: when the next one is due; null: never. */
  readonly dueAt: number | null;
  readonly isOverdue: boolean;
}

/** A repair that is not on record here. */
export interface StrangeRepair {
  /** Who says so. */
  readonly servers: readonly string[];
  /** Whose share is said to be lost. */
  readonly target: string;
}

/** How a server answers, and what it says it holds; null when it was not asked. */
export interface AskedServer {
  readonly record: ServerRecord;
  /** Why it does not answer, or does not say which keys it holds; null when it does. */
  readonly problem: { readonly code: string } | null;
  readonly list: HeldKeys | CkmError | null;
}

/** What is on record here, and what servers say, of all keys. */
export interface StatusRecords extends Pick<OrderRecords, 'changes'> {
  /** By {@link checkPath}. */
  readonly checked: ReadonlyMap<string, CheckRecord>;
  /** By {@link drillPath}. */
  readonly drilled: ReadonlyMap<string, DrillRecord>;
  /** Ids of repairs that were begun here, in hex. */
  readonly begun: ReadonlySet<string>;
  readonly termsNotes: readonly TermsNote[];
  readonly found: readonly AskedServer[];
}

/**
 * How a key stands, by what its servers say now.
 * @param now UnixSeconds
 */
export function keyStatus(
  record: KeyRecord,
  { checked, drilled, begun, changes, termsNotes, found }: StatusRecords,
  now: number,
): KeyStatus {
  const params = newestParams(record);
  const id = encodeHex(params.keyId);
  const checks = checked.get(checkPath(params.keyId)) ?? NEVER_CHECKED;
  const proofs = verdictsOf(checks, params.epoch);
  const seats = params.roster.map(({ serverId, url, slot }) => {
    const one = found.find(({ record: { xid } }) => equalBytes(serverId, xid));
    const list = one?.list ?? null;
    const silent = SILENCES[one?.problem?.code ?? ''] ?? 'absent';
    const said = list === null ? silent : holdingsIn(list, record, params.epoch)(id);
    const holding = isDoubted(said, proofs[slot - 1]) ? 'unproved' : said;
    const repairs = repairsIn(list, id, begun);
    const hasForgotten = forgotIn(list, id, params.epoch);
    return {
      name: one?.record.name ?? url,
      holding,
      freeze: freezeIn(list, id),
      heir: heirIn(list, id),
      repairs,
      hasForgotten,
    };
  });
  const those = (...holdings: readonly string[]) =>
    seats.filter(({ holding }) => holdings.includes(holding)).map(({ name }) => name);
  const reachable = those('has', 'unsaid');
  const signing = marginOf(reachable.length, params.quorum);
  const forgot = seats.filter(({ hasForgotten }) => hasForgotten);
  const deciding = { needed: changersNeeded(params.quorum, params.flags.strict), of: params.quorum.of };
  const voters = seats.filter(({ holding }) => VOTING.includes(holding));
  const terms = newestKnown(params.keyId, record.policy, termsNotes);
  const { expiresAt } = terms;
  return {
    name: record.name,
    id: shortId(params.keyId),
    purpose: params.purpose,
    quorum: params.quorum,
    reachable,
    unproved: those('unproved'),
    absent: those('absent'),
    replaced: those('replaced'),
    lost: those('lost'),
    behind: those('behind'),
    forgot: forgot.map(({ name }) => name),
    changeable: changeableWith(deciding, forgot.length),
    stopped: those('stopped'),
    frozen: seats.flatMap(({ name, freeze }) => (freeze === null ? [] : [{ server: name, ...freeze }])),
    heirs: seats.flatMap(({ name, heir }) => (heir === null ? [] : [{ server: name, ...heir }])),
    strangeRepairs: strangeRepairs(seats),
    forked: those('forked'),
    elsewhere: elsewhereOf(record, found, id),
    settlements: seenSettlements(settlementsIn(found, id)),
    orders: seenOrders(record, shownIn(found, id), {
      servers: found.map((one) => one.record),
      changes,
    }),
    exports: exportStatus(found, id),
    margin: signing.margin,
    isMarginLow: signing.isLow,
    changes: changeMargin(voters.length, voters.filter(({ hasForgotten }) => hasForgotten).length, deciding),
    decided: decidedIn(found, id, params.epoch),
    isComplete: isComplete(record, params.quorum.of),
    remedy: isComplete(record, params.quorum.of) ? null : remedyFor(record),
    expiresAt,
    isExpired: expiresAt !== null && expiresAt <= now,
    terms: { version: versionOf(terms), asks: (terms.approvers ?? []).map(({ name }) => name) },
    recovery: record.policy.recovery ?? 'epoch',
    epoch: params.epoch,
    createdAt: record.createdAt,
    changedAt: record.changedAt ?? null,
    heldSince: heldSince(record),
    forgetting: forgettingOf(record, params.epoch - 1, holdersOf(record.checked?.epoch.params, found)),
    oldShares: oldSharesOf(
      record,
      paramsBefore(record, params.epoch - 1).map((one) => holdersOf(one, found)),
    ),
    comparison: record.comparison ?? null,
    checks: checkStatus(
      checks,
      checkDueAt(checks, heldSince(record)),
      params.epoch,
      seats.map(({ name }) => name),
      now,
    ),
    drills: drillStatus(drilled.get(drillPath(params.keyId)) ?? NEVER_DRILLED, record, params.quorum, now),
  };
}

function drillStatus(
  drills: DrillRecord,
  record: KeyRecord,
  quorum: KeyStatus['quorum'],
  now: number,
): KeyDrillStatus {
  const { history, open } = drills;
  const done = history.findLast(({ way }) => way !== null);
  const last = history.at(-1);
  const dueAt = canDrill(quorum) ? drillDueAt(drills, heldSince(record)) : null;
  return {
    lastAt: done?.at ?? null,
    server: done?.server ?? null,
    failed: last === undefined || last === done ? null : { at: last.at, server: last.server },
    open: open === null ? null : { begunAt: open.begunAt, server: open.server },
    dueAt,
    isOverdue: dueAt !== null && dueAt <= now,
  };
}

/** @param names of the servers of `epoch`, in order of slots */
function checkStatus(
  checks: CheckRecord,
  dueAt: number | null,
  epoch: number,
  names: readonly string[],
  now: number,
): KeyCheckStatus {
  return {
    lastAt: checks.history.at(-1)?.at ?? null,
    unproved: verdictsOf(checks, epoch).flatMap((verdict, i) =>
      verdict === 'holds' ? [] : [{ server: names[i] ?? `slot ${i + 1}`, verdict }],
    ),
    dueAt,
    isOverdue: dueAt !== null && dueAt <= now,
  };
}

/** The servers of an epoch, as their owner calls them; none where it is not on record. */
function holdersOf(params: Pick<KeyParams, 'roster'> | undefined, found: readonly AskedServer[]) {
  const roster = params?.roster ?? [];
  return roster.map(({ serverId: xid, url }) => {
    const name = found.find(({ record }) => equalBytes(record.xid, xid))?.record.name ?? url;
    return { name, xid };
  });
}

/** What each server gave at the last check of an epoch, in order of slots; none: it was not checked. */
function verdictsOf({ history }: CheckRecord, epoch: number): readonly CheckVerdict[] {
  const last = history.at(-1);
  // Slots of another epoch are other servers.
  return last?.epoch === epoch ? last.verdicts : [];
}

/** One that had lost its share is counted on again as soon as it says that it has it; a wrong or damaged one must prove it. */
function isDoubted(holding: string, verdict: CheckVerdict | undefined): boolean {
  if (verdict === 'lost') return holding === 'unsaid';
  return (verdict === 'wrong' || verdict === 'damaged') && (holding === 'has' || holding === 'unsaid');
}

/** Who is counted on for a change of who holds it. */
const VOTING: readonly string[] = ['has', 'unsaid', 'frozen'];

/** Whether a server says that it has forgotten what it said of the newest epoch. */
function forgotIn(list: HeldKeys | CkmError | null, id: string, newest: number): boolean {
  if (list === null || list instanceof CkmError) return false;
  const key = list.keys.find(({ keyId }) => encodeHex(keyId) === id);
  return key?.hasForgotten === true && key.epoch === newest;
}

function changeableWith(deciding: Quorum, forgot: number): KeyStatus['changeable'] {
  if (!isDecidable(deciding, forgot)) return 'never';
  return forgot === 0 || isDecidable(deciding, forgot + 1) ? 'yes' : 'once';
}

/** The newest epoch that servers say is decided and not entered by them. @param known what is on record here is no news */
function decidedIn(found: readonly AskedServer[], id: string, known: number): DecidedEpoch | null {
  const said = found.flatMap(({ record: { name }, list }) => {
    if (list === null || list instanceof CkmError) return [];
    const epoch = list.keys.find(({ keyId }) => encodeHex(keyId) === id)?.decided;
    return epoch === undefined || epoch <= known ? [] : [{ name, epoch }];
  });
  if (said.length === 0) return null;
  const epoch = Math.max(...said.map((one) => one.epoch));
  return { epoch, servers: said.filter((one) => one.epoch === epoch).map(({ name }) => name) };
}

/** What servers show of orders about the key of an id. */
function shownIn(found: readonly AskedServer[], id: string) {
  return found.flatMap(({ record: { name: server }, list }) => {
    if (list === null || list instanceof CkmError) return [];
    const order = list.keys.find(({ keyId }) => encodeHex(keyId) === id)?.order;
    return order === undefined ? [] : [{ server, shown: order }];
  });
}

/** The same of orders about which of several certificates counts. */
function settlementsIn(found: readonly AskedServer[], id: string) {
  return found.flatMap(({ record: { name: server }, list }) => {
    if (list === null || list instanceof CkmError) return [];
    const order = list.keys.find(({ keyId }) => encodeHex(keyId) === id)?.settlement;
    return order === undefined ? [] : [{ server, order }];
  });
}

/** Slots whose repair a server says goes on, and that nobody began here. */
function repairsIn(list: HeldKeys | CkmError | null, id: string, begun: ReadonlySet<string>) {
  if (list === null || list instanceof CkmError) return [];
  const key = list.keys.find(({ keyId }) => encodeHex(keyId) === id);
  const strange = key?.repairs?.filter(({ sessionId }) => !begun.has(encodeHex(sessionId))) ?? [];
  return strange.map(({ slot }) => slot);
}

function strangeRepairs(
  seats: readonly { readonly name: string; readonly repairs: readonly number[] }[],
): readonly StrangeRepair[] {
  return seats.flatMap(({ name: target }, i) => {
    const servers = seats.filter(({ repairs }) => repairs.includes(i + 1)).map(({ name }) => name);
    return servers.length === 0 ? [] : [{ servers, target }];
  });
}

/** Servers that are there all the same, and need not be brought back. */
const SILENCES: Readonly<Record<string, 'replaced' | 'refused'>> = {
  SERVER_IDENTITY_CHANGED: 'replaced',
  ACCOUNT_SUSPENDED: 'refused',
  CLOCK_DIFFERS: 'refused',
};

/**
 * Whether a server signs with its share of the key of an id, as far as its list tells. `stopped`, `frozen`: it has it and
 * does not; `behind`: what it has is of an earlier epoch; `elsewhere`: of the same by another certificate; `refused`: it cannot even be asked.
 */
type Holding =
  'has' | 'stopped' | 'frozen' | 'lost' | 'behind' | 'unsaid' | 'refused' | 'forked' | 'elsewhere';

function holdingsIn(list: HeldKeys | CkmError, record: KeyRecord, newest: number): (id: string) => Holding {
  if (list instanceof CkmError) {
    const silent = list instanceof AvailabilityError;
    return () => (silent ? 'unsaid' : 'refused');
  }
  const held = new Map(list.keys.map((key) => [encodeHex(key.keyId), key]));
  return (id) => {
    const key = held.get(id);
    if (key?.isShareLost === true) return 'lost';
    if (key?.stoppedAt !== undefined) return 'stopped';
    if (key?.forked !== undefined) return 'forked';
    if (key !== undefined && isHeldElsewhere(record, key)) return 'elsewhere';
    if (key?.left !== undefined) return 'refused';
    if (key !== undefined && key.epoch < newest) return 'behind';
    if (key !== undefined) return key.frozen === undefined ? 'has' : 'frozen';
    // A list that was not read to its end says nothing about what is not in it.
    return list.complaint === null ? 'lost' : 'unsaid';
  };
}

function heirIn(list: HeldKeys | CkmError | null, id: string): Omit<HeirAskedAt, 'server'> | null {
  if (list === null || list instanceof CkmError) return null;
  return list.keys.find(({ keyId }) => encodeHex(keyId) === id)?.heirAsked ?? null;
}

function freezeIn(list: HeldKeys | CkmError | null, id: string): Omit<FrozenAt, 'server'> | null {
  if (list === null || list instanceof CkmError) return null;
  const frozen = list.keys.find(({ keyId }) => encodeHex(keyId) === id)?.frozen;
  return frozen === undefined ? null : { until: frozen.until, thawAskedAt: frozen.thawAskedAt };
}
