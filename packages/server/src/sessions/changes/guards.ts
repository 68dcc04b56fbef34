import { type ChangeOrder, type KeyTerms, policyHash, versionOf } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import type { CertifiedEpoch, ChangeParams, GuardVerdict } from '@ckm/threshold';
import type { StoredOrder } from './change-record.js';
import { asksPeople, type Missing, missingIn } from '../asked-of-change.js';
import { countedBy, type Counter } from '../waiting-time.js';
import type { Deciding, StoredHead } from './deciding.js';

/** A refresh by the owner's account alone is possible once in so long. Seconds. */
const REFRESH_INTERVAL = 86_400;
/** An order that nobody has carried out so long after its delay is over. Seconds. */
const ORDER_LIFETIME = 604_800;
/** What waits where the rules of the key say nothing else. Seconds. */
const USUAL_DELAY = 86_400;
/** What the words let fewer decide waits at least so long at each server, whatever rules the key has. Seconds. */
const WORDS_DELAY = 604_800;
/** Nobody has carried such an order out so long after its delay: a server that was put back meanwhile has counted the delay anew. Seconds. */
const WORDS_LIFETIME = 2 * ORDER_LIFETIME;
/** As long as anybody may let an order wait: the terms of a key longest of all. Seconds. */
const MOST_DELAY = 31 * 86_400;
/** How many seconds are counted of a weighty order, until nothing more comes of it: an operator may become stricter meanwhile. */
export const COUNTED_OF_WEIGHTY: number = MOST_DELAY + WORDS_LIFETIME;

/** What this server's own conditions say of an order, here and now. */
export interface Guarded {
  readonly verdict: GuardVerdict;
  /** When its delay is over if the server goes on running; null: there is nothing to wait for. UnixSeconds. */
  readonly readyAt: number | null;
  /** Whether the operator is asked and has not answered. */
  readonly asked: boolean;
  /** Why it is over. */
  readonly reason: string | null;
}

/** What an order is judged by: the key, or what a server that joins was shown of it. */
type Judged = Pick<Deciding, 'record' | 'stricter' | 'said'> & {
  readonly key: Pick<StoredHead, 'head'> | null;
};

/** What is judged of an order. */
type JudgedOrder = Pick<StoredOrder, 'isWeighty' | 'over' | 'waited' | 'operator' | 'byWords'> & {
  /** Null: to settle which certificate counts, whose terms stand in it. */
  readonly order: ChangeOrder | null;
};

const PASSED: Guarded = { verdict: 'passed', readyAt: null, asked: false, reason: null };

/**
 * Whether an order leaves the same servers with the same quorum: only shares become others, and nobody gets one who has
 * none. Then the owner's account is enough, as it is for signing.
 */
export function isRefresh({ params }: Pick<CertifiedEpoch, 'params'>, order: ChangeOrder): boolean {
  const { quorum, roster } = params;
  const isSameQuorum = order.quorum.needed === quorum.needed && order.quorum.of === quorum.of;
  const names = (members: readonly { serverId: Uint8Array; identityKey: Uint8Array }[]) =>
    members.map(({ serverId, identityKey }) => encodeHex(serverId) + encodeHex(identityKey)).sort();
  const [old, next] = [names(roster), names(order.roster)];
  return isSameQuorum && old.length === next.length && old.every((name, i) => name === next[i]);
}

/** Judges an order. @param order null: none is known here by the hash that was asked for */
export function judgeOrder(counter: Counter, deciding: Judged, order: JudgedOrder | null): Guarded {
  if (order === null) return over('no such order is open here');
  if (order.over !== null) return over(order.over);
  const differing = order.order === null ? null : judgeVersion(deciding, order.order);
  if (differing !== null) return differing;
  const judged = order.isWeighty ? judgeWeighty(counter, deciding, order) : judgeRefresh(counter, deciding);
  const until = frozenUntil(deciding, counter.now);
  if (until === null || judged.verdict === 'over') return judged;
  return { ...judged, verdict: 'frozen', readyAt: Math.max(judged.readyAt ?? 0, until) };
}

