import { concatBytes, decodeUtf8, encodeUtf8, reveal, type Secret } from '@ckm/foundation';
import { encodePublicKeys, primitives, type PublicKeys } from '@ckm/gordian';

const SALT_BYTES = 32;
/** Every name takes as much: two servers see no length that is the same. */
const PLAIN_BYTES = 64;
const INFO = encodeUtf8('ckm/device-notes/v1');
/** One key seals one name: its salt is fresh. */
const NONCE = new Uint8Array(12);
/** What `parseName` takes, so that what another device wrote is as good as what was typed. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,31}$/;

/**
 * The name of a device, for the owner's other devices: salt (32 bytes) ‖ ChaCha20-Poly1305 of its length (1 byte), its letters and zeros up to 64 bytes.
 * Key: HKDF-SHA-256(household, salt, info `ckm/device-notes/v1`). Associated data: the public keys it stands beside, so that no server hands it to another.
 */
export function sealDeviceName(
  household: Secret<Uint8Array>,
  keys: PublicKeys,
  name: string,
  random: (length: number) => Uint8Array,
): Uint8Array {
  const salt = random(SALT_BYTES);
  const plain = new Uint8Array(PLAIN_BYTES);
  const letters = encodeUtf8(name);
  plain[0] = letters.length;
  plain.set(letters, 1);
  return withKey(household, salt, (key) =>
    concatBytes(salt, primitives.chachaSeal(key, NONCE, encodePublicKeys(keys), plain)),
  );
}

/** Null: there is none, it is of another household, or not as a device writes it. */
export function openDeviceName(
  household: Secret<Uint8Array>,
  keys: PublicKeys,
  notes: Uint8Array,
): string | null {
  if (notes.length <= SALT_BYTES) return null;
  const plain = withKey(household, notes.subarray(0, SALT_BYTES), (key) =>
    primitives.chachaOpen(key, NONCE, encodePublicKeys(keys), notes.subarray(SALT_BYTES)),
  );
  if (plain?.length !== PLAIN_BYTES) return null;
  const letters = plain.subarray(1, 1 + plain[0]!);
  return isAscii(letters) && NAME.test(decodeUtf8(letters)) ? decodeUtf8(letters) : null;
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function withKey<T>(household: Secret<Uint8Array>, salt: Uint8Array, work: (key: Uint8Array) => T): T {
  const key = primitives.hkdfSha256(reveal(household, 'the name of a device'), salt, INFO, 32);
  try {
    return work(key);
  } finally {
    key.fill(0);
  }
}
