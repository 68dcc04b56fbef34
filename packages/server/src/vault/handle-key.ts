import { reveal, secret, type Secret } from '@ckm/foundation';
import { taggedHash } from '@ckm/threshold';

/**
 * What names of contacts are hashed with, and codes for them are made of. Out of the seed of the server's identity and not of the storage key, which may
 * be rotated: names are to be found afterwards too.
 */
export function handleKeyOf(identitySeed: Secret<Uint8Array>): Secret<Uint8Array> {
  return secret(
    taggedHash('CKM/ways-back/host/v1', reveal(identitySeed, 'derive the key of names of contacts')),
  );
}
