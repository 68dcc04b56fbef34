import { MOST_POINTS } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, bytesUpTo } from '../fields/fields.js';
import { MAX_ATTEMPTS } from './frost.js';

/** A proof, a point for each task, and what sealing adds: ephemeral key and tag. */
const MAX_SEALED_BYTES = 64 + 32 * MOST_POINTS + 48;

/**
 * Whom this server's part is for: a key of X25519 made for this attempt alone, whose secret half stays in memory. Recorded
 * traffic and a stolen machine together open nothing then.
 */
export const evaluationAttempt = z.strictObject({
  craft: z.literal('evaluation'),
  number: z.int().min(1).max(MAX_ATTEMPTS),
  /** How many tasks the request has: what it costs is told before it is read. */
  points: z.int().min(1).max(MOST_POINTS),
  recipient: bytesOf(32),
});
export type EvaluationAttempt = z.infer<typeof evaluationAttempt>;

/** What one server did for an attempt: its outputs and their proof, sealed to the recipient. */
export const evaluationAnswer = z.strictObject({
  craft: z.literal('evaluation'),
  sealed: bytesUpTo(MAX_SEALED_BYTES),
});
export type EvaluationAnswer = z.infer<typeof evaluationAnswer>;

/** Nothing has to be prepared: servers answer by themselves. */
export const evaluationWanted = z.strictObject({ craft: z.literal('evaluation') });
export const evaluationPrepared = z.strictObject({ craft: z.literal('evaluation') });
