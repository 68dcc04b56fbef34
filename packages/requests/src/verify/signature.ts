import { ed25519, ristretto255_FROST } from '@noble/curves/ed25519.js';
import { p256_FROST } from '@noble/curves/nist.js';
import { schnorr, secp256k1_FROST } from '@noble/curves/secp256k1.js';
import type { SuiteName } from '@ckm/threshold';

type Verify = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

const VERIFIERS: Record<SuiteName, Verify> = {
  // The strict rules of RFC 8032, not ZIP-215: OpenSSH and OpenSSL use them too.
  ed25519: (signature, message, publicKey) =>
    ed25519.verify(signature, message, publicKey, { zip215: false }),
  'secp256k1-tr': (signature, message, publicKey) =>
    schnorr.verify(signature, message, publicKey.subarray(-32)),
  secp256k1: (signature, message, publicKey) => secp256k1_FROST.verify(signature, message, publicKey),
  ristretto255: (signature, message, publicKey) => ristretto255_FROST.verify(signature, message, publicKey),
  'P-256': (signature, message, publicKey) => p256_FROST.verify(signature, message, publicKey),
};

/**
 * Whether a signature is valid, by noble: it shares no code with the signers (protocols.md V43).
 * `publicKey` is an encoded element, for secp256k1-tr its 33-byte or x-only form. Never throws.
 */
export function verifySignature(
  suite: SuiteName,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return VERIFIERS[suite](signature, message, publicKey);
  } catch {
    return false;
  }
}
