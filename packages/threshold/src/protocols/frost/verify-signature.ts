import { backends } from '#backends';
import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type GroupName, groupNamed } from '../../group/index.js';
import { hash } from '../../hash/index.js';
import { createBip340Hash } from '../../hd/bip340-hash.js';
import type { SuiteName } from '../../key/cocktail/suite-name.js';

/**
 * Whether a signature is right, as whoever receives it judges: RFC 8032 (strict: libsodium's verifier where there is
 * one) for ed25519, BIP-340 for `secp256k1-tr`, RFC 9591 appendix B for the others. Uses nothing of the FROST code, which
 * has checked its result already, but computes over the same group backend, for its speed: the tests compare it with
 * noble, and where money moves noble judges once more (`requests`, `finishBitcoin`). False for anything malformed.
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
  ristretto255: judgeOf('ristretto255', (...parts) =>
    hash('sha512', encodeUtf8('FROST-RISTRETTO255-SHA512-v1chal'), ...parts),
  ),
  secp256k1: judgeOf('secp256k1', expandTo48('FROST-secp256k1-SHA256-v1chal')),
  'secp256k1-tr': (signature, message, publicKey) => verifyBip340(signature, message, xOnly(publicKey)),
  'P-256': judgeOf('P-256', expandTo48('FROST-P256-SHA256-v1chal')),
};

/** Hash of R, key and message, before it is reduced to a challenge. */
type ChallengeHash = (...parts: readonly Uint8Array[]) => Uint8Array;

/**
 * z·G − c·P = R. What is equal to R is an element, so that R needs no decoding of its own.
 * @throws EncodingError when z is no scalar or P no element
 * Source: RFC 9591 appendix B
 */
function judgeOf(name: GroupName, challenge: ChallengeHash): Judge {
  return (signature, message, publicKey) => {
    const group = groupNamed(name);
    const { scalars, elementByteLength } = group;
    if (signature.length !== elementByteLength + scalars.byteLength) return false;
    const commitment = signature.subarray(0, elementByteLength);
    const z = scalars.parse(signature.subarray(elementByteLength));
    const c = scalars.reduce(challenge(commitment, publicKey, message));
    return group.decodeAndVerify(publicKey, c, z, commitment).isRight;
  };
}

/** Source: RFC 9591 §6.4, §6.5 (hash_to_field with L = 48) */
function expandTo48(separator: string): ChallengeHash {
  return (...parts) => expand_message_xmd(concatBytes(...parts), encodeUtf8(separator), 48, sha256);
}

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
  return group.decodeAndVerify(concatBytes(EVEN, x), e, s, concatBytes(EVEN, r)).isRight;
}

/** x of a BIP-340 key; the compressed form counts only with an even y. */
function xOnly(publicKey: Uint8Array): Uint8Array {
  return publicKey.length === 33 && publicKey[0] === 2 ? publicKey.subarray(1) : publicKey;
}
