import { encodeUtf8, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import { createIdentity, type Identity, primitives } from '@ckm/gordian';

const OWNER_SALT = encodeUtf8('ckm/key-owner/v1');
const DEVICE_SALT = encodeUtf8('ckm/key-device/v1');

/**
 * The owner of one key, to its servers and to whoever says yes for it: the same to all of them, and another one for each key, so that nobody can tell
 * that two keys have one owner. Its signing key is `ownerKey` of the terms. HKDF-SHA-256(seed, salt `ckm/key-owner/v1`, info = key id) is its seed.
 * The caller wipes it.
 * @param words an owner seed, 32 bytes
 */
export function keyOwnerIdentity(words: Secret<Uint8Array>, keyId: Uint8Array): Identity {
  return identityOf(words, OWNER_SALT, keyId, 'deriving the owner of one key');
}

/**
 * A device, to whoever has to do with one key: it stands on the list that the owner of the key has signed, and is called there as its XID is.
 * HKDF-SHA-256(secret of the device, salt `ckm/key-device/v1`, info = key id) is its seed. The caller wipes it.
 */
export function keyDeviceIdentity(device: Secret<Uint8Array>, keyId: Uint8Array): Identity {
  return identityOf(device, DEVICE_SALT, keyId, 'deriving the key of a device for one key');
}

function identityOf(from: Secret<Uint8Array>, salt: Uint8Array, keyId: Uint8Array, why: string): Identity {
  const seed = secret(primitives.hkdfSha256(reveal(from, why), salt, keyId, 32));
  try {
    return createIdentity(seed);
  } finally {
    wipe(seed);
  }
}
