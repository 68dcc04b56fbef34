import { encodeUtf8, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import { createIdentity, type Identity, primitives } from '@ckm/gordian';

const SALT = encodeUtf8('ckm/approver/v1');

/**
 * Who an approver is for one key: another one for each, so that nobody can tell that the same person is asked about two. HKDF-SHA-256(secret, salt
 * `ckm/approver/v1`, info = key id) is its seed. The caller wipes it.
 * @param approver 32 bytes
 */
export function approverIdentity(approver: Secret<Uint8Array>, keyId: Uint8Array): Identity {
  const bytes = reveal(approver, 'deriving who an approver is for one key');
  const seed = secret(primitives.hkdfSha256(bytes, SALT, keyId, 32));
  try {
    return createIdentity(seed);
  } finally {
    wipe(seed);
  }
}
