import { reveal } from '@ckm/foundation';
import { type Identity, primitives } from '@ckm/gordian';

/**
 * A server's identity key signs one of the statements of `@ckm/threshold` (`staticKeyStatement`,
 * `recoveryAckStatement`) as it stands: each begins with its own readable prefix and is longer than the envelope digests
 * and shorter of the frame that the same key signs elsewhere, so no signature passes for another. 64 bytes, Ed25519.
 */
export function signIdentityStatement(identity: Identity, statement: Uint8Array): Uint8Array {
  return primitives.ed25519Sign(statement, reveal(identity.signingKey, 'sign a statement of the server'));
}

/** Whether the holder of `identityKey` (32 bytes) signed the statement. */
export function verifyIdentityStatement(
  identityKey: Uint8Array,
  statement: Uint8Array,
  signature: Uint8Array,
): boolean {
  return primitives.ed25519Verify(signature, statement, identityKey);
}
