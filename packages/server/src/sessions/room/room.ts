import type { Proposal, SessionResult, SessionView } from '@ckm/api';
import type { PolicyError } from '@ckm/foundation';
import type { Data, Identity } from '@ckm/gordian';
import type { Call, Clock, Random } from '../../context.js';
import type { Reader, SessionRow, Transaction } from '../../storage/storage.js';
import type { StaticSeeds } from '../../vault/static-seeds.js';
import type { KeyChange, RoomChange } from '../keys/change-key.js';
import type { Seats } from './seats.js';

export type SessionFault = NonNullable<SessionView['fault']>;

/** What a room may use of the server: nothing that stores, sends, counts or reports. */
export interface RoomMeans {
  readonly identity: Identity;
  readonly random: Random;
  readonly clock: Clock;
  readonly staticSeeds: StaticSeeds;
  /** The address that clients use. */
  readonly publicUrl: string;
}

/** Whose session it is, and where its room may look. */
export interface Owned {
  readonly owner: Uint8Array;
  readonly reader: Reader;
}

/** One session as its room sees it. */
export interface RoomSession<P extends Proposal = Proposal> extends Owned {
  readonly sessionId: Uint8Array;
  readonly proposal: P;
  /** What this server offered. */
  readonly offer: Data;
  /** What the room wanted to be remembered last. Secret; wiped by the caller. */
  readonly secrets: Uint8Array;
}

/** A session whose parameters are agreed on, and that has been joined. */
export interface JoinedSession<P extends Proposal = Proposal> extends RoomSession<P> {
  readonly parameters: Uint8Array;
  readonly seats: Seats;
  readonly round: number;
}

/** One server's packet of a round, already authenticated, and opened when it was sealed. */
export interface Heard {
  readonly from: number;
  /** 0: everyone was told; else it was for this server alone. */
  readonly to: number;
  readonly payload: Uint8Array;
}

/** What a room says in a round. */
export interface Said {
  readonly round: number;
  /** 0: everyone; else a slot, and the payload is sealed to it. */
  readonly to: number;
  readonly payload: Uint8Array;
}

/** What a room answers to a proposal: takes part, does not, or the operator is asked. */
export type Admission =
  | { readonly kind: 'offer' }
  | { readonly kind: 'refusal'; readonly error: PolicyError }
  | {
      readonly kind: 'ask';
      /** Seconds after which a silent operator counts as a yes (`waiting-time.ts`); absent: he never does. */
      readonly grantedAfter?: number;
    }
  /** It takes part when so many seconds have been counted, and where its operator is asked, he has said yes too. */
  | { readonly kind: 'wait'; readonly seconds: number; readonly asked: boolean };

/** By whom it was decided that this server takes part. `time`: the operator said nothing for as long as the room gave him. */
export type Granted = 'room' | 'operator' | 'time';

/** On whose behalf a room is asked, and where it may look while it decides. */
export interface Asking {
  readonly account: Call['account'];
  readonly transaction: Transaction;
}

/** How far people are whom a room asks, besides the operator. */
export interface RoomHearing {
  /** Null: nothing is left to be said; else for whom it waits, or who ended it, in words. */
  readonly reason: string | null;
  /** Too many said no. */
  readonly isOver: boolean;
}

/** People without whom a ceremony does not begin, whatever operator and time say. */
export interface RoomPeople<P extends Proposal = Proposal> {
  /** Asks them, where the key names any; in the transaction that stores the proposal. */
  ask(transaction: Transaction, row: Pick<SessionRow, 'owner' | 'expiresAt'>, proposal: P): Promise<void>;
  hear(owned: Owned, proposal: P): Promise<RoomHearing>;
  /** Nobody is asked any more: the ceremony is over, or done by what they said. */
  rest(
    transaction: Transaction,
    row: Pick<SessionRow, 'owner'>,
    proposal: P,
    released?: 'released',
  ): Promise<void>;
}

