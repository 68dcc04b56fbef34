import { z } from 'zod';
import { hexId, hexText, saidName, sentence, unixSeconds } from './common.js';
import type { Immutable } from './immutable.js';

/** Where a list of waiting ceremonies has come to. */
const sessionCursor = z.strictObject({ sessionId: hexId, owner: hexId });

/** All of a cursor, or nothing of it. */
export const sessionsParameters = sessionCursor
  .partial()
  .refine(({ sessionId, owner }) => (sessionId === undefined) === (owner === undefined), {
    error: 'sessionId and owner belong together',
  });

/** Which ceremony was looked at, whole: a yes to it is a yes to nothing else. */
const seenSession = z.strictObject({ sessionId: hexId, owner: hexId, proposalHash: hexId });
export type OperatorSeenSession = Immutable<z.output<typeof seenSession>>;

/** `words`: of a ceremony that asks for them, as its owner tells them. */
export const approveSessionParameters = seenSession.extend({
  as: saidName,
  words: z.string().max(256).optional(),
});

/** `reason` reaches the owner. */
export const rejectSessionParameters = seenSession
  .extend({ as: saidName })
  .extend({ reason: sentence.min(1) });

const operatorSession = z.object({
  owner: hexText,
  sessionId: hexText,
  keyId: hexText,
  kind: z.string(),
  /** Names everything that is proposed. */
  proposalHash: hexText,
  sentence: z.string(),
  /** Whether it waits for the operator. */
  asked: z.boolean(),
  /** When its time is over; null: it waits for none. */
  readyAt: unixSeconds.nullable(),
  createdAt: unixSeconds,
  expiresAt: unixSeconds,
});
export type OperatorSession = Immutable<z.output<typeof operatorSession>>;

/** A page; `next` is where the following one begins, null at the end. */
export const sessionsResult = z.object({
  sessions: z.array(operatorSession),
  next: sessionCursor.nullable(),
});
export type OperatorSessions = Immutable<z.output<typeof sessionsResult>>;
