import { equalBytes } from '@ckm/foundation';
import { isPlainLock, type LockCertificate, verifyLockCertificate } from './lock-certificate.js';
import type { OldMembers } from './members.js';
import {
  type CompleteNext,
  type Decided,
  isComplete,
  isVoided,
  type MemberState,
  type RefusalReason,
  refuses,
  withHighest,
  withPlainLock,
} from './member-state.js';
import type { YieldStatement } from './statements.js';

export interface YieldRequest {
  readonly certificate: LockCertificate;
  /** Transcripts whose whole roster signed them. */
  readonly complete: readonly CompleteNext[];
  /** A freeze delays; nothing else stops what is locked. */
  readonly isFrozen: boolean;
}

/**
 * Third step: shown a lock certificate, a member that has spoken in no higher attempt gives way to the next epoch. Enough
 * yields of one attempt decide. Asked for the same again, it says the same again.
 */
export function yieldTo(
  members: OldMembers,
  state: MemberState,
  request: YieldRequest,
): Decided<YieldStatement> {
  const { certificate } = request;
  const { attempt, next } = certificate;
  const reason = reasonAgainst(members, state, request);
  if (reason !== null) return refuses(reason);
  if (state.attempt === attempt && state.yielded !== null) {
    return equalBytes(state.yielded.next, next)
      ? { kind: 'says', state, statement: state.yielded }
      : refuses('said-otherwise');
  }
  const mayFork = state.released !== null;
  const statement: YieldStatement = { kind: 'yield', slot: state.slot, attempt, mayFork, next };
  const arrived =
    state.attempt === attempt
      ? state
      : { ...state, attempt, promise: null, lock: null, ladder: certificate.locks };
  const noting = noted(members, { ...arrived, yielded: statement }, certificate);
  return { kind: 'says', state: boundTo(noting, certificate), statement };
}

/**
 * Its next promise names what it gave way to. Where liars made two lock certificates in one attempt, it may have been shown the other one
 * before: named instead, that would hide its yield.
 */
function boundTo(state: MemberState, certificate: LockCertificate): MemberState {
  const { highest } = state;
  const isBelow = highest !== null && highest.attempt > certificate.attempt;
  return isBelow ? state : { ...state, highest: certificate };
}

/**
 * A member that is shown a lock certificate keeps the highest, and names it when it promises next. The same state where the
 * certificate does not hold, or its transcript cannot be completed.
 */
export function adopt(
  members: OldMembers,
  state: MemberState,
  certificate: LockCertificate,
  complete: readonly CompleteNext[],
): MemberState {
  const holds = isComplete(complete, certificate.next) && verifyLockCertificate(members, certificate);
  return holds ? withHighest(noted(members, state, certificate), certificate) : state;
}

/** What it would go back to if the words came to nothing takes note of what holds without them. */
function noted(members: OldMembers, state: MemberState, certificate: LockCertificate): MemberState {
  if (state.released === null) return state;
  return isPlainLock(members, certificate) ? withPlainLock(state, certificate) : state;
}

function reasonAgainst(
  members: OldMembers,
  state: MemberState,
  { certificate, complete, isFrozen }: YieldRequest,
): RefusalReason | null {
  if (state.forgot !== null) return 'forgot';
  if (certificate.attempt < state.attempt) return 'attempt-past';
  if (!verifyLockCertificate(members, certificate)) return 'locks-too-few';
  if (!isComplete(complete, certificate.next)) return 'next-incomplete';
  if (isVoided(state, certificate.next)) return 'bound-otherwise';
  const { highest } = state;
  const isBelow = highest !== null && highest.attempt > certificate.attempt;
  if (isBelow && !equalBytes(highest.next, certificate.next)) return 'bound-otherwise';
  return isFrozen ? 'frozen' : null;
}
