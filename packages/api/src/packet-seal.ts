import { concatBytes, EncodingError, encodeUtf8, reveal, wipe, secret } from '@ckm/foundation';
import { encodeData, type Identity, primitives } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { type PacketBody } from './packet.js';

/** Everything in a packet but what it says; a seal holds for this header and no other. */
export type PacketHeader = Omit<PacketBody, 'payload' | 'previous'>;

const KEY_BYTES = 32;
const INFO = encodeUtf8('CKM packet seal v1');
/** One key seals one payload, so that its nonce may stand still. */
const NONCE = new Uint8Array(12);

/**
 * Seals a payload to one server of the roster: X25519 with an ephemeral key, HKDF-SHA256 over both public keys and the
 * header, ChaCha20-Poly1305 with the header as associated data.
 *
 * The ephemeral key is derived from the sender's own secret, the header, the receiver and the payload: a server that says
 * the same thing again says the same bytes, and has not said two things in one place; another payload is under another
 * key.
 * @param sealingKey 32 bytes, X25519, out of the roster
 * @throws EncodingError `SEALING_KEY_INVALID` for a key of small order
 */
export function sealPayload(
  identity: Identity,
  sealingKey: Uint8Array,
  header: PacketHeader,
  payload: Uint8Array,
): Uint8Array {
  const associated = associatedData(header);
  const hedge = reveal(identity.hedgeKey, 'derive the ephemeral key of a packet');
  const bound = taggedHash('CKM/packet/ephemeral/v1', associated, sealingKey, payload);
  const ephemeral = secret(primitives.hkdfSha256(hedge, bound, INFO, KEY_BYTES));
  try {
    const scalar = reveal(ephemeral, 'seal a packet');
    const publicKey = primitives.x25519PublicKey(scalar);
    const key = sealKey(primitives.x25519Shared(scalar, sealingKey), publicKey, sealingKey, associated);
    if (key === null) throw sealingKeyInvalid();
    try {
      return concatBytes(publicKey, primitives.chachaSeal(key, NONCE, associated, payload));
    } finally {
      key.fill(0);
    }
  } finally {
    wipe(ephemeral);
  }
}

/** What was sealed to us under this header, or null: it was sealed to somebody else, under another header, or changed. */
export function openPayload(identity: Identity, header: PacketHeader, sealed: Uint8Array): Uint8Array | null {
  if (sealed.length < KEY_BYTES) return null;
  const associated = associatedData(header);
  const publicKey = sealed.subarray(0, KEY_BYTES);
  const scalar = reveal(identity.agreementKey, 'open a packet');
  const shared = primitives.x25519Shared(scalar, publicKey);
  const key = sealKey(shared, publicKey, identity.publicKeys.agreement, associated);
  if (key === null) return null;
  try {
    return primitives.chachaOpen(key, NONCE, associated, sealed.subarray(KEY_BYTES));
  } finally {
    key.fill(0);
  }
}

function sealKey(
  shared: Uint8Array | null,
  ephemeral: Uint8Array,
  sealingKey: Uint8Array,
  associated: Uint8Array,
): Uint8Array | null {
  if (shared === null) return null;
  const salt = taggedHash('CKM/packet/seal/v1', ephemeral, sealingKey, associated);
  const key = primitives.hkdfSha256(shared, salt, INFO, KEY_BYTES);
  shared.fill(0);
  return key;
}

function associatedData({ protocol, keyId, epoch, sessionId, round, from, to }: PacketHeader): Uint8Array {
  return encodeData({ protocol, keyId, epoch, sessionId, round, from, to });
}

function sealingKeyInvalid(): EncodingError {
  return new EncodingError('a sealing key in the roster is no key that anything can be sealed to', {
    code: 'SEALING_KEY_INVALID',
    hint: 'ask the server of that slot for a new offer, or choose another',
  });
}
