import { backends } from '#backends';

/**
 * Whether an Ed25519 signature by a server's identity is valid: the same answer on every machine, also for keys and
 * signatures that were made up to divide implementations.
 * @param publicKey 32 bytes
 * @param signature 64 bytes
 * Source: RFC 8032 §5.1.7
 */
export function verifyIdentitySignature(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return backends.verifyEd25519(publicKey, message, signature);
}
