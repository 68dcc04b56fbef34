import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { hash } from '../hash/index.js';

/**
 * The tagged hash of BIP-340: SHA-256 over SHA-256(tag) twice, then the message. For Bitcoin's own formats only; it
 * does not separate its items.
 * Source: BIP-340, "Design", tagged hashes
 */
export function createBip340Hash(tag: string): (...parts: readonly Uint8Array[]) => Uint8Array {
  const once = hash('sha256', encodeUtf8(tag));
  const prefix = concatBytes(once, once);
  return (...parts) => hash('sha256', prefix, ...parts);
}
