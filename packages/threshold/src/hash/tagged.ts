import { backends } from '#backends';
import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import type { HashTag } from './tags.js';

export type HashName = 'sha256' | 'sha512';

/**
 * Plain hash of the concatenated parts: only for published formats (RFC 9591, RFC 9497, BIP-340, COCKTAIL-DKG) that
 * fix the bytes themselves. Everything of our own goes through {@link taggedHash}.
 */
export function hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const message = parts.length === 1 ? parts[0]! : concatBytes(...parts);
  return backends[name](message);
}

/**
 * SHA-256 over the tag and every item, each preceded by its length (u64, big-endian): 32 bytes. No two different
 * lists of items give the same preimage.
 */
export function taggedHash(tag: HashTag, ...items: readonly Uint8Array[]): Uint8Array {
  return hash('sha256', encodeItems(tag, items));
}

/** As {@link taggedHash}, but 64 bytes of SHA-512: enough to reduce to a scalar without bias. */
export function taggedHash64(tag: HashTag, ...items: readonly Uint8Array[]): Uint8Array {
  return hash('sha512', encodeItems(tag, items));
}

function encodeItems(tag: HashTag, items: readonly Uint8Array[]): Uint8Array {
  const all = [encodeUtf8(tag), ...items];
  const encoded = new Uint8Array(all.reduce((length, item) => length + 8 + item.length, 0));
  const view = new DataView(encoded.buffer);
  let at = 0;
  for (const item of all) {
    view.setBigUint64(at, BigInt(item.length));
    encoded.set(item, at + 8);
    at += 8 + item.length;
  }
  return encoded;
}
