import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { compareBytes, concatBytes, equalBytes } from '@ckm/foundation';
import { CHACHA_TAG_BYTES, ED25519_SIGNATURE_BYTES, type Primitives } from './contract.js';

const Point = ed25519.Point;
/** ℓ − 1, big-endian so that byte order is number order. */
const LARGEST_SCALAR = Point.Fn.toBytes(Point.Fn.ORDER - 1n).reverse();

/**
 * noble's own `verify` multiplies by the cofactor; libsodium compares R itself. A signature accepted by one machine and
 * refused by another would split a quorum, so this follows libsodium.
 */
function verifyWithoutCofactor(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const s = signature.slice(32);
  if (compareBytes(s.slice().reverse(), LARGEST_SCALAR) > 0) return false;
  const key = Point.fromBytes(publicKey);
  if (key.isSmallOrder() || Point.fromBytes(r).isSmallOrder()) return false;
  const challenge = Point.Fn.create(littleEndian(sha512(concatBytes(r, publicKey, message))));
  const scalar = littleEndian(s);
  const left = scalar === 0n ? Point.ZERO : Point.BASE.multiplyUnsafe(scalar);
  const right = challenge === 0n ? Point.ZERO : key.multiplyUnsafe(challenge);
  return equalBytes(left.subtract(right).toBytes(), r);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

function ed25519Verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== ED25519_SIGNATURE_BYTES || publicKey.length !== 32) return false;
  try {
    return verifyWithoutCofactor(signature, message, publicKey);
  } catch {
    return false;
  }
}

function x25519Shared(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null {
  try {
    return x25519.getSharedSecret(secretKey, publicKey);
  } catch {
    return null;
  }
}

function chachaOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | null {
  if (sealed.length < CHACHA_TAG_BYTES) return null;
  try {
    return chacha20poly1305(key, nonce, aad).decrypt(sealed);
  } catch {
    return null;
  }
}

/** The portable implementation, for browsers and wherever native code is absent. */
export const noble: Primitives = {
  name: 'noble',
  sha256: (message) => sha256(message),
  hmacSha256: (key, message) => hmac(sha256, key, message),
  hkdfSha256: (keyMaterial, salt, info, length) => hkdf(sha256, keyMaterial, salt, info, length),
  ed25519SigningKey: (seed) => concatBytes(seed, ed25519.getPublicKey(seed)),
  ed25519Sign: (message, signingKey) => ed25519.sign(message, signingKey.subarray(0, 32)),
  ed25519Verify,
  x25519PublicKey: (secretKey) => x25519.getPublicKey(secretKey),
  x25519Shared,
  chachaSeal: (key, nonce, aad, plaintext) => chacha20poly1305(key, nonce, aad).encrypt(plaintext),
  chachaOpen,
};