/** Whether what a whole roster signed is under the terms in force here, by number and text. */
export function isUnderTerms(
  deciding: Pick<Judged, 'key' | 'record'>,
  { next, termsVersion }: Pick<ChangeParams, 'next' | 'termsVersion'>,
): boolean {
  const policy = policyOf(deciding);
  return termsVersion === versionOf(policy) && equalBytes(next.termsHash, policyHash(policy));
}

/** An order is given under the terms in force: under later ones it waits until they are in force here too; under earlier ones it is over (L8). */
function judgeVersion(deciding: Judged, { termsVersion }: Pick<ChangeOrder, 'termsVersion'>): Guarded | null {
  const here = versionOf(policyOf(deciding));
  if (termsVersion === here) return null;
  if (termsVersion < here) return over(`terms ${here} of the key have come into force since`);
  const reason = `terms ${here} of the key are in force here, and it was ordered under terms ${termsVersion}`;
  return { verdict: 'early', readyAt: null, asked: false, reason };
}

/** Until when its owner has frozen the key; null: it is not frozen. @param now UnixSeconds */
export function frozenUntil({ key, record }: Pick<Judged, 'key' | 'record'>, now: number): number | null {
  const frozen = key === null ? record.freezes?.findLast(({ endedAt }) => endedAt === null) : key.head.frozen;
  return frozen !== undefined && frozen.until > now ? frozen.until : null;
}

/** A refresh would end the epoch that an open order follows, and the order with it: it waits until that is over or cancelled. */
function judgeRefresh(counter: Counter, deciding: Judged): Guarded {
  const { order } = deciding.record;
  const isOpen =
    order !== null && order.over === null && judgeWeighty(counter, deciding, order).verdict !== 'over';
  if (isOpen)
    return { verdict: 'early', readyAt: null, asked: false, reason: 'another order about the key waits' };
  const { now } = counter;
  const since = deciding.key?.head.since;
  // A clock that was ahead when the epoch began does not hold anybody up for longer than the interval.
  if (since === undefined || now >= since + REFRESH_INTERVAL || now < since) return PASSED;
  return { verdict: 'early', readyAt: since + REFRESH_INTERVAL, asked: false, reason: null };
}

/** By the rules that were certified with the key, and by what the operator asks beyond them: who is asked, and how long everybody may look at it. */
function judgeWeighty(
  counter: Counter,
  deciding: Judged,
  order: Pick<JudgedOrder, 'waited' | 'operator' | 'byWords'>,
): Guarded {
  const { changes = 'operator', changeDelay = USUAL_DELAY, change } = policyOf(deciding);
  const { asksOperator, delay } = deciding.stricter;
  // Whoever holds the key next could do what its terms forbid: that waits no shorter than other terms do.
  const [words, lifetime] = order.byWords === true ? [WORDS_DELAY, WORDS_LIFETIME] : [0, ORDER_LIFETIME];
  const longest = Math.max(changeDelay, delay, change?.delaySeconds ?? 0, words);
  const left = longest - countedBy(counter, order.waited);
  if (left <= -lifetime)
    return over(`nobody carried it out in ${lifetime === ORDER_LIFETIME ? 'seven' : 'fourteen'} days`);
  const asked = (changes === 'operator' || asksOperator) && order.operator === null;
  const readyAt = left > 0 ? counter.now + left : null;
  const people = judgePeople(deciding);
  if (people?.isOver === true) return over(people.reason);
  if (people !== null) return { verdict: 'early', readyAt, asked, reason: people.reason };
  if (asked || readyAt !== null) return { verdict: 'early', readyAt, asked, reason: null };
  return PASSED;
}

/** What people leave to be said; null: nothing. A server that joins hears none of them: those who decide have. */
function judgePeople({ key, said }: Pick<Judged, 'key' | 'said'>): Missing | null {
  if (key === null || !asksPeople(key.head.policy)) return null;
  return said === null ? { isOver: false, reason: NOT_ASKED } : missingIn(key.head.policy, said);
}

/** Nothing is stored here that they could be asked about. */
const NOT_ASKED = 'by the terms of this key people are to say yes, and this server asks nobody about that';

function policyOf({ key, record }: Pick<Judged, 'key' | 'record'>): KeyTerms {
  return key === null ? record.joining!.policy : key.head.policy;
}

function over(reason: string): Guarded {
  return { verdict: 'over', readyAt: null, asked: false, reason };
}
