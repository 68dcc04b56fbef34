import { decodeHex } from '@ckm/foundation';

/** The first and the last of all ids of 32 bytes that begin with these hex digits. */
export function idsBeginning(prefix: string): readonly [lowest: Uint8Array, highest: Uint8Array] {
  return [decodeHex(prefix.padEnd(64, '0')), decodeHex(prefix.padEnd(64, 'f'))];
}
