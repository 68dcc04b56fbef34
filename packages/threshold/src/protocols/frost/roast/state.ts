import type { Tweak } from '../../../hd/index.js';
import type { PartyIndex } from '../../../protocol/contract.js';
import type { PublicKeyPackage } from '../../../key/public-package.js';
import type { Commitment } from '../round-1-commit.js';
import type { SigningPackage } from '../signing-package.js';

/** One signature of a request: what is signed, with which key below the certified one. */
export interface RoastTask {
  readonly message: Uint8Array;
  readonly tweak: Tweak;
}

/** D and E as a party sends them; who sent them is known from the transport, never from inside. */
export type NoncePair = Pick<Commitment, 'hiding' | 'binding'>;

/**
 * What a party is doing. `absent`: has given no commitments that are still good. `ready`: has, one for each task.
 * `signing`: owes the shares of an attempt. `excluded`: takes no part any more, with the reason.
 */
export type RoastMemberStatus =
  | { readonly kind: 'absent' }
  | { readonly kind: 'ready'; readonly since: number; readonly commitments: readonly Commitment[] }
  | { readonly kind: 'signing'; readonly attempt: number }
  | { readonly kind: 'excluded'; readonly code: string };

export interface RoastMember {
  readonly party: PartyIndex;
  readonly status: RoastMemberStatus;
  /** How often it may still say that it lost its nonces (it was restarted) without being excluded. */
  readonly excuses: number;
}

/** Shares of one party for all tasks; `checked` once each was found right by itself. */
export interface RoastAnswer {
  readonly party: PartyIndex;
  readonly shares: readonly Uint8Array[];
  readonly checked: boolean;
}

export interface RoastAttempt {
  /** Counts from 1; the place in `RoastState.attempts` plus one. */
  readonly number: number;
  readonly parties: readonly PartyIndex[];
  /** One for each task. */
  readonly packages: readonly SigningPackage[];
  readonly answers: readonly RoastAnswer[];
  /** `failed`: cannot be completed any more. */
  readonly status: 'open' | 'failed';
}

/**
 * The coordinator of one request: plain data without secrets, so it can be stored, copied and resumed. Whoever runs it
 * is trusted for liveness only.
 */
export interface RoastState {
  readonly parent: PublicKeyPackage;
  readonly tasks: readonly RoastTask[];
  readonly members: readonly RoastMember[];
  readonly attempts: readonly RoastAttempt[];
  /** Counts the commitments received; the earliest are used first. */
  readonly arrivals: number;
  /** The driver does not want to wait for the open attempt alone any more. */
  readonly hurry: boolean;
  /** null while running. One signature for each task, or nothing when too few parties are left. */
  readonly outcome: null | { readonly signatures: readonly Uint8Array[] | null };
}

/** What the driver tells the coordinator. Contents that come from a party are not trusted. */
export type RoastEvent =
  /** First commitments, or new ones after the old were used up. */
  | { readonly kind: 'commitments'; readonly party: PartyIndex; readonly commitments: readonly NoncePair[] }
  /** Shares for an attempt, one for each task, with commitments for the next attempt (null when it gave none). */
  | {
      readonly kind: 'shares';
      readonly party: PartyIndex;
      readonly attempt: number;
      readonly shares: readonly Uint8Array[];
      readonly next: readonly NoncePair[] | null;
    }
  /** The party was restarted and does not know its commitments any more. */
  | {
      readonly kind: 'stale';
      readonly party: PartyIndex;
      readonly attempt: number;
      readonly next: readonly NoncePair[] | null;
    }
  /** The party will not sign this request, or cannot be reached for good. */
  | { readonly kind: 'declined'; readonly party: PartyIndex; readonly code: string }
  /** The driver's patience with silent parties is at its end. */
  | { readonly kind: 'impatient' };

/** What the driver shall do next. */
export type RoastAction =
  /** Send `packages` (one for each task) to each of `parties`. */
  | {
      readonly kind: 'open-attempt';
      readonly attempt: number;
      readonly parties: readonly PartyIndex[];
      readonly packages: readonly SigningPackage[];
    }
  /** One signature for each task, each verified under its key. */
  | { readonly kind: 'finished'; readonly signatures: readonly Uint8Array[] }
  /** This party broke the protocol, or is suspected to have, and is left out from now on. */
  | { readonly kind: 'faulty'; readonly party: PartyIndex; readonly code: RoastFaultCode }
  /** Fewer parties than the quorum are left. */
  | { readonly kind: 'exhausted' };

/**
 * Why a party was left out. `SUSPECT_NONCES_LOST`: it said twice in one request that it was restarted, which can be true
 * and which nobody can check.
 */
export type RoastFaultCode =
  'FAULT_COMMITMENT_INVALID' | 'FAULT_SHARE_INVALID' | 'FAULT_MALFORMED' | 'SUSPECT_NONCES_LOST';

export interface RoastStep {
  readonly state: RoastState;
  readonly actions: readonly RoastAction[];
}

/** The state with one member's status replaced. */
export function withStatus(
  state: RoastState,
  party: PartyIndex,
  status: RoastMemberStatus,
  change: Partial<RoastMember> = {},
): RoastState {
  const members = state.members.map((member) =>
    member.party === party ? { ...member, ...change, status } : member,
  );
  return { ...state, members };
}

/** The state with one attempt replaced. */
export function withAttempt(
  state: RoastState,
  number: number,
  change: (attempt: RoastAttempt) => RoastAttempt,
): RoastState {
  return {
    ...state,
    attempts: state.attempts.map((attempt) => (attempt.number === number ? change(attempt) : attempt)),
  };
}

/** undefined for a party that is not among the key's. */
export function memberOf(state: RoastState, party: PartyIndex): RoastMember | undefined {
  return state.members.find((member) => member.party === party);
}

/** Leaves a party out for a fault, with the action that says so. Once only. */
export function exclude(step: RoastStep, party: PartyIndex, code: RoastFaultCode): RoastStep {
  if (memberOf(step.state, party)?.status.kind === 'excluded') return step;
  return {
    state: withStatus(step.state, party, { kind: 'excluded', code }),
    actions: [...step.actions, { kind: 'faulty', party, code }],
  };
}