/** What a server puts forward, and what must be remembered about it. */
export interface Opened {
  readonly offer: Data;
  /** Secret; wiped by the caller. */
  readonly secrets: Uint8Array;
}

/** Who sits where, and the first step. */
export interface Joined {
  readonly seats: Seats;
  readonly step: RoomStep;
}

/** What became of a session by a step of its protocol. Keys change in the same transaction, in the order listed. */
export type RoomStep =
  | {
      readonly kind: 'waiting';
      readonly secrets: Uint8Array;
      readonly round: number;
      /**
       * Slots that must have said all they say to us in this round before the next step. Whoever speaks to everyone is
       * among them: what all were told must be heard by all.
       */
      readonly awaiting: readonly number[];
      readonly says: readonly Said[];
      readonly keys: readonly KeyChange[];
    }
  | {
      readonly kind: 'finished';
      readonly says: readonly Said[];
      readonly keys: readonly KeyChange[];
      readonly result: SessionResult;
    }
  | { readonly kind: 'aborted'; readonly fault: SessionFault };

/**
 * One kind of ceremony. A room reads, computes and decides; it never writes, sends nothing and keeps nothing: `session-draft.ts`
 * and `session-store.ts` do that for all of them, so that another ceremony is one more room.
 * All of it may be run twice for one step (a transaction that lost a race is run again); only one run is stored.
 */
export interface Room<P extends Proposal = Proposal> {
  readonly kind: P['kind'];
  /** Named in every packet; another version is another name. */
  readonly protocol: string;
  readonly lastRound: number;
  /** Whether it takes part for keys of drills too; absent: never. */
  readonly takesDrills?: true;
  /** Reads what belongs to this kind. @throws EncodingError `PARAMETERS_INVALID` */
  parseProposal(proposal: Proposal): P;
  /** One sentence for operator and audit log. */
  sentence(proposal: P): string;
  /** Milliseconds of one core that deciding about a proposal may take, beyond what every message costs; absent: none. */
  cost?(proposal: P): number;
  /** Whether this server takes part at all. @throws PolicyError, UsageError, StateError: nothing is stored */
  admit(asking: Asking, proposal: P): Promise<Admission>;
  /** Whether time that a silent operator is given stands still, because of what became of the key; absent: never. */
  isPaused?(owned: Owned, proposal: P): Promise<boolean>;
  /** Whom it asks besides the operator; absent: nobody. Only with an admission that waits. */
  readonly people?: RoomPeople<P>;
  /** What a no to a proposal, or its owner taking it back, leaves behind at the key; absent: nothing. */
  declined?(proposal: P): readonly KeyChange[];
  /**
   * 32 bytes whose likeness in words an operator types who says yes to a proposal, because its owner told him; absent: none
   * are asked for.
   */
  words?(proposal: P): Uint8Array;
  /**
   * Stores what a step does to the key where that is of this kind of ceremony alone, in the transaction of the step: the one
   * thing that a room writes. Absent: it has none of its own.
   */
  storeKey?(
    transaction: Transaction,
    row: Pick<SessionRow, 'owner' | 'keyId'>,
    change: RoomChange,
  ): Promise<void>;
  /** Makes this server's offer to an account, once it takes part. */
  open(means: RoomMeans, owned: Owned, proposal: P, granted: Granted): Opened | Promise<Opened>;
  /**
   * Checks the parameters against proposal and offer, says who sits where, and takes the first step.
   * @throws EncodingError, PeerFaultError, StateError `PARAMETERS_DIFFER`
   */
  join(means: RoomMeans, session: RoomSession<P>, parameters: Uint8Array): Joined | Promise<Joined>;
  /** Longest payload that an honest party says in a round, in bytes. */
  payloadLimit(round: number): number;
  /** Whether a payload is something an honest party can have said in a round. */
  isReadable(round: number, payload: Uint8Array): boolean;
  /** Takes everything awaited in the current round. Never throws because of what a peer said. */
  advance(means: RoomMeans, session: JoinedSession<P>, heard: readonly Heard[]): RoomStep;
}
