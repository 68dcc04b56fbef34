import { z } from 'zod';
import { evaluationAnswer, evaluationAttempt, evaluationPrepared, evaluationWanted } from './evaluation.js';
import { frostAnswer, frostAttempt, frostPrepared, frostWanted } from './frost.js';

/**
 * How the work of a quorum travels: one member of each union for each craft, told apart by `craft`. A new craft is one
 * file beside `frost.ts` and one member here.
 */
export const craftAttempt = z.discriminatedUnion('craft', [frostAttempt, evaluationAttempt]);
/** Who works together this time, and with what. */
export type CraftAttempt = z.infer<typeof craftAttempt>;

export const craftAnswer = z.discriminatedUnion('craft', [frostAnswer, evaluationAnswer]);
/** What one server did for an attempt. */
export type CraftAnswer = z.infer<typeof craftAnswer>;

export const craftWanted = z.discriminatedUnion('craft', [frostWanted, evaluationWanted]);
/** What a client wants prepared, so that its next attempt costs one round trip. */
export type CraftWanted = z.infer<typeof craftWanted>;

export const craftPrepared = z.discriminatedUnion('craft', [frostPrepared, evaluationPrepared]);
/** What a server prepared. */
export type CraftPrepared = z.infer<typeof craftPrepared>;

/** The crafts that travel. */
export type CraftName = CraftAttempt['craft'];
