/**
 * The ciphers everything else in this package is made of, behind one face, so that Node may use native code and a
 * browser may not. Both implementations accept and refuse exactly the same inputs (conformance.test.ts).
 */
export interface Primitives {
  readonly name: 'noble' | 'sodium-native';
  /** 32 bytes. */
  sha256(message: Uint8Array): Uint8Array;
  /** Source: RFC 2104 with SHA-256: 32 bytes. A key of any length. */
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** Source: RFC 5869 with SHA-256. `length` at most 255 · 32. */
  hkdfSha256(keyMaterial: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** `seed` 32 bytes (RFC 8032 §5.1.5 private key) → 64 bytes: seed ‖ public key. */
  ed25519SigningKey(seed: Uint8Array): Uint8Array;
  /** `signingKey` as made by {@link ed25519SigningKey}; deterministic, 64 bytes. */
  ed25519Sign(message: Uint8Array, signingKey: Uint8Array): Uint8Array;
  /**
   * Source: RFC 8032 §5.1.7 without the cofactor, as libsodium does it: canonical S, canonical points,
   * no small-order public key or R. Any length of input is allowed; a wrong one is `false`.
   */
  ed25519Verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  /** Source: RFC 7748 §5. */
  x25519PublicKey(secretKey: Uint8Array): Uint8Array;
  /** The shared point, or `null` when it is the identity (the other key has small order). */
  x25519Shared(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null;
  /** IETF ChaCha20-Poly1305 (RFC 8439): ciphertext ‖ 16-byte tag. `key` 32 bytes, `nonce` 12. */
  chachaSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or `null` when the tag does not fit. `sealed` may have any length. */
  chachaOpen(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

export const ED25519_SIGNATURE_BYTES = 64;
export const X25519_KEY_BYTES = 32;
export const CHACHA_KEY_BYTES = 32;
export const CHACHA_NONCE_BYTES = 12;
export const CHACHA_TAG_BYTES = 16;
