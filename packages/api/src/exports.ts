import { EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import type { ExportYes, PartyIndex } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, bytesUpTo, epoch, identifier, label, slot } from './fields/fields.js';

/** The proposal to give the key out to its owner: every server of the key is asked the same. */
export const exportProposal = z.strictObject({
  kind: z.literal('export'),
  keyId: identifier,
  epoch,
  /** Of the epoch. */
  transcriptHash: bytesOf(32),
  /** Fresh: names this export. */
  exportId: identifier,
  /** X25519 public key, fresh for this export: every share is sealed to it. */
  recipient: bytesOf(32),
  /** Who takes the key in the place of an owner who is silent, by the name in the terms; absent: its owner does. */
  heir: label(32).min(1).exactOptional(),
});
export type ExportProposal = z.infer<typeof exportProposal>;

/** What a server puts forward once its operator has agreed and its delay is over: its signed yes. */
export const exportOffer = z.strictObject({ slot, signature: bytesOf(64) });
export type ExportOffer = z.infer<typeof exportOffer>;

/** What an export leaves at a server: its share, sealed to the recipient. */
export const exportResult = z.strictObject({
  kind: z.literal('export'),
  keyId: identifier,
  transcriptHash: bytesOf(32),
  slot,
  sealed: bytesUpTo(128),
});
export type ExportResult = z.infer<typeof exportResult>;

/** What shows that a key was given out: which export of which epoch, and that as many servers as its quorum needs agreed to it. */
export const exportProof = z.strictObject({
  epoch,
  exportId: identifier,
  recipient: bytesOf(32),
  yeses: z.array(exportOffer).min(1).max(32),
});
export type ExportProof = z.infer<typeof exportProof>;

/** What `key.exported` takes and gives. */
export const keyExported = {
  parameters: z.strictObject({ keyId: identifier, proof: exportProof }),
  result: z.strictObject({}),
};

const parameters = z.strictObject({ yeses: z.array(exportOffer).min(1).max(32) });
/** What is longer or holds more is refused unread. */
const LIMITS = { maxBytes: 8_192, maxDepth: 4, maxItems: 256 } as const;

/** What a server joins with: the yeses of as many servers as the quorum needs, by which it sees that they agreed. */
export function encodeExportYeses(yeses: readonly ExportYes[]): Uint8Array {
  return encodeData({ yeses: yeses.map((yes) => ({ slot: yes.slot, signature: yes.signature })) });
}

/** @throws EncodingError `PARAMETERS_INVALID`, or as `decodeData` */
export function parseExportYeses(bytes: Uint8Array): readonly ExportYes[] {
  const parsed = parameters.safeParse(decodeData(bytes, LIMITS));
  if (parsed.success)
    return parsed.data.yeses.map((yes) => ({ slot: yes.slot as PartyIndex, signature: yes.signature }));
  throw new EncodingError('the yeses to an export are not of their form', {
    code: 'PARAMETERS_INVALID',
    hint: 'compare the versions of client and server, and the field named',
  });
}
