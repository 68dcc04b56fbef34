import { concatBytes, EncodingError, encodeUtf8, reveal, type Secret, secret, wipe } from '@ckm/foundation';
import { type Identity, primitives } from '@ckm/gordian';
import { type HashTag, taggedHash } from '@ckm/threshold';

/** What tells one use of a seal from every other. */
export interface Sealing {
  readonly info: string;
  readonly ephemeralTag: HashTag;
  readonly keyTag: HashTag;
}

const KEY_BYTES = 32;
/** One key seals one text, so that its nonce may stand still. */
const NONCE = new Uint8Array(12);

/**
 * Seals a secret to a key of X25519: with an ephemeral key, HKDF-SHA256 over both public keys and what it is bound to,
 * ChaCha20-Poly1305. Ephemeral key (32 bytes) ‖ ciphertext ‖ tag (16 bytes).
 *
 * The ephemeral key is derived from the server's own secret, what it is bound to, the recipient and the text: said again it is
 * the same bytes, and another text is under another key.
 * @param recipient 32 bytes
 * @throws EncodingError `SEALING_KEY_INVALID` for a recipient of small order
 */
export function sealTo(
  { info, ephemeralTag, keyTag }: Sealing,
  identity: Identity,
  recipient: Uint8Array,
  boundTo: Uint8Array,
  text: Secret<Uint8Array>,
): Uint8Array {
  const plain = reveal(text, 'seal it to its recipient');
  const hedge = reveal(identity.hedgeKey, 'derive the ephemeral key of a seal');
  const bound = taggedHash(ephemeralTag, boundTo, recipient, plain);
  const ephemeral = secret(primitives.hkdfSha256(hedge, bound, encodeUtf8(info), KEY_BYTES));
  try {
    const scalar = reveal(ephemeral, 'seal to a recipient');
    const publicKey = primitives.x25519PublicKey(scalar);
    const salt = taggedHash(keyTag, publicKey, recipient, boundTo);
    const key = sealKey(primitives.x25519Shared(scalar, recipient), salt, info);
    if (key === null) throw recipientInvalid();
    try {
      return concatBytes(publicKey, primitives.chachaSeal(key, NONCE, boundTo, plain));
    } finally {
      key.fill(0);
    }
  } finally {
    wipe(ephemeral);
  }
}

/**
 * What was sealed to a recipient and bound to this, or null: it was sealed to somebody else, for something else, or changed.
 * The caller wipes it.
 * @param recipientSecret 32 bytes, of `recipient`
 */
export function openFrom(
  { info, keyTag }: Sealing,
  recipientSecret: Secret<Uint8Array>,
  recipient: Uint8Array,
  boundTo: Uint8Array,
  sealed: Uint8Array,
): Secret<Uint8Array> | null {
  if (sealed.length < KEY_BYTES) return null;
  const publicKey = sealed.subarray(0, KEY_BYTES);
  const scalar = reveal(recipientSecret, 'open what was sealed to a recipient');
  const salt = taggedHash(keyTag, publicKey, recipient, boundTo);
  const key = sealKey(primitives.x25519Shared(scalar, publicKey), salt, info);
  if (key === null) return null;
  try {
    const plain = primitives.chachaOpen(key, NONCE, boundTo, sealed.subarray(KEY_BYTES));
    return plain === null ? null : secret(plain);
  } finally {
    key.fill(0);
  }
}

/** The public half of a recipient's secret. 32 bytes, X25519. */
export function recipientOf(recipientSecret: Secret<Uint8Array>): Uint8Array {
  return primitives.x25519PublicKey(reveal(recipientSecret, 'the public half of what is sealed to'));
}

function sealKey(shared: Uint8Array | null, salt: Uint8Array, info: string): Uint8Array | null {
  if (shared === null) return null;
  const key = primitives.hkdfSha256(shared, salt, encodeUtf8(info), KEY_BYTES);
  shared.fill(0);
  return key;
}

function recipientInvalid(): EncodingError {
  return new EncodingError('the recipient is no key that anything can be sealed to', {
    code: 'SEALING_KEY_INVALID',
    hint: 'begin anew, with another key',
  });
}
