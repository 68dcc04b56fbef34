import { ecb, gcm } from '@noble/ciphers/aes.js';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { Cipher } from './selection.js';

/** AES-256, portable: whole 16-byte blocks, each alone. */
export function aes256Blocks(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  return ecb(key, { disablePadding: true }).encrypt(blocks);
}

/** AES-256-GCM, portable; 12-byte nonce. */
export const aes256Gcm: Cipher = {
  seal: (key, nonce, plaintext, associatedData) => gcm(key, nonce, associatedData).encrypt(plaintext),
  open: (key, nonce, ciphertext, associatedData) =>
    openOr(() => gcm(key, nonce, associatedData).decrypt(ciphertext)),
};

/** XChaCha20-Poly1305, portable; 24-byte nonce. */
export const xchacha20Poly1305: Cipher = {
  seal: (key, nonce, plaintext, associatedData) =>
    xchacha20poly1305(key, nonce, associatedData).encrypt(plaintext),
  open: (key, nonce, ciphertext, associatedData) =>
    openOr(() => xchacha20poly1305(key, nonce, associatedData).decrypt(ciphertext)),
};

function openOr(decrypt: () => Uint8Array): Uint8Array | undefined {
  try {
    return decrypt();
  } catch {
    return undefined;
  }
}
