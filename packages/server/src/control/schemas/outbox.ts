import { z } from 'zod';
import { hexId, hexText, unixSeconds, wholeNumber } from './common.js';
import type { Immutable } from './immutable.js';

/** Where a list of what goes out has come to. */
const outboxCursor = z.strictObject({ owner: hexId, id: hexId });

export const outboxParameters = outboxCursor
  .partial()
  .refine(({ owner, id }) => (owner === undefined) === (id === undefined), {
    error: 'owner and id belong together',
  });

const outboxEntry = z.object({
  /** An account, or the server itself for what its operator is told. */
  owner: hexText,
  id: hexText,
  way: z.string(),
  state: z.enum(['waiting', 'sent', 'failed']),
  /** When it is tried next; of what was sent or given up: since when. */
  dueAt: unixSeconds,
  createdAt: unixSeconds,
  tries: wholeNumber,
  /** Why it did not go the last time; empty: it was not tried, or it went. */
  code: z.string(),
});
export type OperatorOutboxEntry = Immutable<z.output<typeof outboxEntry>>;

/** A page; `next` is what the following one comes behind, null at the end. */
export const outboxResult = z.object({ entries: z.array(outboxEntry), next: outboxCursor.nullable() });
export type OperatorOutbox = Immutable<z.output<typeof outboxResult>>;

export const retryOutboxResult = z.object({ retried: wholeNumber });
