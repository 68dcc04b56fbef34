import { z } from 'zod';
import { bytesOf, bytesUpTo, identifier, label, slot, unixSeconds } from './fields.js';

/** One server's published nonce commitments, encoded elements (RFC 9591 §5.1). Single use. */
export const nonceCommitment = z.strictObject({ hiding: bytesUpTo(33), binding: bytesUpTo(33) });
export type NonceCommitment = z.infer<typeof nonceCommitment>;

/** At most this many signatures in one request (inputs of one transaction). */
export const MAX_TASKS = 256;
/** At most this many unused commitments a server keeps for one key. */
export const MAX_POOL = 512;
/** At most this many attempts at one request. */
export const MAX_ATTEMPTS = 64;

/** Who signs together this time: for each task, in order, the commitments of all signers in slot order. */
export const signingAttempt = z.strictObject({
  number: z.int().min(1).max(MAX_ATTEMPTS),
  signers: z.array(slot).min(2).max(32),
  commitments: z.array(z.array(nonceCommitment).min(2).max(32)).min(1).max(MAX_TASKS),
});
export type SigningAttempt = z.infer<typeof signingAttempt>;

/**
 * Asks for signatures. Sent again with the same `requestId` it is the same request: to look, to wait, to attempt.
 * The server derives the sentence, the tasks and every digest from `payload` itself.
 */
export const signingRequest = z.strictObject({
  requestId: identifier,
  keyId: identifier,
  kind: z.string().min(1).max(32),
  payload: bytesUpTo(1_048_576),
  expiresAt: unixSeconds,
  /** Present when the client already holds commitments of all signers: one round trip. */
  attempt: signingAttempt.nullable(),
  /** How many fresh commitments to send back. */
  commitmentsWanted: z.int().min(0).max(MAX_POOL),
});
export type SigningRequest = z.infer<typeof signingRequest>;

/**
 * `waiting`: for the operator. `rejected`: by the operator or by policy. `ready`: approved; attempt with the
 * commitments sent. `stale`: approved, but this attempt used commitments the server no longer knows; attempt again
 * with the ones sent. `signed`: `shares` holds one signature share for each task.
 */
export const signingReply = z.strictObject({
  requestId: identifier,
  state: z.enum(['waiting', 'rejected', 'ready', 'stale', 'signed', 'expired', 'cancelled']),
  sentence: z.string().max(4096),
  reason: label(280).nullable(),
  shares: z.array(bytesOf(32)).max(MAX_TASKS),
  commitments: z.array(nonceCommitment).max(MAX_POOL),
});
export type SigningReply = z.infer<typeof signingReply>;
