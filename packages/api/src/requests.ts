import { z } from 'zod';
import { craftAnswer, craftAttempt, craftPrepared, craftWanted } from './crafts/crafts.js';
import type { NonceCommitment } from './crafts/frost.js';
import { bytesUpTo, epoch, identifier, label, meantTranscript, unixSeconds } from './fields/fields.js';
import { carriedVotes, peopleAsked, requester, waitsFor } from './votes/functions.js';

/** About a longer payload no people are asked: what it takes to judge it fits into one message with it. Bytes. */
export const MAX_ASKED_PAYLOAD_BYTES = 524_288;
/** A longer payload is not read. Bytes. */
export const MAX_PAYLOAD_BYTES = 1_048_576;

/**
 * Asks for work with a key. Sent again with the same `requestId` it is the same request: to look, to wait, to attempt.
 * The server derives the sentence, the tasks and every digest from `payload` itself.
 */
export const requestAsk = z.strictObject({
  requestId: identifier,
  keyId: identifier,
  /** The epoch of the key that `attempt` and `wanted` belong to. */
  epoch,
  transcriptHash: meantTranscript,
  kind: z.string().min(1).max(32),
  payload: bytesUpTo(MAX_PAYLOAD_BYTES),
  expiresAt: unixSeconds,
  /** Present when the client already holds what all signers prepared: one round trip. */
  attempt: craftAttempt.nullable(),
  /** What to prepare and send back. */
  wanted: craftWanted.nullable(),
  /** Votes on it that its owner carries, of whomever; absent: none. */
  votes: carriedVotes.exactOptional(),
  /** Who asks, where the terms of the key ask people; absent: nobody says so, and such a key refuses. */
  requester: requester.exactOptional(),
});
export type RequestAsk = z.infer<typeof requestAsk>;

/**
 * `waiting`: for people, the operator or both (`waitsFor`). `rejected`: by people, by the operator or by policy. `ready`: approved; attempt with what was
 * prepared. `stale`: approved, but this attempt used what the server no longer knows; attempt again with what was
 * prepared now. `answered`: `answer` holds this server's part of the attempt.
 */
export const requestReply = z.strictObject({
  requestId: identifier,
  state: z.enum(['waiting', 'rejected', 'ready', 'stale', 'answered', 'expired', 'cancelled']),
  sentence: z.string().max(4096),
  reason: label(280).nullable(),
  answer: craftAnswer.nullable(),
  prepared: craftPrepared.nullable(),
  /** Of what is `waiting`; absent: for the operator. */
  waitsFor: waitsFor.exactOptional(),
  /** Absent: the key asks nobody. */
  people: peopleAsked.exactOptional(),
});
export type RequestReply = z.infer<typeof requestReply>;

/** The signature shares of a reply, one for each task; none when it holds no answer. */
export function sharesIn({ answer }: Pick<RequestReply, 'answer'>): readonly Uint8Array[] {
  return answer?.craft === 'frost' ? answer.shares : [];
}

/** The commitments of a reply; none when nothing was prepared. */
export function commitmentsIn({ prepared }: Pick<RequestReply, 'prepared'>): readonly NonceCommitment[] {
  return prepared?.craft === 'frost' ? prepared.commitments : [];
}
