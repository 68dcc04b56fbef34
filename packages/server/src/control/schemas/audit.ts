import { z } from 'zod';
import { hexText, unixSeconds, wholeNumber } from './common.js';
import type { Immutable } from './immutable.js';

const sequence = z.int().min(1).max(999_999_999_999);

/** Entries from number `from` on. */
export const auditParameters = z.strictObject({
  from: sequence.default(1),
  limit: z.int().min(1).max(1_000).default(100),
});

const operatorAuditLine = z.object({
  sequence,
  at: unixSeconds,
  deed: z.string(),
  who: hexText.nullable(),
  keyId: hexText.nullable(),
  subject: hexText.nullable(),
  sentence: z.string(),
  verdict: z.string(),
  policy: z.string(),
  detail: z.string(),
  hash: hexText,
});
export type OperatorAuditLine = Immutable<z.output<typeof operatorAuditLine>>;
export const auditResult = z.array(operatorAuditLine);

export const operatorAuditVerification = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    entries: wholeNumber,
    head: hexText,
    /** Where the server wrote that its database was put back, or exchanged: what it had logged before is not all there. */
    gaps: z.array(z.object({ sequence, at: unixSeconds, detail: z.string() })),
  }),
  z.object({ ok: z.literal(false), entries: wholeNumber, brokenAt: wholeNumber, why: z.string() }),
]);
export type OperatorAuditVerification = Immutable<z.output<typeof operatorAuditVerification>>;
