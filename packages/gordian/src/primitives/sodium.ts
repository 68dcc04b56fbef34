import sodium from 'sodium-native';
import { CHACHA_TAG_BYTES, ED25519_SIGNATURE_BYTES, X25519_KEY_BYTES, type Primitives } from './contract.js';

const HASH_BYTES = 32;
const BLOCK_BYTES = 64;

function sha256(message: Uint8Array): Uint8Array {
  const digest = new Uint8Array(HASH_BYTES);
  sodium.crypto_hash_sha256(digest, message);
  return digest;
}

/** Source: RFC 2104. The native module has no keyed SHA-256. */
function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const inner = new Uint8Array(BLOCK_BYTES + message.length).fill(0x36, 0, BLOCK_BYTES);
  const outer = new Uint8Array(BLOCK_BYTES + HASH_BYTES).fill(0x5c, 0, BLOCK_BYTES);
  const block = key.length > BLOCK_BYTES ? sha256(key) : key;
  for (let i = 0; i < block.length; i++) {
    inner[i]! ^= block[i]!;
    outer[i]! ^= block[i]!;
  }
  inner.set(message, BLOCK_BYTES);
  const digest = outer.subarray(BLOCK_BYTES);
  sodium.crypto_hash_sha256(digest, inner);
  const code = sha256(outer);
  inner.fill(0);
  outer.fill(0);
  return code;
}

function hkdfSha256(keyMaterial: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const extracted = hmacSha256(salt, keyMaterial);
  const blocks = Math.ceil(length / HASH_BYTES);
  const expanded = new Uint8Array(blocks * HASH_BYTES);
  const message = new Uint8Array(HASH_BYTES + info.length + 1);
  message.set(info, HASH_BYTES);
  for (let block = 1; block <= blocks; block++) {
    message[message.length - 1] = block;
    const code = hmacSha256(extracted, block === 1 ? message.subarray(HASH_BYTES) : message);
    expanded.set(code, (block - 1) * HASH_BYTES);
    message.set(code);
  }
  extracted.fill(0);
  message.fill(0);
  return length === expanded.length ? expanded : expanded.slice(0, length);
}

function ed25519SigningKey(seed: Uint8Array): Uint8Array {
  const signingKey = new Uint8Array(64);
  sodium.crypto_sign_seed_keypair(new Uint8Array(32), signingKey, seed);
  return signingKey;
}

function ed25519Sign(message: Uint8Array, signingKey: Uint8Array): Uint8Array {
  const signature = new Uint8Array(ED25519_SIGNATURE_BYTES);
  sodium.crypto_sign_detached(signature, message, signingKey);
  return signature;
}

function ed25519Verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== ED25519_SIGNATURE_BYTES || publicKey.length !== 32) return false;
  return sodium.crypto_sign_verify_detached(signature, message, publicKey);
}

function x25519PublicKey(secretKey: Uint8Array): Uint8Array {
  const publicKey = new Uint8Array(X25519_KEY_BYTES);
  sodium.crypto_scalarmult_base(publicKey, secretKey);
  return publicKey;
}

function x25519Shared(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null {
  const shared = new Uint8Array(X25519_KEY_BYTES);
  try {
    sodium.crypto_scalarmult(shared, secretKey, publicKey);
    return shared;
  } catch {
    return null;
  }
}

function chachaSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plaintext.length + CHACHA_TAG_BYTES);
  const extra = aad.length === 0 ? null : aad;
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, plaintext, extra, null, nonce, key);
  return sealed;
}

function chachaOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | null {
  if (sealed.length < CHACHA_TAG_BYTES) return null;
  const plaintext = new Uint8Array(sealed.length - CHACHA_TAG_BYTES);
  const extra = aad.length === 0 ? null : aad;
  try {
    sodium.crypto_aead_chacha20poly1305_ietf_decrypt(plaintext, null, sealed, extra, nonce, key);
    return plaintext;
  } catch {
    return null;
  }
}

/** libsodium as native code: what a server uses. */
export const sodiumNative: Primitives = {
  name: 'sodium-native',
  sha256,
  hmacSha256,
  hkdfSha256,
  ed25519SigningKey,
  ed25519Sign,
  ed25519Verify,
  x25519PublicKey,
  x25519Shared,
  chachaSeal,
  chachaOpen,
};
