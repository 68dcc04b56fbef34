import { concatBytes } from '@ckm/foundation';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { xchacha20Poly1305 as portable } from './noble-ciphers.js';
import type { Cipher } from './selection.js';

const TAG_LENGTH = 16;
const NOTHING = new Uint8Array();

// Undefined where the package has no prebuilt addon for this machine.
const sodium = await import('sodium-native').then(
  (module) => module.default,
  () => undefined,
);

/** AES-256 by OpenSSL, which has the processor do it in constant time: whole 16-byte blocks, each alone. */
export function aes256Blocks(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-ecb', key, null);
  cipher.setAutoPadding(false);
  // The blocks make keys: what the library hands out is not left lying about.
  const encrypted = cipher.update(blocks);
  const whole = concatBytes(encrypted, cipher.final());
  encrypted.fill(0);
  return whole;
}

/** AES-256-GCM by OpenSSL; 12-byte nonce. */
export const aes256Gcm: Cipher = {
  seal(key, nonce, plaintext, associatedData = NOTHING) {
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(associatedData);
    return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
  },
  open(key, nonce, ciphertext, associatedData = NOTHING) {
    if (ciphertext.length < TAG_LENGTH) return undefined;
    const tagAt = ciphertext.length - TAG_LENGTH;
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_LENGTH });
    decipher.setAAD(associatedData);
    decipher.setAuthTag(ciphertext.subarray(tagAt));
    const plaintext = decipher.update(ciphertext.subarray(0, tagAt));
    try {
      return concatBytes(plaintext, decipher.final());
    } catch {
      return undefined;
    } finally {
      plaintext.fill(0);
    }
  },
};

/** XChaCha20-Poly1305 by libsodium compiled to machine code, else portable; 24-byte nonce. */
export const xchacha20Poly1305: Cipher = sodium === undefined ? portable : overSodium(sodium);

function overSodium(library: NonNullable<typeof sodium>): Cipher {
  return {
    seal(key, nonce, plaintext, associatedData = NOTHING) {
      const ciphertext = new Uint8Array(plaintext.length + TAG_LENGTH);
      const data = associatedData.length === 0 ? null : associatedData;
      library.crypto_aead_xchacha20poly1305_ietf_encrypt(ciphertext, plaintext, data, null, nonce, key);
      return ciphertext;
    },
    open(key, nonce, ciphertext, associatedData = NOTHING) {
      if (ciphertext.length < TAG_LENGTH) return undefined;
      const plaintext = new Uint8Array(ciphertext.length - TAG_LENGTH);
      const data = associatedData.length === 0 ? null : associatedData;
      try {
        library.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, ciphertext, data, nonce, key);
        return plaintext;
      } catch {
        return undefined;
      }
    },
  };
}
