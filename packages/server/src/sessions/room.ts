import type { Proposal, RosterOffer, SessionView } from '@ckm/api';
import type { ServerContext } from '../context.js';
import type { KeyRecord } from './keys/key-record.js';

export type SessionResult = NonNullable<SessionView['result']>;
export type SessionFault = NonNullable<SessionView['fault']>;

/** Everything a server keeps about one session, besides its packets and what the row shows; sealed as a whole. */
export interface SessionRecord {
  readonly proposal: Proposal;
  readonly offer: RosterOffer | null;
  /** What every party agreed on, as handed over by the owner; null before that. */
  readonly parameters: Uint8Array | null;
  readonly round: number;
  /** Slots whose packet of this round has not come yet. */
  readonly awaiting: readonly number[];
  /** What the room needs to go on, secrets among it; null when the session is over. */
  readonly secrets: Uint8Array | null;
  readonly result: SessionResult | null;
  readonly fault: SessionFault | null;
  readonly reason: string | null;
}

/** One server's packet of a round, already authenticated. */
export interface Heard {
  readonly from: number;
  readonly payload: Uint8Array;
}

/** What a room says to all others in a round. */
export interface Said {
  readonly round: number;
  readonly payload: Uint8Array;
}

/** A key that a step creates or completes. It is stored in the same transaction as the step. */
export interface KeyChange {
  readonly state: 'pending' | 'active';
  readonly record: KeyRecord;
}

/** What became of a session by a step of its protocol. */
export type RoomStep =
  | {
      readonly kind: 'waiting';
      readonly secrets: Uint8Array;
      readonly round: number;
      readonly awaiting: readonly number[];
      readonly says: readonly Said[];
      readonly key: KeyChange | null;
    }
  | {
      readonly kind: 'finished';
      readonly says: readonly Said[];
      readonly key: KeyChange | null;
      readonly result: SessionResult;
    }
  | { readonly kind: 'aborted'; readonly fault: SessionFault };

/** Who takes part in a session that was joined. */
export interface Members {
  /** In slot order; slot 1 first. */
  readonly identityKeys: readonly Uint8Array[];
  readonly ownSlot: number;
  readonly epoch: number;
}

/**
 * One kind of ceremony. A room computes and decides; it never touches storage, sends nothing and keeps nothing: the
 * desk (`session-desk.ts`) does that for all of them, so that another ceremony is one more room.
 * All of it may be run twice for one step (a transaction that lost a race is run again); only one run is stored.
 */
export interface Room {
  readonly kind: Proposal['kind'];
  /** Named in every packet; another version is another name. */
  readonly protocol: string;
  readonly lastRound: number;
  /** One sentence for the audit log. */
  sentence(proposal: Proposal): string;
  /** Whether this server takes part at all. @throws PolicyError, UsageError */
  accept(context: ServerContext, proposal: Proposal): void;
  /** Makes this server's offer to an account, and what must be remembered about it. */
  open(
    context: ServerContext,
    owner: Uint8Array,
    proposal: Proposal,
  ): { readonly offer: RosterOffer; readonly secrets: Uint8Array };
  /**
   * Checks the parameters against proposal and offer, and takes the first step.
   * @throws EncodingError, PeerFaultError, StateError `PARAMETERS_DIFFER`
   */
  join(
    context: ServerContext,
    record: SessionRecord,
    sessionId: Uint8Array,
    parameters: Uint8Array,
  ): RoomStep;
  /** Of a record that has parameters. */
  members(context: ServerContext, record: SessionRecord): Members;
  /** Whether a payload is something an honest party can have said. */
  isReadable(payload: Uint8Array): boolean;
  /** Takes everything awaited in the current round. Never throws because of what a peer said. */
  advance(
    context: ServerContext,
    record: SessionRecord,
    sessionId: Uint8Array,
    heard: readonly Heard[],
  ): RoomStep;
}
