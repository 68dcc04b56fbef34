import { concatBytes, EncodingError, encodeUtf8, reveal, type Secret, secret, wipe } from '@ckm/foundation';
import { type Identity, primitives } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';

/** To which export a sealed share belongs, and whose it is: a seal holds for this and nothing else. */
export interface SealedFor {
  /** 32 bytes, as `hashExport` names it: key, epoch, transcript hash, id and recipient. */
  readonly exportHash: Uint8Array;
  readonly slot: number;
  /** 32 bytes, X25519. */
  readonly recipient: Uint8Array;
}

const KEY_BYTES = 32;
const INFO = encodeUtf8('CKM exported share v1');
/** One key seals one share, so that its nonce may stand still. */
const NONCE = new Uint8Array(12);

/**
 * Seals a share to the recipient of an export: X25519 with an ephemeral key, HKDF-SHA256 over both public keys, export and
 * slot, ChaCha20-Poly1305. Ephemeral key (32 bytes) ‖ ciphertext ‖ tag.
 *
 * The ephemeral key is derived from the server's own secret, export, slot and share: said again it is the same bytes.
 * @throws EncodingError `SEALING_KEY_INVALID` for a recipient of small order
 */
export function sealShare(identity: Identity, to: SealedFor, share: Secret<Uint8Array>): Uint8Array {
  const plain = reveal(share, 'seal a share to the owner of the key');
  const hedge = reveal(identity.hedgeKey, 'derive the ephemeral key of a sealed share');
  const bound = taggedHash('CKM/export/ephemeral/v1', associatedData(to), to.recipient, plain);
  const ephemeral = secret(primitives.hkdfSha256(hedge, bound, INFO, KEY_BYTES));
  try {
    const scalar = reveal(ephemeral, 'seal a share');
    const publicKey = primitives.x25519PublicKey(scalar);
    const key = sealKey(primitives.x25519Shared(scalar, to.recipient), publicKey, to);
    if (key === null) throw recipientInvalid();
    try {
      return concatBytes(publicKey, primitives.chachaSeal(key, NONCE, associatedData(to), plain));
    } finally {
      key.fill(0);
    }
  } finally {
    wipe(ephemeral);
  }
}

/**
 * What was sealed to a recipient for this export and slot, or null: it was sealed to somebody else, for something else, or
 * changed. The caller wipes it.
 * @param recipientSecret 32 bytes, of `to.recipient`
 */
export function openShare(
  recipientSecret: Secret<Uint8Array>,
  to: SealedFor,
  sealed: Uint8Array,
): Secret<Uint8Array> | null {
  if (sealed.length < KEY_BYTES) return null;
  const publicKey = sealed.subarray(0, KEY_BYTES);
  const scalar = reveal(recipientSecret, 'open a share of an exported key');
  const key = sealKey(primitives.x25519Shared(scalar, publicKey), publicKey, to);
  if (key === null) return null;
  try {
    const plain = primitives.chachaOpen(key, NONCE, associatedData(to), sealed.subarray(KEY_BYTES));
    return plain === null ? null : secret(plain);
  } finally {
    key.fill(0);
  }
}

/** The public half of a recipient's secret. 32 bytes, X25519. */
export function recipientOf(recipientSecret: Secret<Uint8Array>): Uint8Array {
  return primitives.x25519PublicKey(
    reveal(recipientSecret, 'the public half of what an export is sealed to'),
  );
}

function sealKey(shared: Uint8Array | null, ephemeral: Uint8Array, to: SealedFor): Uint8Array | null {
  if (shared === null) return null;
  const salt = taggedHash('CKM/export/seal/v1', ephemeral, to.recipient, associatedData(to));
  const key = primitives.hkdfSha256(shared, salt, INFO, KEY_BYTES);
  shared.fill(0);
  return key;
}

function associatedData({ exportHash, slot }: SealedFor): Uint8Array {
  return concatBytes(exportHash, Uint8Array.of(slot));
}

function recipientInvalid(): EncodingError {
  return new EncodingError('the recipient of an export is no key that anything can be sealed to', {
    code: 'SEALING_KEY_INVALID',
    hint: 'begin the export anew',
  });
}
