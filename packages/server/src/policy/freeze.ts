import { encodeHex, equalBytes } from '@ckm/foundation';
import type { Freezer, Frozen } from './freezer.js';
import { freezeInvalid, freezeOver, freezeUsedUp } from './codes.js';

/** A freeze as this server keeps it. Times are UnixSeconds. */
export interface Freeze {
  /** 32 bytes, fresh of whoever froze. */
  readonly id: Uint8Array;
  /** When this server first heard of it. */
  readonly seenAt: number;
  /** When it ends by itself. */
  readonly until: number;
  /** When it was thawed, or a longer one took its place; null: neither. */
  readonly endedAt: number | null;
  /** When its owner asked to thaw it; null: he did not. */
  readonly thawAskedAt: number | null;
  /** When the operator agreed to end it, where others have to say yes too; absent: he did not. */
  readonly thawAgreedAt?: number;
  /** Others say that its owner made it; absent: he said so to this server. */
  readonly heard?: true;
  /** Who signed it, where somebody carried it here; absent: the account said so itself, or others did. */
  readonly by?: Freezer;
  /** Of an account: which of its devices said so; absent: its words. */
  readonly device?: Uint8Array;
  /** It has no dates of its own: it was kept on paper. Absent: it has. */
  readonly paper?: true;
}

/** What is shown of a freeze that stands. */
export type StandingFreeze = Pick<Freeze, 'id' | 'until' | 'thawAskedAt' | 'by'>;

/** What is shown of a freeze, and said in the head of its key. */
export function shownFreeze({ id, until, thawAskedAt, by }: Freeze): StandingFreeze {
  return { id, until, thawAskedAt, ...(by === undefined ? {} : { by }) };
}

/** What an owner states, the same to every server of the key. */
export interface FreezeStatement {
  readonly id: Uint8Array;
  readonly from: number;
  readonly until: number;
}

/** What somebody signed for all servers of the key. `from`, `until` null: it was kept on paper. */
export interface CarriedFreeze {
  readonly id: Uint8Array;
  readonly from: number | null;
  readonly until: number | null;
}

const DAY_SECONDS = 86_400;
/** So long a key may be frozen by its owner within {@link FREEZE_WINDOW_SECONDS}. */
export const MOST_FROZEN_SECONDS = 7 * DAY_SECONDS;
export const FREEZE_WINDOW_SECONDS = 30 * DAY_SECONDS;
/** So many are told apart within that time, of what its owner said and of what others said; of more, two are counted as one. */
export const MOST_FREEZES = 32;
/** So many of one person are told apart that were signed: more are refused, since whoever carries one may carry it again after it was thawed. */
const MOST_SIGNED = 8;
/** So many papers were ever used for one key: each of them is known for good, so that none works twice. */
export const MOST_PAPERS = 64;
/** Of those so many at most of all approvers, and as many of devices: whoever they are, some are left to the words. */
export const MOST_PAPERS_OF_OTHERS = 24;
/** So far clocks may differ: a freeze that would last longer by no more than this ends a little earlier instead of being refused. */
const CLOCK_SECONDS = 600;

/** Of those that hold now the one that ends last; null: none. Two hold where they came together out of several lists. */
export function standingFreeze(freezes: readonly Freeze[], now: number): Freeze | null {
  return lastToEnd(freezes.filter((one) => isStanding(one, now)));
}

/** Of those that were not ended the one that goes on longest: it may be over by itself by now; null: none. */
export function lastToEnd(freezes: readonly Freeze[]): Freeze | null {
  const open = freezes.filter(({ endedAt }) => endedAt === null);
  return open.toSorted((one, other) => one.until - other.until).at(-1) ?? null;
}

/** Whether it stops the key now. */
export function isStanding({ endedAt, until }: Freeze, now: number): boolean {
  return endedAt === null && until > now;
}

/** How long its owner's account may still freeze the key, in seconds, if it is thawed now. What others say or sign uses up none of that. */
export function freezeLeft(freezes: readonly Freeze[], now: number): number {
  return leftOf(freezes.filter(isOfAccount), now);
}

function leftOf(freezes: readonly Freeze[], now: number): number {
  let [used, counted] = [0, now - FREEZE_WINDOW_SECONDS];
  for (const one of freezes.toSorted((first, second) => first.seenAt - second.seenAt)) {
    const end = Math.min(endOf(one), now);
    used += Math.max(0, end - Math.max(one.seenAt, counted));
    counted = Math.max(counted, end);
  }
  return Math.max(0, MOST_FROZEN_SECONDS - used);
}

