import { EncodingError, equalBytes } from '@ckm/foundation';
import { groupNamed } from '../../group/index.js';
import { hash } from '../../hash/index.js';

/**
 * Whether an Ed25519 signature is valid, by the strictest reading: canonical S, key in the prime-order group, no
 * cofactor, and R compared as bytes, so that every implementation agrees on what is valid.
 * @param publicKey 32 bytes
 * @param signature 64 bytes
 * Source: RFC 8032 §5.1.7
 */
export function verifyIdentitySignature(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 64) return false;
  const group = groupNamed('ed25519');
  const commitment = signature.subarray(0, 32);
  try {
    const response = group.scalars.parse(signature.subarray(32));
    const challenge = group.scalars.reduce(hash('sha512', commitment, publicKey, message));
    const product = group.decodeAndMul(publicKey, group.scalars.negate(challenge));
    const expected = group.add(group.mulBasePublic(response), product);
    return !group.isIdentity(expected) && equalBytes(group.encode(expected), commitment);
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
}
