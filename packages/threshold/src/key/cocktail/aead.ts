import { backends } from '#backends';
import { concatBytes } from '@ckm/foundation';
import type { Cipher } from '../../group/backends/selection.js';

/** Length of the authentication tag of both ciphers, in bytes. */
export const TAG_LENGTH = 16;

/** A cipher of a COCKTAIL-DKG suite. Key 32 bytes, nonce 24 bytes, used for one message only. */
export type Aead = Cipher;

export const XCHACHA20_POLY1305: Aead = backends.xchacha20Poly1305;

/**
 * AES-256-GCM under a key derived from the first half of a 192-bit nonce.
 * Source: C2SP XAES-256-GCM, "Detailed key derivation algorithm"
 */
export const XAES_256_GCM: Aead = extendNonce(backends.aes256Gcm);

/** XAES-256-GCM over some AES-256-GCM. */
export function extendNonce(aes256Gcm: Cipher): Aead {
  return {
    seal: (key, nonce, plaintext, associatedData) =>
      withDerivedKey(key, nonce, (derived) =>
        aes256Gcm.seal(derived, nonce.subarray(12), plaintext, associatedData),
      ),
    open: (key, nonce, ciphertext, associatedData) =>
      withDerivedKey(key, nonce, (derived) =>
        aes256Gcm.open(derived, nonce.subarray(12), ciphertext, associatedData),
      ),
  };
}

function withDerivedKey<T>(key: Uint8Array, nonce: Uint8Array, use: (derived: Uint8Array) => T): T {
  const derived = deriveKey(key, nonce);
  try {
    return use(derived);
  } finally {
    derived.fill(0);
  }
}

/** CMAC-AES256 of two single blocks: counter, `X`, and the first 12 bytes of the nonce. */
function deriveKey(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const half = nonce.subarray(0, 12);
  const zeroBlock = backends.aes256Blocks(key, new Uint8Array(16));
  const mask = doubleBlock(zeroBlock);
  const blocks = concatBytes(Uint8Array.of(0, 1, 0x58, 0), half, Uint8Array.of(0, 2, 0x58, 0), half);
  const masked = blocks.map((byte, i) => byte ^ mask[i % 16]!);
  const derived = backends.aes256Blocks(key, masked);
  for (const spent of [zeroBlock, mask, masked]) spent.fill(0);
  return derived;
}

/** Multiplies by x in GF(2^128); without a branch on the secret top bit. Source: NIST SP 800-38B §6.1 */
function doubleBlock(input: Uint8Array): Uint8Array {
  const doubled = input.map((byte, i) => (byte << 1) | ((input[i + 1] ?? 0) >>> 7));
  doubled[15]! ^= 0x87 & -(input[0]! >>> 7);
  return doubled;
}
