import type { SigningReply } from '@ckm/api';
import type { CkmError } from '@ckm/foundation';
import type { Participant } from '../ceremony/ask-all.js';
import type { ClientContext } from '../context.js';
import type { CertifiedKey } from '../keys/key-record.js';
import type { OnProgress } from '../progress/progress.js';
import type { ServerLink } from '../transport/server-link.js';
import type { CommitmentPool } from './commitment-pool.js';
import type { Inbox } from './inbox.js';
import type { UnderstoodRequest } from './request.js';
import type { Attempt, Roast } from './roast.js';

/** Everything one signature is made with. */
export interface SignJob {
  readonly context: ClientContext;
  readonly key: CertifiedKey;
  readonly request: UnderstoodRequest;
  /** 32 bytes */
  readonly requestId: Uint8Array;
  /** UnixSeconds */
  readonly expiresAt: number;
  /** Until when to wait for people. UnixSeconds */
  readonly waitUntil: number;
  /** In the order in which they are to be asked. */
  readonly participants: readonly Participant[];
  readonly links: ReadonlyMap<Participant, ServerLink>;
  readonly pool: CommitmentPool;
  /** Number of the last attempt that any server may have seen. */
  readonly attemptsBefore: number;
  readonly on: OnProgress;
  /** Runs before anything of an attempt is sent. */
  readonly beforeAttempt: (number: number) => Promise<void>;
  /** Runs once, when the request begins to wait for people. */
  readonly whenWaiting: (attempts: number) => Promise<void>;
}

/** A server that misbehaved while a signature was made. `evidence`: where it is kept. */
export interface SigningFault {
  readonly participant: Participant;
  readonly code: `FAULT_${string}`;
  readonly evidence: string;
}

export interface SignOutcome {
  readonly signatures: readonly Uint8Array[];
  readonly artefact: Uint8Array;
  readonly signers: readonly Participant[];
  readonly faults: readonly SigningFault[];
  /** Did not answer. */
  readonly silent: readonly Participant[];
  /** Were still waiting for people when enough others had signed. */
  readonly waiting: readonly Participant[];
  readonly attempts: number;
}

/** What comes back from one server. Exactly one of `reply` and `error` is there. */
export interface Happening {
  readonly participant: Participant;
  /** The attempt it was asked for; null when it was asked for commitments. */
  readonly attempt: Attempt | null;
  readonly reply: SigningReply | null;
  readonly error: CkmError | null;
}

/** Why a server is not part of it: in its own words. */
export interface Refusal {
  readonly participant: Participant;
  readonly error: CkmError;
}

/** A job as it runs. */
export interface SignRun extends SignJob {
  readonly roast: Roast;
  readonly inbox: Inbox<Happening>;
  readonly faults: SigningFault[];
  readonly refusals: Refusal[];
  readonly silences: Refusal[];
  /** Slots asked whether their operators have decided, and which have not answered. */
  readonly polled: Set<number>;
  isKeptForPeople: boolean;
}

export function participantAt(run: SignRun, slot: number): Participant {
  return run.participants.find((one) => one.slot === slot)!;
}
