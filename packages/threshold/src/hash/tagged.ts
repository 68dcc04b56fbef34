import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import type { HashTag } from './tags.js';

export type HashName = 'sha256' | 'sha512';

/**
 * Plain hash of the concatenated parts: only for published formats (RFC 9591, RFC 9497, BIP-340, COCKTAIL-DKG) that
 * fix the bytes themselves. Everything of our own goes through {@link taggedHash}.
 */
export function hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const message = parts.length === 1 ? parts[0]! : concatBytes(...parts);
  return name === 'sha256' ? sha256(message) : sha512(message);
}

/**
 * SHA-256 over the tag and every item, each preceded by its length (u64, big-endian): 32 bytes. No two different
 * lists of items give the same preimage.
 */
export function taggedHash(tag: HashTag, ...items: readonly Uint8Array[]): Uint8Array {
  const parts = [encodeUtf8(tag), ...items].flatMap((item) => [encodeLength(item.length), item]);
  return hash('sha256', concatBytes(...parts));
}

function encodeLength(length: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length));
  return bytes;
}
