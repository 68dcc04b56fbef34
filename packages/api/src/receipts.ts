import { concatBytes, encodeUtf8, EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, epoch, identifier, slot, unixSeconds } from './fields/fields.js';

/** What a server says of its share of an epoch that is over. */
export const shareReceipt = z.strictObject({
  keyId: identifier,
  epoch,
  /** Of that epoch: another key can have the same id. */
  transcriptHash: bytesOf(32),
  /** Its own in that epoch; null: it had no share there. */
  slot: slot.nullable(),
  /** `static`: what was deleted can be made again from this server's identity and the certificate. */
  mode: z.enum(['epoch', 'static']),
  /** The share and the key that sealed it are gone from this server. Of backups it says nothing. */
  shareDeleted: z.boolean(),
  /** When the last good backup that this server knows of was made: it may hold the share. null: it knows of none. */
  lastBackupAt: unixSeconds.nullable(),
  /**
   * Of backups that were begun while the share was here, and may hold it: how many, and how many of them the operator has said to be
   * destroyed. Absent: the server does not know of all of them.
   */
  backups: z
    .strictObject({ taken: z.int().min(0).max(65_536), destroyed: z.int().min(0).max(65_536) })
    .refine(({ taken, destroyed }) => destroyed <= taken)
    .exactOptional(),
});
export type ShareReceipt = z.infer<typeof shareReceipt>;

/** The bytes of a receipt. */
export function encodeReceipt(receipt: ShareReceipt): Uint8Array {
  return encodeData({ ...receipt });
}

/** @throws EncodingError `RECEIPT_INVALID`, `CBOR_…` */
export function parseReceipt(bytes: Uint8Array): ShareReceipt {
  const parsed = shareReceipt.safeParse(decodeData(bytes));
  if (parsed.success) return parsed.data;
  throw new EncodingError('a receipt about an old share is not of its form', {
    code: 'RECEIPT_INVALID',
    hint: 'ask the server for it again',
  });
}

/** What the identity of the server signs of a receipt: `signIdentityStatement`. */
export function receiptStatement(receipt: Uint8Array): Uint8Array {
  return concatBytes(encodeUtf8('CKM share receipt v1'), taggedHash('CKM/change/receipt/v1', receipt));
}
