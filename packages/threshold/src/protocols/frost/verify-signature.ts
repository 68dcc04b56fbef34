import { ed25519, ristretto255_FROST } from '@noble/curves/ed25519.js';
import { p256_FROST } from '@noble/curves/nist.js';
import { schnorr, secp256k1_FROST } from '@noble/curves/secp256k1.js';
import { groupNamed } from '../../group/index.js';
import type { SuiteName } from '../key.js';

/**
 * Whether a signature is right, judged by code that shares nothing with ours: RFC 8032 (strict) for ed25519, BIP-340
 * for `secp256k1-tr`, RFC 9591 appendix B for the others. False for anything malformed.
 * `aggregate` has checked its result already, with the fast groups; this is the second opinion, and slower.
 * @param publicKey encoded group key; for `secp256k1-tr` also its 32-byte x coordinate
 */
export function verifySignature(
  suite: SuiteName,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return JUDGES[suite](signature, message, publicKey);
  } catch {
    return false;
  }
}

type Judge = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

const JUDGES: Record<SuiteName, Judge> = {
  ed25519: (signature, message, publicKey) =>
    ed25519.verify(signature, message, publicKey, { zip215: false }) && holdsNoTorsion(signature, publicKey),
  ristretto255: (signature, message, publicKey) => ristretto255_FROST.verify(signature, message, publicKey),
  secp256k1: (signature, message, publicKey) => secp256k1_FROST.verify(signature, message, publicKey),
  'secp256k1-tr': (signature, message, publicKey) => schnorr.verify(signature, message, xOnly(publicKey)),
  'P-256': (signature, message, publicKey) => p256_FROST.verify(signature, message, publicKey),
};

/** Noble clears the cofactor before it compares; OpenSSL and libsodium do not, so what only it accepts is refused. */
function holdsNoTorsion(signature: Uint8Array, publicKey: Uint8Array): boolean {
  const group = groupNamed('ed25519');
  group.decode(publicKey);
  group.decode(signature.subarray(0, 32));
  return true;
}

/** x of a BIP-340 key; the compressed form counts only with an even y. */
function xOnly(publicKey: Uint8Array): Uint8Array {
  return publicKey.length === 33 && publicKey[0] === 2 ? publicKey.subarray(1) : publicKey;
}
