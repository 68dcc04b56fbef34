import { ripemd160 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';

/** 20 bytes: what addresses and fingerprints hold of a key or a script. Source: Bitcoin, OP_HASH160 */
export function hash160(bytes: Uint8Array): Uint8Array {
  return ripemd160(sha256(bytes));
}
