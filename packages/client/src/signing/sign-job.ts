import type { PeopleAsked, Requester, RequestReply, WaitsFor } from '@ckm/api';
import type { CkmError } from '@ckm/foundation';
import type { RoastState } from '@ckm/threshold';
import type { Participant } from '../servers/ask-all.js';
import type { ClientContext } from '../context/context.js';
import type { CertifiedKey } from '../keys/key-record.js';
import type { OnProgress, ServerRefusal } from '../progress/progress.js';
import type { ServerLink } from '../carrier/server-link.js';
import type { CommitmentPool } from './crafts/commitment-pool.js';
import type { ClientCraft } from './crafts/client-craft.js';
import type { Inbox } from './inbox.js';
import type { UnderstoodRequest } from './request.js';

/** What a server said last of those whom the terms of the key ask. */
export type PeopleAt = PeopleAsked & { readonly waitsFor: WaitsFor };

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
  /** Who asks, where the certified terms of the key ask people; null: they do not. */
  readonly requester: Requester | null;
  /** The same, for a server whose terms ask people since. */
  readonly whoAsks: () => Promise<Requester>;
  /** Votes that its owner brings, as they were signed. */
  readonly votes: readonly Uint8Array[];
  /** In the order in which they are to be asked. */
  readonly participants: readonly Participant[];
  readonly links: ReadonlyMap<Participant, ServerLink>;
  readonly pool: CommitmentPool;
  /** Number of the last attempt that any server may have seen. */
  readonly attemptsBefore: number;
  /** Absent when nobody watches. */
  readonly on: OnProgress | undefined;
  /** Runs before anything of an attempt is sent. */
  readonly beforeAttempt: (number: number) => Promise<void>;
  /** Runs when the request begins to wait for people, and with each server that refuses meanwhile. */
  readonly whenWaiting: (attempts: number, refused: readonly ServerRefusal[]) => Promise<void>;
  /** Runs when a server says that it is in another epoch of the key: whether the key has gone on, so that it is asked anew there. */
  readonly whenElsewhere: () => Promise<boolean>;
  /** Runs when nothing comes of a request that was not kept: with the servers at which it waits for people. */
  readonly whenGivenUp: (waiting: Promise<readonly Participant[]>) => void;
  /** Runs when too many operators have said no: with the servers at which the request may still stand. */
  readonly whenRejected: (left: readonly Participant[]) => void;
}

/** A server that misbehaved while a signature was made. `evidence`: where it is kept. */
export interface SigningFault {
  readonly participant: Participant;
  readonly code: string;
  readonly evidence: string;
}

export interface SignOutcome {
  readonly signatures: readonly Uint8Array[];
  readonly artefact: Uint8Array;
  readonly signers: readonly Participant[];
  readonly faults: readonly SigningFault[];
  /** Did not answer, or not in time. */
  readonly silent: readonly Participant[];
  /** Why they did not, where that is known. */
  readonly silences: readonly Refusal[];
  readonly refused: readonly ServerRefusal[];
  /** Those that may still ask people although enough others have signed; resolves when all had time to say so. */
  readonly undecided: Promise<readonly Participant[]>;
  /** Number of the last attempt. */
  readonly attempts: number;
}

/** What comes back from one server. Exactly one of `reply` and `error` is there. */
export interface ServerAnswer {
  readonly participant: Participant;
  /** The number of the attempt it was asked for, as servers know it; null when it was asked for commitments. */
  readonly attempt: number | null;
  readonly reply: RequestReply | null;
  readonly error: CkmError | null;
}

/**
 * How a server stands besides its part in an attempt. `open`: nothing known against it. `asked`: for commitments, and
 * has not answered. `waiting`: for its operator. The others take no part any more.
 */
export type ServerState = 'open' | 'asked' | 'waiting' | 'refused' | 'silent' | 'faulty';

/** Why a server is not part of it: in its own words. */
export interface Refusal {
  readonly participant: Participant;
  readonly error: CkmError;
}

/** A job as it runs. */
export interface SignRun extends SignJob {
  readonly craft: ClientCraft;
  readonly inbox: Inbox<ServerAnswer>;
  readonly serverStates: Map<Participant, ServerState>;
  /** Those that have said that they sign this: by their policy, or because their operators have said yes. */
  readonly agreed: Set<Participant>;
  /** What those said last that wait for people. */
  readonly people: Map<Participant, PeopleAt>;
  /** Who asks, as those are told that said that it is missing. */
  readonly named: Map<Participant, Requester>;
  /** Those that have been brought the votes. */
  readonly votesBrought: Set<Participant>;
  readonly faults: SigningFault[];
  readonly refusals: Refusal[];
  readonly silences: Refusal[];
  /** Slots asked whether their operators have decided, and which have not answered. */
  readonly polled: Set<number>;
  /** Slots that owed shares when patience was at its end, and have not answered since. */
  readonly overdue: Set<number>;
  /** How often each was asked for commitments. */
  readonly questions: Map<Participant, number>;
  roast: RoastState;
  /** Servers know attempt `n` of `roast` as number `base + n`. */
  base: number;
  /** Messages whose answers have not been taken out of the inbox. */
  unanswered: number;
  isKeptForPeople: boolean;
}

export function participantAt(run: SignRun, slot: number): Participant | undefined {
  return run.participants.find((one) => one.slot === slot);
}

/** In the order in which they are to be asked. */
export function thoseThatAre(run: SignRun, ...serverStates: readonly ServerState[]): Participant[] {
  return run.participants.filter((one) => serverStates.includes(run.serverStates.get(one) ?? 'open'));
}

/** In the order in which people know them. */
export function bySlot(participants: readonly Participant[]): Participant[] {
  return participants.toSorted((a, b) => a.slot - b.slot);
}

/** Number of the last attempt, as servers know it. */
export function lastAttempt({ base, roast }: SignRun): number {
  return base + roast.attempts.length;
}
