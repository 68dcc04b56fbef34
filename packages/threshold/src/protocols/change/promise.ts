import { equalBytes } from '@ckm/foundation';
import { heard, type OldMembers } from './members.js';
import {
  type Decided,
  type GuardVerdict,
  type MemberState,
  type RefusalReason,
  refuses,
} from './member-state.js';
import { isAttempt, NO_RECALL, type PromiseStatement, type Signed, type Statement } from './statements.js';

/** Shortest time between two new promises of one member, in seconds. */
export const PROMISE_INTERVAL = 600;

export interface PromiseRequest {
  /** 32 bytes: of the order that is to be fulfilled. */
  readonly orderHash: Uint8Array;
  readonly attempt: number;
  /** What others have said in the attempt before, or later. */
  readonly shown: readonly Signed<Statement>[];
  /** 32 bytes that a member who forgot has drawn; null where none asked. */
  readonly recall: Uint8Array | null;
  readonly guards: GuardVerdict;
  /** Seconds since 1970, by the server's clock. */
  readonly now: number;
}

/**
 * First step: a member promises to take part in no lower attempt, and says which lock certificate it knows. The number of
 * an attempt is at most one above one in which a quorum of different members have spoken, so that nobody runs to
 * the end of the numbers. Asked for the same again, it says the same again.
 */
export function promise(
  members: OldMembers,
  state: MemberState,
  request: PromiseRequest,
): Decided<PromiseStatement> {
  const { attempt } = request;
  if (state.forgot !== null) return refuses('forgot');
  if (!isAttempt(attempt) || attempt < state.attempt) return refuses('attempt-past');
  const statement = statementOf(state, request);
  if (attempt === state.attempt) {
    const isSame = state.promise !== null && isSameRequest(state.promise, statement);
    return isSame ? { kind: 'says', state, statement: state.promise } : refuses('said-otherwise');
  }
  const reason = reasonAgainst(state, request);
  if (reason !== null) return refuses(reason);
  const ladder = ladderTo(members, state, request);
  if (ladder === null) return refuses('attempt-ahead');
  const next = { attempt, ladder, promise: statement, lock: null, yielded: null, promisedAt: request.now };
  return { kind: 'says', state: { ...state, ...next }, statement };
}

/** What a server's own conditions refuse. A lock certificate that stands is delayed by a freeze, and stopped by nothing. */
export function guardsAgainst(guards: GuardVerdict, isBound: boolean): RefusalReason | null {
  if (guards === 'passed' || (isBound && guards !== 'frozen')) return null;
  return guards;
}

function reasonAgainst(state: MemberState, { orderHash, guards, now }: PromiseRequest): RefusalReason | null {
  const { released, promisedAt } = state;
  if (released !== null && !equalBytes(released.orderHash, orderHash)) return 'other-order-released';
  if (promisedAt !== null && isWithin(promisedAt, now)) return 'too-soon';
  return guardsAgainst(guards, state.highest !== null);
}

/** A clock that was ahead and is right again must not hold anybody up for as long as it was ahead. */
function isWithin(promisedAt: number, now: number): boolean {
  return promisedAt <= now && now - promisedAt < PROMISE_INTERVAL;
}

function statementOf(state: MemberState, { orderHash, attempt, recall }: PromiseRequest): PromiseStatement {
  const { slot, highest } = state;
  return {
    kind: 'promise',
    slot,
    attempt,
    mayFork: state.released !== null,
    orderHash,
    highest: highest === null ? null : { attempt: highest.attempt, next: highest.next },
    recall: recall ?? NO_RECALL,
  };
}

/** The lock certificate may have become known since: what was said then is said again. */
function isSameRequest(one: PromiseStatement, other: PromiseStatement): boolean {
  return (
    equalBytes(one.orderHash, other.orderHash) &&
    equalBytes(one.recall, other.recall) &&
    one.mayFork === other.mayFork
  );
}

/** Statements that show, with the member's own place, a quorum in the attempt before; null: too few. */
function ladderTo(
  members: OldMembers,
  state: MemberState,
  { attempt, shown }: PromiseRequest,
): readonly Signed<Statement>[] | null {
  const before = attempt - 1;
  if (before === 0) return [];
  const isThere = state.attempt >= before;
  // Who spoke by the words stands where it spoke, also for those whom they have not released.
  const others = heard(
    members,
    // What it said itself, and forgot, was said all the same.
    shown.filter(({ slot, attempt: spoken }) => spoken >= before && !(isThere && slot === state.slot)),
  );
  const wanted = members.quorum.needed - (isThere ? 1 : 0);
  return others.length >= wanted ? others.slice(0, wanted) : null;
}
