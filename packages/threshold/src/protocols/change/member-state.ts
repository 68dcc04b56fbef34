import { equalBytes } from '@ckm/foundation';
import type { PartyIndex } from '../../protocol/contract.js';
import type { LockCertificate } from './lock-certificate.js';
import type { LockStatement, PromiseStatement, Signed, Statement, YieldStatement } from './statements.js';

/**
 * What one old member remembers of the tries to change its epoch. Plain, without secrets, one row: stored before the
 * statement leaves. A copy that is older than what was said is worse than none: see `restored`.
 */
export interface MemberState {
  readonly slot: PartyIndex;
  /** Highest attempt in which this member has said anything; 0 before the first. It says nothing in a lower one. */
  readonly attempt: number;
  /** What it said in that attempt, so that it says the same again, and nothing else. */
  readonly promise: PromiseStatement | null;
  readonly lock: LockStatement | null;
  readonly yielded: YieldStatement | null;
  /** The lock certificate of the highest attempt that it was shown. */
  readonly highest: LockCertificate | null;
  /** Statements of others that let it come to its attempt: shown to members who are behind. */
  readonly ladder: readonly Signed<Statement>[];
  /** When it last promised something new, in seconds as the server counts them. */
  readonly promisedAt: number | null;
  /**
   * 32 bytes drawn when this state was restored or the member repaired: it may have said what it does not know of, and says
   * nothing until all others have reminded it. null: it remembers everything.
   */
  readonly forgot: Uint8Array | null;
  /** What the owner's words have released; null: nothing. */
  readonly released: Release | null;
}

/** What the owner's words (or the votes of `change`) let a member do although an epoch may fork by it. */
export interface Release {
  /** 32 bytes: the only order that it helps from now on. */
  readonly orderHash: Uint8Array;
  /** 32 bytes: next transcript that no longer binds, because too few of its roster are alive; null: none. */
  readonly voided: Uint8Array | null;
  /** What it knows apart from the words, and goes back to where the order comes to nothing. Absent: kept by nobody; the release ends with the epoch. */
  readonly plain?: PlainMemory;
}

/** What a member would know if the words had not released it. */
export interface PlainMemory {
  /** As in its state: what the words do not make it remember. */
  readonly forgot: Uint8Array | null;
  /** The highest lock certificate that holds without marked statements, voided or not. */
  readonly highest: LockCertificate | null;
}

/** What this member's own conditions say of the order, here and now; judged by the server. */
export type GuardVerdict =
  /** Its delay is over, and nothing is against it. */
  | 'passed'
  /** Its delay is not over. */
  | 'early'
  /** It has expired, was cancelled, or newer terms are in force. */
  | 'over'
  /** The key is frozen. */
  | 'frozen';

/** Why a member says nothing. None of these is anybody's proven fault. */
export type RefusalReason =
  /** It was restored or repaired and does not know what it has said. */
  | 'forgot'
  /** It has spoken in a higher attempt. */
  | 'attempt-past'
  /** Too few different members were shown in the attempt before. */
  | 'attempt-ahead'
  /** It promised something new less than ten minutes ago. */
  | 'too-soon'
  /** It has said something else in this attempt. */
  | 'said-otherwise'
  /** It did not promise in this attempt. */
  | 'not-promised'
  /** Not enough promises that count, for this order or with the lock certificate that binds them. */
  | 'promises-too-few'
  /** Its own promise is not among them. */
  | 'own-promise-missing'
  /** A lock certificate binds the attempt to another transcript. */
  | 'bound-otherwise'
  /** What is shown is no lock certificate. */
  | 'locks-too-few'
  /** Nobody has shown the next transcript with the signatures of its whole roster. */
  | 'next-incomplete'
  /** The words released this member for another order only. */
  | 'other-order-released'
  /** Not all others have reminded it, each by a promise of the same attempt with what it drew. */
  | 'reminders-too-few'
  /** The conditions of its own server. */
  | Exclude<GuardVerdict, 'passed'>;

/** What comes of asking a member. A statement is signed and sent only after the state is stored. */
export type Decided<S extends Statement> =
  | { readonly kind: 'says'; readonly state: MemberState; readonly statement: S }
  | { readonly kind: 'refuses'; readonly reason: RefusalReason };

/** A next transcript to which the caller has found the signatures of its whole roster. */
export interface CompleteNext {
  /** 32 bytes: hash of the core of the order that it fulfils. */
  readonly orderHash: Uint8Array;
  /** 32 bytes: its transcript hash. */
  readonly next: Uint8Array;
}

/** A member that has said nothing yet in its epoch. */
export function newMember(slot: PartyIndex): MemberState {
  return {
    slot,
    attempt: 0,
    promise: null,
    lock: null,
    yielded: null,
    highest: null,
    ladder: [],
    promisedAt: null,
    forgot: null,
    released: null,
  };
}

export function refuses(reason: RefusalReason) {
  return { kind: 'refuses', reason } as const;
}

/** Whether the words have said that a transcript binds this member no longer. */
export function isVoided({ released }: MemberState, next: Uint8Array): boolean {
  const voided = released?.voided ?? null;
  return voided !== null && equalBytes(voided, next);
}

/** The state after it was shown a lock certificate that holds: the higher one is kept. */
export function withHighest(state: MemberState, certificate: LockCertificate): MemberState {
  if (isVoided(state, certificate.next)) return state;
  const isHigher = state.highest === null || certificate.attempt > state.highest.attempt;
  return isHigher ? { ...state, highest: certificate } : state;
}

/** What it goes back to knows a lock certificate, too, that holds without marks: also one that the words have voided. */
export function withPlainLock(state: MemberState, certificate: LockCertificate): MemberState {
  const plain = state.released?.plain;
  if (state.released === null || plain === undefined) return state;
  const isHigher = plain.highest === null || certificate.attempt > plain.highest.attempt;
  if (!isHigher) return state;
  return { ...state, released: { ...state.released, plain: { ...plain, highest: certificate } } };
}

/** Whether its whole roster signed this transcript, as far as the caller has found. */
export function isComplete(complete: readonly CompleteNext[], next: Uint8Array): boolean {
  return complete.some((one) => equalBytes(one.next, next));
}