/**
 * The freezes of a key with one more; the same list when it is known, or one stands that lasts as long. An id is good for one
 * freeze: once that was thawed, or is over, it freezes nothing any more; which is for programs that repeat themselves, because
 * whoever has the account makes a new id. What others said of this very one, with an earlier end, is nothing against what its owner says: else one that
 * lies would use his id up. Where they said a later one, it stands until then.
 * @throws UsageError `FREEZE_INVALID`; StateError `FREEZE_OVER`; PolicyError `FREEZE_USED_UP`
 */
export function withFreeze(
  freezes: readonly Freeze[],
  { id, from, until }: FreezeStatement,
  now: number,
  what: Frozen = 'key',
): readonly Freeze[] {
  assertTimes({ from, until }, now, what);
  const known = freezes.find((one) => equalBytes(one.id, id));
  if (known !== undefined && isStanding(known, now) && isSameEnd(known, until)) return freezes;
  const isHearsay = known?.heard === true && known.endedAt === null;
  if (known !== undefined && !isHearsay)
    throw freezeOver('this freeze has been thawed, or had another end', what);
  // Saying it again makes no freeze shorter: whoever has the account reads its id, and only the operator ends it.
  if (known !== undefined && isStanding(known, now) && known.until > until) return freezes;
  const others = isHearsay ? freezes.filter((one) => one !== known) : freezes;
  const standing = standingFreeze(others, now);
  if (standing !== null && standing.until >= until) return others;
  const leftSeconds = freezeLeft(others, now);
  if (leftSeconds === 0 || until - now > leftSeconds + CLOCK_SECONDS) throw freezeUsedUp(leftSeconds, what);
  const end = Math.min(until, now + leftSeconds);
  if (standing !== null && standing.until >= end) return others;
  // What it takes the place of is over, and stays known: its id is good for nothing any more.
  return [...kept(withStanding(others, now, { endedAt: now }), now), newFreeze(id, now, end)];
}

/** @throws UsageError `FREEZE_INVALID`; StateError `FREEZE_OVER` */
function assertTimes(
  { from, until }: Pick<FreezeStatement, 'from' | 'until'>,
  now: number,
  what: Frozen = 'key',
): void {
  const isOne = from < until && until - from <= MOST_FROZEN_SECONDS && from <= now + CLOCK_SECONDS;
  if (!isOne) throw freezeInvalid(what);
  if (until <= now) throw freezeOver('the time of this freeze has passed', what);
}

/**
 * The freezes of a key with one that somebody signed, whoever carries it; the same list when it is known. An id is good for one freeze. Each person has days of
 * his own, and besides them those of one paper: without dates, it stands for seven days from when this server first sees it, and never again.
 * @throws UsageError `FREEZE_INVALID`; StateError `FREEZE_OVER`; PolicyError `FREEZE_USED_UP`
 */
export function withCarried(
  freezes: readonly Freeze[],
  { id, from, until }: CarriedFreeze,
  by: Freezer,
  now: number,
): readonly Freeze[] {
  const isPaper = from === null || until === null;
  if (!isPaper) assertTimes({ from, until }, now);
  const known = freezes.find((one) => equalBytes(one.id, id));
  const isHearsay = known?.heard === true && known.endedAt === null;
  if (known !== undefined && !isHearsay) {
    if (isStanding(known, now)) return freezes;
    throw freezeOver(isPaper ? 'this paper has been used' : 'this freeze has been thawed');
  }
  const others = freezes.filter((one) => one !== known);
  const his = others.filter((one) => isSameFreezer(one.by, by) && (one.paper === true) === isPaper);
  const counting = his.filter((one) => endOf(one) > now - FREEZE_WINDOW_SECONDS);
  const leftSeconds = leftOf(his, now);
  const wished = isPaper ? MOST_FROZEN_SECONDS : until - now;
  // A paper stands for all of its days, or not at all: what is left of another one's is none of it.
  const isTooLong = wished > leftSeconds + (isPaper ? 0 : CLOCK_SECONDS);
  if (leftSeconds === 0 || isTooLong || counting.length >= MOST_SIGNED) throw freezeUsedUp(leftSeconds);
  const papers = others.filter(({ paper }) => paper === true);
  const ofKind = papers.filter((one) => one.by?.who === by.who).length;
  const isFull = papers.length >= MOST_PAPERS || (by.who !== 'owner' && ofKind >= MOST_PAPERS_OF_OTHERS);
  if (isPaper && isFull) throw freezeUsedUp(0);
  const end = Math.min(now + leftSeconds, isPaper ? now + MOST_FROZEN_SECONDS : until);
  const fresh: Freeze = { ...newFreeze(id, now, end), by, ...(isPaper ? { paper: true } : {}) };
  return joinFreezes([...kept(others, now), fresh]);
}

