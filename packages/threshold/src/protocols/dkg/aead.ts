import { concatBytes } from '@ckm/foundation';
import { ecb, gcm } from '@noble/ciphers/aes.js';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

/** Length of the authentication tag of both ciphers, in bytes. */
export const TAG_LENGTH = 16;

/** A cipher of a COCKTAIL-DKG suite. Key 32 bytes, nonce 24 bytes, used for one message only; no associated data. */
export interface Aead {
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** `undefined` for anything that `seal` under this key and nonce would not have written. */
  open(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
}

export const XCHACHA20_POLY1305: Aead = {
  seal: (key, nonce, plaintext) => xchacha20poly1305(key, nonce).encrypt(plaintext),
  open: (key, nonce, ciphertext) => openOr(() => xchacha20poly1305(key, nonce).decrypt(ciphertext)),
};

/**
 * AES-256-GCM under a key derived from the first half of a 192-bit nonce.
 * Source: C2SP XAES-256-GCM, "Detailed key derivation algorithm"
 */
export const XAES_256_GCM: Aead = {
  seal: (key, nonce, plaintext) => xaesGcm(key, nonce).encrypt(plaintext),
  open: (key, nonce, ciphertext) => openOr(() => xaesGcm(key, nonce).decrypt(ciphertext)),
};

/** XAES-256-GCM with associated data, as its published vectors have it. */
export function xaesGcm(key: Uint8Array, nonce: Uint8Array, associatedData?: Uint8Array) {
  const subkey = deriveXaesKey(key, nonce.subarray(0, 12));
  return gcm(subkey, nonce.subarray(12), associatedData);
}

/** CMAC-AES256 of two single blocks: counter, `X`, and the first 12 bytes of the nonce. */
function deriveXaesKey(key: Uint8Array, nonceHalf: Uint8Array): Uint8Array {
  const encryptBlocks = (blocks: Uint8Array) => ecb(key, { disablePadding: true }).encrypt(blocks);
  const mask = doubleBlock(encryptBlocks(new Uint8Array(16)));
  const blocks = concatBytes(
    Uint8Array.of(0, 1, 0x58, 0),
    nonceHalf,
    Uint8Array.of(0, 2, 0x58, 0),
    nonceHalf,
  );
  return encryptBlocks(blocks.map((byte, i) => byte ^ mask[i % 16]!));
}

/** Multiplies by x in GF(2^128); without a branch on the secret top bit. Source: NIST SP 800-38B §6.1 */
function doubleBlock(input: Uint8Array): Uint8Array {
  const doubled = input.map((byte, i) => (byte << 1) | ((input[i + 1] ?? 0) >>> 7));
  doubled[15]! ^= 0x87 & -(input[0]! >>> 7);
  return doubled;
}

function openOr(decrypt: () => Uint8Array): Uint8Array | undefined {
  try {
    return decrypt();
  } catch {
    return undefined;
  }
}
