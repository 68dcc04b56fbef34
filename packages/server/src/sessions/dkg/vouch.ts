import { reveal } from '@ckm/foundation';
import { primitives, type Identity } from '@ckm/gordian';

/**
 * This server's plain Ed25519 signature over a statement of the key generation: to vouch for a static key, to
 * acknowledge a certificate. The statements begin with what they are, so that neither can be taken for a packet, a
 * message or each other (`staticKeyStatement`, `recoveryAckStatement`).
 */
export function vouch(identity: Identity, statement: Uint8Array): Uint8Array {
  return primitives.ed25519Sign(
    statement,
    reveal(identity.signingKey, 'vouch for a statement of key generation'),
  );
}