function isSameFreezer(one: Freezer | undefined, other: Freezer): boolean {
  return one !== undefined && freezerName(one) === freezerName(other);
}

function freezerName(by: Freezer): string {
  return by.who === 'approver' ? `approver ${by.name}` : by.who;
}

/**
 * The freezes of a key with those that others say stand there, the one that ends last before the others: none of which is known here, also where it
 * was thawed; the same list when that leaves none. As many days are taken of them as of an owner, and none of his: one that lies must not use his up.
 */
export function withHeard(
  freezes: readonly Freeze[],
  said: readonly Pick<StandingFreeze, 'id' | 'until'>[],
  now: number,
): readonly Freeze[] {
  return said
    .toSorted((one, other) => other.until - one.until)
    .reduce((all, { id, until }) => {
      const end = Math.min(until, now + leftOf(all.filter(isHeard), now));
      const isKnown = all.some((one) => equalBytes(one.id, id));
      const isLonger = end > (standingFreeze(all, now)?.until ?? now);
      const heard: Freeze = { ...newFreeze(id, now, end), heard: true };
      return isKnown || !isLonger ? all : joinFreezes([...kept(all, now), heard]);
    }, freezes);
}

function isHeard({ heard }: Freeze): boolean {
  return heard === true;
}

function isOfAccount({ heard, by }: Freeze): boolean {
  return heard === undefined && by === undefined;
}

function newFreeze(id: Uint8Array, seenAt: number, until: number): Freeze {
  return { id, seenAt, until, endedAt: null, thawAskedAt: null };
}

function endOf({ until, endedAt }: Freeze): number {
  return endedAt ?? until;
}

/**
 * What still counts, with room for one more of each kind. Nobody is refused for the number: whoever froze a key for a second often enough
 * would have taken the brake away before it is needed.
 */
function kept(freezes: readonly Freeze[], now: number): readonly Freeze[] {
  const counting = freezes.filter((one) => one.paper === true || endOf(one) > now - FREEZE_WINDOW_SECONDS);
  const [own, heard] = [counting.filter(isOfAccount), counting.filter(isHeard)];
  for (const ofKind of [own, heard]) while (ofKind.length >= MOST_FREEZES) joinNearest(ofKind);
  // Their number is limited where they come: two made one would let one of them stand again.
  return [...heard, ...counting.filter(({ by }) => by !== undefined), ...own];
}

/** Makes one of the two that lie closest together: as long as both, and over when the later one was. */
function joinNearest(freezes: Freeze[]): void {
  freezes.sort((one, other) => endOf(one) - endOf(other));
  const gaps = freezes.slice(1).map(({ seenAt }, i) => seenAt - endOf(freezes[i]!));
  const i = gaps.indexOf(Math.min(...gaps));
  const [one, other] = [freezes[i]!, freezes[i + 1]!];
  const seenAt = other.seenAt - (Math.min(endOf(one), other.seenAt) - one.seenAt);
  freezes.splice(i, 2, { ...other, seenAt });
}

/** Freezes of one key out of several lists, each once, the one that ends last behind the others. */
export function joinFreezes(all: readonly Freeze[]): readonly Freeze[] {
  const byId = new Map(all.map((one) => [encodeHex(one.id), one]));
  return [...byId.values()].toSorted((one, other) => one.until - other.until);
}

/** Whether it is the end that was stated, or the little earlier one that was made of it. */
function isSameEnd(known: Freeze, stated: number): boolean {
  return known.until <= stated && stated - known.until <= CLOCK_SECONDS;
}

/** The same with a change of every freeze that stands; the same list when none does. */
export function withStanding(
  freezes: readonly Freeze[],
  now: number,
  change: Partial<Pick<Freeze, 'endedAt' | 'thawAskedAt'>>,
): readonly Freeze[] {
  if (standingFreeze(freezes, now) === null) return freezes;
  return freezes.map((one) => (isStanding(one, now) ? { ...one, ...change } : one));
}
