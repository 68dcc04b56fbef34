import { concatBytes } from '@ckm/foundation';
import { z } from 'zod';
import { bytesOf, bytesUpTo, slot } from '../fields/fields.js';

/** One server's published nonce commitments, encoded elements (RFC 9591 §5.1). Single use. */
export const nonceCommitment = z.strictObject({ hiding: bytesUpTo(33), binding: bytesUpTo(33) });
export type NonceCommitment = z.infer<typeof nonceCommitment>;

/** At most this many tasks in one request (inputs of one transaction). */
export const MAX_TASKS = 256;
/** At most this many unused commitments a server keeps for one key. */
export const MAX_POOL = 512;
/** At most this many attempts at one request. */
export const MAX_ATTEMPTS = 64;

const MAX_SIGNERS = 32;
/** Hiding and binding commitment of one signer, in the longest encoding. */
const MAX_PAIR_BYTES = 66;

/**
 * Who signs together this time: for each task, in order, the commitments of all signers in slot order, hiding and
 * binding of each, one after another ({@link packCommitments}). In one piece, because eight thousand pairs as values of
 * their own take a fifth of a second to read, and a server reads nothing else meanwhile.
 */
export const frostAttempt = z.strictObject({
  craft: z.literal('frost'),
  number: z.int().min(1).max(MAX_ATTEMPTS),
  signers: z.array(slot).min(2).max(32),
  commitments: z
    .array(bytesUpTo(MAX_SIGNERS * MAX_PAIR_BYTES))
    .min(1)
    .max(MAX_TASKS),
});
export type FrostAttempt = z.infer<typeof frostAttempt>;

/** The commitments of all signers of one task, in slot order, as an attempt carries them. */
export function packCommitments(commitments: readonly NonceCommitment[]): Uint8Array {
  return concatBytes(...commitments.flatMap(({ hiding, binding }) => [hiding, binding]));
}

/** The commitments of one task; null unless they are those of just so many signers. */
export function unpackCommitments(packed: Uint8Array, signers: number): readonly NonceCommitment[] | null {
  const length = packed.length / (2 * signers);
  if (length !== 32 && length !== 33) return null;
  const element = (at: number) => packed.subarray(at * length, (at + 1) * length);
  return Array.from({ length: signers }, (_, at) => ({
    hiding: element(2 * at),
    binding: element(2 * at + 1),
  }));
}

/** What one server did for an attempt: one signature share for each task. */
export const frostAnswer = z.strictObject({
  craft: z.literal('frost'),
  shares: z.array(bytesOf(32)).min(1).max(MAX_TASKS),
});
export type FrostAnswer = z.infer<typeof frostAnswer>;

/** How many fresh commitments are wanted. */
export const frostWanted = z.strictObject({
  craft: z.literal('frost'),
  commitments: z.int().min(1).max(MAX_POOL),
});
export type FrostWanted = z.infer<typeof frostWanted>;

/** Fresh commitments; fewer than were wanted where a budget is used up. */
export const frostPrepared = z.strictObject({
  craft: z.literal('frost'),
  commitments: z.array(nonceCommitment).max(MAX_POOL),
});
export type FrostPrepared = z.infer<typeof frostPrepared>;
