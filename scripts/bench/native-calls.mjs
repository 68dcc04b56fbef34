// The calls of native libraries that a signature of 2 of 3 on secp256k1 cannot do without, each as often as the protocol
// asks for it, on inputs that stay the same. Hashes and the arithmetic of scalars are not among them.
import { randomBytes } from 'node:crypto';
import secp256k1 from 'secp256k1/bindings.js';
import sodium from 'sodium-native';

const scalar = randomBytes(32);
const point = secp256k1.publicKeyCreate(scalar, false);
const encoded = secp256k1.publicKeyCreate(scalar, true);
const key = randomBytes(32);
const nonce = randomBytes(12);
const digest = randomBytes(32);
const agreementKey = Buffer.alloc(32);
sodium.crypto_scalarmult_base(agreementKey, scalar);
const verifyingKey = Buffer.alloc(32);
const signingKey = Buffer.alloc(64);
sodium.crypto_sign_keypair(verifyingKey, signingKey);
const signature = Buffer.alloc(64);
sodium.crypto_sign_detached(signature, digest, signingKey);
const out = Buffer.alloc(32);
const text = Buffer.alloc(65_536);
const sealed = Buffer.alloc(65_536);

/** A message is signed and sealed to a key that the other keeps: Ed25519, X25519 twice, ChaCha20-Poly1305. */
export function sealNatively({ length }, { isAgreed = false } = {}) {
  sodium.crypto_sign_detached(signature, digest, signingKey);
  if (!isAgreed) {
    sodium.crypto_scalarmult_base(out, scalar);
    sodium.crypto_scalarmult(out, scalar, agreementKey);
  }
  const end = sealed.subarray(0, length + 16);
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(end, text.subarray(0, length), null, null, nonce, key);
}

/** It is opened and its signature checked: X25519, ChaCha20-Poly1305, Ed25519. */
export function openNatively({ length }, { isAgreed = false } = {}) {
  if (!isAgreed) sodium.crypto_scalarmult(out, scalar, agreementKey);
  // Sealing takes as long as opening, and needs no bytes that fit.
  const end = sealed.subarray(0, length + 16);
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(end, text.subarray(0, length), null, null, nonce, key);
  sodium.crypto_sign_verify_detached(signature, digest, verifyingKey);
}

/** One signer: two commitments, its own part of R, the other's, R, and the checks of its share and of its nonces. */
export function shareNatively() {
  for (let i = 0; i < 5; i++) secp256k1.publicKeyCreate(scalar, false);
  secp256k1.publicKeyTweakMul(encoded, scalar, false);
  secp256k1.publicKeyCombine([encoded, point], false);
  secp256k1.publicKeyCombine([point, encoded], false);
}

/** Whoever adds up: R of two commitments, the signature verified, and once more as anybody would. */
export function aggregateNatively() {
  for (let i = 0; i < 2; i++) secp256k1.publicKeyTweakMul(encoded, scalar, false);
  secp256k1.publicKeyCombine([encoded, point], false);
  for (let i = 0; i < 2; i++) {
    secp256k1.publicKeyCreate(scalar, false);
    secp256k1.publicKeyTweakMul(encoded, scalar, false);
    secp256k1.publicKeyCombine([encoded, point], false);
  }
}
