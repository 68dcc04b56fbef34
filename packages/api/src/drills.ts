import { concatBytes, encodeUtf8, equalBytes } from '@ckm/foundation';

/** 16 bytes that the id of every key of a drill begins with, and of no other key. */
const MARK = encodeUtf8('CKM/drill/key/v1');
const FRESH_BYTES = 16;

/** Bytes of randomness in the id of a key of a drill. */
export const DRILL_KEY_FRESH_BYTES = FRESH_BYTES;

/**
 * The id of a key that serves a drill alone. It shows what it is wherever it is named, so that nothing that is about a drill can be
 * about a key that holds anything: a server makes such a key for the purpose `drill` only, and none of that purpose under another id.
 * @param fresh 16 random bytes
 */
export function drillKeyId(fresh: Uint8Array): Uint8Array {
  return concatBytes(MARK, fresh.subarray(0, FRESH_BYTES));
}

export function isDrillKeyId(keyId: Uint8Array): boolean {
  return equalBytes(keyId.subarray(0, MARK.length), MARK);
}
