import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

/** XChaCha20-Poly1305: `key` 32 bytes, `nonce` 24 bytes, 16-byte tag behind the ciphertext. `aad` is never empty. */
export interface Cipher {
  readonly name: 'sodium-native' | 'noble';
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Null when the tag does not fit. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

export const NONCE_BYTES = 24;
export const TAG_BYTES = 16;

export const nobleCipher: Cipher = {
  name: 'noble',
  seal: (key, nonce, aad, plaintext) => xchacha20poly1305(key, nonce, aad).encrypt(plaintext),
  open: (key, nonce, aad, sealed) => {
    if (sealed.length < TAG_BYTES) return null;
    try {
      return xchacha20poly1305(key, nonce, aad).decrypt(sealed);
    } catch {
      return null;
    }
  },
};

/** Native where there is a prebuilt module, portable elsewhere; the bytes are the same. */
async function fastest(): Promise<Cipher> {
  try {
    const { default: sodium } = await import('sodium-native');
    return {
      name: 'sodium-native',
      seal: (key, nonce, aad, plaintext) => {
        const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
        sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, plaintext, aad, null, nonce, key);
        return sealed;
      },
      open: (key, nonce, aad, sealed) => {
        if (sealed.length < TAG_BYTES) return null;
        const plaintext = new Uint8Array(sealed.length - TAG_BYTES);
        try {
          sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, null, sealed, aad, nonce, key);
          return plaintext;
        } catch {
          return null;
        }
      },
    };
  } catch {
    return nobleCipher;
  }
}

/** The cipher of this process. */
export const cipher: Cipher = await fastest();
