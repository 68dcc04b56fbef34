import { encodeUtf8, reveal, secret, UsageError, type Secret } from '@ckm/foundation';
import { createIdentity, type Identity, primitives, type Xid } from '@ckm/gordian';
import { SEED_BYTES } from './words.js';

const LABEL = encodeUtf8('ckm/client-identity/v1');

/**
 * Who the owner is to one server: another XID for every server, so that servers cannot tell that they serve the same
 * person. The same seed and server always give the same identity.
 * HKDF-SHA256(seed, salt = `ckm/client-identity/v1`, info = the server's XID) is the identity's seed.
 * @throws UsageError `SEED_LENGTH`
 */
export function identityForServer(seed: Secret<Uint8Array>, server: Xid): Identity {
  const material = reveal(seed, 'deriving the identity shown to one server');
  if (material.length !== SEED_BYTES) {
    throw new UsageError(`an owner seed has ${SEED_BYTES} bytes, not ${material.length}`, {
      code: 'SEED_LENGTH',
      hint: 'draw 32 random bytes, or restore the seed from its 24 words',
    });
  }
  return createIdentity(secret(primitives.hkdfSha256(material, LABEL, server, 32)));
}
