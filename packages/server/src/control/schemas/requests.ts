import { z } from 'zod';
import { hexId, hexPrefix, hexText, saidName, sentence, unixSeconds, wholeNumber } from './common.js';
import type { Immutable } from './immutable.js';

/** Where a list of waiting requests has come to. */
const requestCursor = z.strictObject({ createdAt: unixSeconds, requestId: hexId, owner: hexId });
export type OperatorRequestCursor = Immutable<z.output<typeof requestCursor>>;

/** All of a cursor, or nothing of it. */
export const requestsParameters = requestCursor
  .partial()
  .refine(
    ({ createdAt, requestId, owner }) => new Set([createdAt, requestId, owner].map(isAbsent)).size === 1,
    {
      error: 'createdAt, requestId and owner belong together',
    },
  );

export const requestParameters = z.strictObject({ requestId: hexPrefix, owner: hexId.optional() });

/** What was looked at: nothing else is approved, and without its owner no id that two accounts have used. */
export const approveParameters = z.strictObject({
  requestId: hexPrefix,
  tasksHash: hexId.optional(),
  owner: hexId.optional(),
  keyId: hexId.optional(),
  as: saidName,
});

/** `reason` reaches whoever asked. */
export const rejectParameters = z.strictObject({
  requestId: hexPrefix,
  reason: sentence.min(1),
  as: saidName,
});
export const rejectAllParameters = z.strictObject({ xid: hexId, reason: sentence.min(1), as: saidName });
export const rejectAllResult = z.object({ rejected: wholeNumber });

const row = z.object({ label: z.string(), value: z.string(), note: z.string().exactOptional() });
const warning = z.object({ code: z.string(), text: z.string() });

export const operatorRequest = z.object({
  owner: hexText,
  requestId: hexText,
  keyId: hexText,
  /** Whose likeness people compare; null when the row of the key was changed. */
  transcriptHash: hexText.nullable(),
  kind: z.string(),
  /** Names everything there is to sign for it: a yes that carries it is a yes to nothing else. */
  tasksHash: hexText,
  sentence: z.string(),
  /** What stands beneath the sentence; null when an earlier version of the server stored only that. */
  shown: z
    .object({
      rows: z.array(row),
      rowsLeftOut: wholeNumber,
      warnings: z.array(warning),
      blind: z.boolean(),
    })
    .nullable(),
  createdAt: unixSeconds,
  expiresAt: unixSeconds,
});
export type OperatorRequest = Immutable<z.output<typeof operatorRequest>>;

/** A page, oldest first; `next` is where the following one begins, null at the end. */
export const requestsResult = z.object({
  requests: z.array(operatorRequest),
  next: requestCursor.nullable(),
});
export type OperatorRequests = Immutable<z.output<typeof requestsResult>>;

function isAbsent(value: unknown): boolean {
  return value === undefined;
}
