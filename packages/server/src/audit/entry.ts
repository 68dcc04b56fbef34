import { StorageError } from '@ckm/foundation';
import { type Data, decodeData, encodeData } from '@ckm/gordian';
import { z } from 'zod';
import type { AuditEntry } from './audit.js';

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

/** What a row seals: an entry, when it was made, and salt, so that the public hash gives no entry away to a guess. */
const content = z.strictObject({
  deed: z.string(),
  who: bytes.nullable(),
  keyId: bytes.nullable(),
  subject: bytes.nullable(),
  sentence: z.string(),
  verdict: z.enum(['allowed', 'asked', 'refused', 'approved', 'rejected', 'done', 'failed']),
  policy: z.string(),
  detail: z.string(),
  at: z.int(),
  salt: bytes,
});
export type AuditContent = z.infer<typeof content>;

export function encodeContent(entry: AuditEntry, at: number, salt: Uint8Array): Uint8Array {
  const { deed, who, keyId, subject, sentence, verdict, policy, detail } = entry;
  return encodeData({
    deed,
    who,
    keyId,
    subject,
    sentence,
    verdict,
    policy,
    detail,
    at,
    salt,
  } satisfies Data);
}

/** @throws StorageError `AUDIT_ENTRY_UNREADABLE`. */
export function parseContent(plaintext: Uint8Array): AuditContent {
  const parsed = content.safeParse(decodeData(plaintext));
  if (parsed.success) return parsed.data;
  throw new StorageError('an audit entry cannot be read', {
    code: 'AUDIT_ENTRY_UNREADABLE',
    hint: 'compare the version of this server with the one that wrote the log',
  });
}
