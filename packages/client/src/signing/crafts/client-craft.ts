import type { CraftAttempt, CraftWanted, NonceCommitment, RequestReply } from '@ckm/api';
import type { EvaluationResult, Task } from '@ckm/requests';
import type { PartyIndex, RoastAction, RoastEvent, RoastState, RoastStep } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import type { CommitmentPool } from './commitment-pool.js';

/** What a craft knows of a job: no people, no progress. */
export interface CraftJob {
  readonly context: Pick<ClientContext, 'random'>;
  readonly key: CertifiedKey;
  readonly requestId: Uint8Array;
  readonly pool: CommitmentPool;
  readonly request: {
    readonly tasks: readonly Task[];
    finish(signatures: readonly Uint8Array[]): Uint8Array;
    finishWith(results: readonly EvaluationResult[]): Uint8Array;
  };
}

/** A new attempt, and who has a part in it. */
export type OpenAttempt = Extract<RoastAction, { kind: 'open-attempt' }>;

/** What one server gave for the next attempt; empty where nothing has to be given. */
export interface Supply {
  readonly party: PartyIndex;
  readonly commitments: readonly NonceCommitment[];
}

/** What is asked of a server beside an attempt, and how much of it counts as coming. */
export interface Wanted {
  readonly wanted: CraftWanted | null;
  readonly asked: number;
}

/**
 * How this client has a quorum do the work of one request: the other half of a server's craft. Everything else about a request,
 * who waits for whom and who refuses, is the same whatever the craft.
 */
export interface ClientCraft {
  begin(supply: readonly Supply[]): RoastStep;
  /** Never throws for what a server sent. */
  take(state: RoastState, event: RoastEvent): RoastStep;
  /** Who could still take part, and has not given what that takes. */
  wanting(state: RoastState): readonly PartyIndex[];
  /** Who did the work that counts. */
  signers(state: RoastState): readonly PartyIndex[];
  /** Whether a server can be asked to attempt at once. */
  isWarm(slot: number): boolean;
  /** Takes out what one server gave for every task, for good; null: it has to be asked. */
  draw(slot: number): readonly NonceCommitment[] | null;
  /** What to ask a server for. @param soon whether it is to take part at once */
  want(slot: number, soon: boolean): Wanted;
  /** What came of a question for `asked`; null: no reply. */
  receive(slot: number, reply: RequestReply | null, asked: number): void;
  /** Whether a reply that is ready gives less than the request takes. */
  isShort(reply: RequestReply): boolean;
  /** What one server is sent. @param number of the attempt, as servers know it */
  attempt(action: OpenAttempt, number: number, slot: number): CraftAttempt;
  /** What a server did, one for each task; anything else than that is no answer. */
  partsIn(reply: RequestReply, number: number, slot: number): readonly Uint8Array[];
  /** What is left of a run goes back. */
  giveBack(state: RoastState): void;
  /** Nothing of that server is used any more. */
  drop(slot: number): void;
  /** What was asked for, out of the results of all tasks. */
  finish(results: readonly Uint8Array[]): Uint8Array;
  /** Overwrites what was kept for this request. */
  end(): void;
}
