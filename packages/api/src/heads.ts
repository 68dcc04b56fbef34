import { concatBytes, encodeUtf8, EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, bytesUpTo, epoch, identifier, slot } from './fields/fields.js';

/** What a server says of how far a key is: its newest epoch that is certified there, in answer to the question of another one. */
export const keyHead = z.strictObject({
  keyId: identifier,
  epoch,
  /** Of that epoch. */
  transcriptHash: bytesOf(32),
  /** What was asked with: 32 bytes that a server drew when it came back from an older state. */
  nonce: bytesOf(32),
  /** False: this server came back from an older state itself, and others have not told it yet. */
  isSure: z.boolean(),
});
export type KeyHeadStatement = z.infer<typeof keyHead>;

const signedHead = z.strictObject({ head: bytesUpTo(512), signature: bytesOf(64) });

export const keyHeadAsked = {
  parameters: z.strictObject({ keyId: identifier, nonce: bytesOf(32) }),
  /** `head`: see `parseHead`. `asks`: what others are to be asked with, if this server asks itself; null: it knows. */
  result: z.strictObject({ ...signedHead.shape, asks: bytesOf(32).nullable() }),
};
export const keyHeadsShown = {
  parameters: z.strictObject({
    keyId: identifier,
    /** Of other servers, by their slots in the epoch that the server asked has. */
    heads: z.array(z.strictObject({ slot, ...signedHead.shape })).max(32),
  }),
  result: z.strictObject({ epoch, transcriptHash: bytesOf(32) }),
};

export function encodeHead(head: KeyHeadStatement): Uint8Array {
  return encodeData({ ...head });
}

/** @throws EncodingError `HEAD_INVALID`, `CBOR_…` */
export function parseHead(bytes: Uint8Array): KeyHeadStatement {
  const parsed = keyHead.safeParse(decodeData(bytes));
  if (parsed.success) return parsed.data;
  throw new EncodingError('what a server says of how far a key is has not its form', {
    code: 'HEAD_INVALID',
    hint: 'compare the versions of client and servers',
  });
}

/** What the identity of the server signs of it: `signIdentityStatement`. */
export function headStatement(head: Uint8Array): Uint8Array {
  return concatBytes(encodeUtf8('CKM key head v1'), taggedHash('CKM/key/head/v1', head));
}
