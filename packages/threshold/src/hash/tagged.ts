import { backends } from '#backends';
import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import type { HashTag } from './tags.js';

export type HashName = 'sha256' | 'sha512';

/**
 * Plain hash of the concatenated parts: only for published formats (RFC 9591, RFC 9497, BIP-340, COCKTAIL-DKG) that
 * fix the bytes themselves. Everything of our own goes through {@link taggedHash}.
 */
export function hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return backends[name](parts[0]!);
  return hashAndWipe(name, concatBytes(...parts));
}

/**
 * SHA-256 over the tag and every item, each preceded by its length (u64, big-endian): 32 bytes. No two different
 * lists of items give the same preimage.
 */
export function taggedHash(tag: HashTag, ...items: readonly Uint8Array[]): Uint8Array {
  return hashAndWipe('sha256', encodeItems(tag, items));
}

/** As {@link taggedHash}, but 64 bytes of SHA-512: enough to reduce to a scalar without bias. */
export function taggedHash64(tag: HashTag, ...items: readonly Uint8Array[]): Uint8Array {
  return hashAndWipe('sha512', encodeItems(tag, items));
}

/** A part may be a secret, and the joined message is a copy of it. */
function hashAndWipe(name: HashName, joined: Uint8Array): Uint8Array {
  const digest = backends[name](joined);
  joined.fill(0);
  return digest;
}

const tags = new Map<HashTag, Uint8Array>();

function encodeTag(tag: HashTag): Uint8Array {
  let encoded = tags.get(tag);
  if (encoded === undefined) tags.set(tag, (encoded = encodeUtf8(tag)));
  return encoded;
}

function encodeItems(tag: HashTag, items: readonly Uint8Array[]): Uint8Array {
  const all = [encodeTag(tag), ...items];
  let length = 0;
  for (const item of all) length += 8 + item.length;
  const encoded = new Uint8Array(length);
  const view = new DataView(encoded.buffer);
  let at = 0;
  for (const item of all) {
    view.setUint32(at, Math.floor(item.length / 2 ** 32));
    view.setUint32(at + 4, item.length);
    encoded.set(item, at + 8);
    at += 8 + item.length;
  }
  return encoded;
}
