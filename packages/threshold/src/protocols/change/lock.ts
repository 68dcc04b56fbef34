import { equalBytes } from '@ckm/foundation';
import {
  highestNamed,
  isPromiseOf,
  isSameLock,
  type LockCertificate,
  verifyLockCertificate,
} from './lock-certificate.js';
import { areEnough, counted, type OldMembers } from './members.js';
import {
  type CompleteNext,
  type Decided,
  type GuardVerdict,
  isComplete,
  isVoided,
  type MemberState,
  type RefusalReason,
  refuses,
} from './member-state.js';
import { guardsAgainst } from './promise.js';
import type { LockName, LockStatement, PromiseStatement, Signed } from './statements.js';

export interface LockRequest {
  readonly attempt: number;
  /** 32 bytes: the transcript that is to be the next epoch. */
  readonly next: Uint8Array;
  readonly promises: readonly Signed<PromiseStatement>[];
  /** The lock certificates that the promises name: a promise that names another is none. */
  readonly certificates: readonly LockCertificate[];
  /** Transcripts whose whole roster signed them, `next` among them, and what the certificates lock. */
  readonly complete: readonly CompleteNext[];
  readonly guards: GuardVerdict;
}

/**
 * Second step: a member that has checked the promises itself, its own among them, says that nothing but this transcript
 * may become the next epoch in this attempt. Where a promise names a lock certificate, the highest one says which; else
 * the order that all of them name. Asked for the same again, it says the same again.
 */
export function lock(members: OldMembers, state: MemberState, request: LockRequest): Decided<LockStatement> {
  const { attempt, next } = request;
  const reason = reasonAgainst(members, state, request);
  if (reason !== null) return refuses(reason);
  const mayFork = state.released !== null;
  const statement: LockStatement = { kind: 'lock', slot: state.slot, attempt, mayFork, next };
  if (state.lock === null) return { kind: 'says', state: { ...state, lock: statement }, statement };
  return equalBytes(state.lock.next, next)
    ? { kind: 'says', state, statement: state.lock }
    : refuses('said-otherwise');
}

function reasonAgainst(members: OldMembers, state: MemberState, request: LockRequest): RefusalReason | null {
  const own = state.promise;
  if (state.forgot !== null) return 'forgot';
  if (request.attempt < state.attempt) return 'attempt-past';
  if (request.attempt > state.attempt || own === null) return 'not-promised';
  const promises = countedPromises(members, state, request);
  if (!promises.some((one) => isSamePromise(one, own))) return 'own-promise-missing';
  const bound = highestNamed(promises.map((one) => withoutVoided(state, one)));
  const known = state.highest;
  if (bound === null && !isNewAndOfOrder(members, promises, own, request)) {
    return areEnough(members, promises.filter(isOfOrder(own.orderHash)))
      ? 'next-incomplete'
      : 'promises-too-few';
  }
  if (!areEnough(members, promises)) return 'promises-too-few';
  if (bound !== null && !equalBytes(bound.next, request.next)) return 'bound-otherwise';
  if (known !== null && !equalBytes(known.next, request.next)) {
    // What it was shown since it promised binds it only where it is higher than what binds the attempt.
    if (bound === null || known.attempt > bound.attempt) return 'bound-otherwise';
  }
  return guardsAgainst(request.guards, bound !== null);
}

/** Promises of the attempt whose lock certificates were shown too, with transcripts that can be completed. */
function countedPromises(
  members: OldMembers,
  state: MemberState,
  { attempt, promises, certificates, complete }: LockRequest,
): readonly Signed<PromiseStatement>[] {
  const standing = certificates.filter(
    (one) => isComplete(complete, one.next) && verifyLockCertificate(members, one),
  );
  const isShown = (name: LockName) => standing.some((one) => isSameLock(one, name));
  const holds = ({ highest }: PromiseStatement) =>
    highest === null || isVoided(state, highest.next) || isShown(highest);
  return counted(members, promises.filter(isPromiseOf(members, attempt)).filter(holds));
}

/** Where nothing binds: enough promises of one order, and a transcript that fulfils it. */
function isNewAndOfOrder(
  members: OldMembers,
  promises: readonly PromiseStatement[],
  { orderHash }: PromiseStatement,
  { complete, next }: LockRequest,
): boolean {
  const isFulfilled = complete.some(
    (one) => equalBytes(one.next, next) && equalBytes(one.orderHash, orderHash),
  );
  return isFulfilled && areEnough(members, promises.filter(isOfOrder(orderHash)));
}

function isOfOrder(orderHash: Uint8Array) {
  return (one: PromiseStatement): boolean => equalBytes(one.orderHash, orderHash);
}

function withoutVoided(state: MemberState, one: PromiseStatement): PromiseStatement {
  return one.highest !== null && isVoided(state, one.highest.next) ? { ...one, highest: null } : one;
}

/** By content: a signature can be made again, and only what this member remembers to have said counts. */
function isSamePromise(one: PromiseStatement, other: PromiseStatement): boolean {
  return (
    one.slot === other.slot &&
    one.mayFork === other.mayFork &&
    equalBytes(one.orderHash, other.orderHash) &&
    equalBytes(one.recall, other.recall) &&
    (one.highest === null || other.highest === null
      ? one.highest === other.highest
      : isSameLock(one.highest, other.highest))
  );
}
