import { backends } from '#backends';
import { concatBytes, equalBytes } from '@ckm/foundation';
import { ristretto255_FROST } from '@noble/curves/ed25519.js';
import { p256_FROST } from '@noble/curves/nist.js';
import { secp256k1_FROST } from '@noble/curves/secp256k1.js';
import { groupNamed } from '../../group/index.js';
import { createBip340Hash } from '../../hd/bip340-hash.js';
import type { SuiteName } from '../../key/suite-name.js';

/**
 * Whether a signature is right, as whoever receives it judges: RFC 8032 (strict: libsodium's verifier where there is
 * one) for ed25519, BIP-340 for `secp256k1-tr`, RFC 9591 appendix B by noble for the others. Uses nothing of the FROST
 * code, which has checked its result already; BIP-340 is computed over the same group backend, for its speed: where money
 * moves, noble judges once more (`requests`, `finishBitcoin`). False for anything malformed.
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
  ed25519: (signature, message, publicKey) => backends.verifyEd25519(publicKey, message, signature),
  ristretto255: (signature, message, publicKey) => ristretto255_FROST.verify(signature, message, publicKey),
  secp256k1: (signature, message, publicKey) => secp256k1_FROST.verify(signature, message, publicKey),
  'secp256k1-tr': (signature, message, publicKey) => verifyBip340(signature, message, xOnly(publicKey)),
  'P-256': (signature, message, publicKey) => p256_FROST.verify(signature, message, publicKey),
};

const challengeHash = createBip340Hash('BIP0340/challenge');
const EVEN = Uint8Array.of(2);

/**
 * R = s·G − e·P has an even y and the x that the signature starts with.
 * @throws EncodingError when a part is no scalar or no x coordinate
 * Source: BIP-340, "Verification"
 */
function verifyBip340(signature: Uint8Array, message: Uint8Array, x: Uint8Array): boolean {
  if (signature.length !== 64 || x.length !== 32) return false;
  const group = groupNamed('secp256k1');
  const { scalars } = group;
  const r = signature.subarray(0, 32);
  const s = scalars.parse(signature.subarray(32));
  const e = scalars.reduce(challengeHash(r, x, message));
  const key = group.decode(concatBytes(EVEN, x));
  const R = group.add(group.mulBasePublic(s), group.mulPublic(key, scalars.negate(e)));
  return !group.isIdentity(R) && equalBytes(group.encode(R), concatBytes(EVEN, r));
}

/** x of a BIP-340 key; the compressed form counts only with an even y. */
function xOnly(publicKey: Uint8Array): Uint8Array {
  return publicKey.length === 33 && publicKey[0] === 2 ? publicKey.subarray(1) : publicKey;
}
