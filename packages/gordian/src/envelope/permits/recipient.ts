import { AccessError, EncodingError, encodeUtf8, reveal, type Secret } from '@ckm/foundation';
import { MAJOR, type Cbor, type DecodeLimits } from '../../cbor/dcbor.js';
import { encodeByteString, encodeList, encodeTagged } from '../../cbor/writer.js';
import { CHACHA_KEY_BYTES, CHACHA_NONCE_BYTES, X25519_KEY_BYTES } from '../../primitives/contract.js';
import { drawRandom, type RandomBytes } from '../../primitives/random.js';
import { primitives } from '../../primitives/runtime.js';
import { encryptedMessageFrom } from '../decode.js';
import { encodeEncryptedMessage } from '../encode.js';
import { decryptBytes, decryptSubject, encryptBytes, encryptSubject } from '../encrypt.js';
import {
  withAssertion,
  knownValue,
  leafOfEncoding,
  wrap,
  type EncryptedMessage,
  type Envelope,
} from '../envelope.js';
import { KNOWN } from '../known-values.js';
import { bytesFrom, unwrap } from '../queries.js';
import { TAG } from '../../cbor/tags.js';
import { permitsOf } from './permits.js';

/** A content key sealed to one X25519 key. Source: bc-components-rust, src/encapsulation/sealed_message.rs. */
export interface SealedKey {
  readonly message: EncryptedMessage;
  readonly ephemeralKey: Uint8Array;
}

const AGREEMENT_SALT = encodeUtf8('agreement');
const NO_INFO = new Uint8Array(0);

/**
 * Seals a content key. `ephemeralSecret` (32 bytes) and `nonce` (12) must be fresh.
 * @throws EncodingError `AGREEMENT_KEY_INVALID` when the recipient's key has small order.
 */
export function sealContentKey(
  contentKey: Uint8Array,
  recipient: Uint8Array,
  ephemeralSecret: Uint8Array,
  nonce: Uint8Array,
): SealedKey {
  const sharedKey = agree(ephemeralSecret, recipient);
  if (sharedKey === null) {
    throw new EncodingError('a public agreement key is not usable', {
      code: 'AGREEMENT_KEY_INVALID',
      hint: 'ask the recipient for their public keys again',
    });
  }
  const plaintext = encodeTagged([TAG.symmetricKey], encodeByteString(contentKey));
  const message = encryptBytes(plaintext, sharedKey, nonce);
  sharedKey.fill(0);
  plaintext.fill(0);
  return { message, ephemeralKey: primitives.x25519PublicKey(ephemeralSecret) };
}

/** The content key, or `null` when it was sealed to somebody else (or changed on the way). */
export function openContentKey(sealed: SealedKey, agreementKey: Secret<Uint8Array>): Uint8Array | null {
  if (!isCanonicalCoordinate(sealed.ephemeralKey)) return null;
  const sharedKey = agree(reveal(agreementKey, 'open a sealed content key'), sealed.ephemeralKey);
  if (sharedKey === null) return null;
  const plaintext = decryptBytes(sealed.message, sharedKey);
  sharedKey.fill(0);
  return plaintext === null ? null : contentKeyFrom(plaintext);
}

function agree(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null {
  const shared = primitives.x25519Shared(secretKey, publicKey);
  return shared === null ? null : primitives.hkdfSha256(shared, AGREEMENT_SALT, NO_INFO, CHACHA_KEY_BYTES);
}

/**
 * X25519 ignores the top bit and reduces modulo p: without this check, the same key would have several spellings. A key
 * shifted by a point of small order still opens the same seal, so never tell messages apart by their sealed bytes.
 */
function isCanonicalCoordinate(key: Uint8Array): boolean {
  const top = key[31]!;
  if (top > 0x7f) return false;
  if (top < 0x7f || key[0]! < 0xed) return true;
  return key.subarray(1, 31).some((byte) => byte !== 0xff);
}

function contentKeyFrom(plaintext: Uint8Array): Uint8Array | null {
  const head = [0xd9, 0x9c, 0x57, 0x58, 0x20];
  const fits = plaintext.length === head.length + 32 && head.every((byte, i) => plaintext[i] === byte);
  const key = fits ? plaintext.slice(head.length) : null;
  plaintext.fill(0);
  return key;
}

/** Tagged CBOR 40019. */
export function encodeSealedKey({ message, ephemeralKey }: SealedKey): Uint8Array {
  const sealed = encodeTagged([TAG.encrypted], encodeEncryptedMessage(message));
  const key = encodeTagged([TAG.x25519PublicKey], encodeByteString(ephemeralKey));
  return encodeTagged([TAG.sealedMessage], encodeList([sealed, key]));
}

/** `null` for a permit of a kind we cannot use (post-quantum). @throws EncodingError `PERMIT_INVALID`. */
export function sealedKeyFrom(item: Cbor): SealedKey | null {
  const pair = untag(item, TAG.sealedMessage);
  if (pair.type !== MAJOR.array || pair.value.length !== 2) throw invalid();
  const [message, key] = pair.value;
  if (key!.type !== MAJOR.tag || key!.tag !== TAG.x25519PublicKey) return null;
  return {
    message: encryptedMessageFrom(untag(message!, TAG.encrypted)),
    ephemeralKey: bytesFrom(key!.value, X25519_KEY_BYTES),
  };
}

function untag(item: Cbor, tag: number): Cbor {
  if (item.type !== MAJOR.tag || item.tag !== tag) throw invalid();
  return item.value;
}

function invalid(): EncodingError {
  return new EncodingError('a recipient permit is malformed', {
    code: 'PERMIT_INVALID',
    hint: 'seal the envelope again',
  });
}

/** Adds 'hasRecipient' for an X25519 key to an envelope whose subject is encrypted under `contentKey`. */
export function addRecipient(
  envelope: Envelope,
  recipient: Uint8Array,
  contentKey: Uint8Array,
  random: RandomBytes,
): Envelope {
  const ephemeralSecret = drawRandom(random, X25519_KEY_BYTES);
  const sealed = sealContentKey(
    contentKey,
    recipient,
    ephemeralSecret,
    drawRandom(random, CHACHA_NONCE_BYTES),
  );
  ephemeralSecret.fill(0);
  return withAssertion(envelope, knownValue(KNOWN.hasRecipient), leafOfEncoding(encodeSealedKey(sealed)));
}

/** Hides the whole envelope from everybody but the holders of the given X25519 keys. */
export function sealToRecipients(
  envelope: Envelope,
  recipients: readonly Uint8Array[],
  random: RandomBytes,
): Envelope {
  const contentKey = drawRandom(random, CHACHA_KEY_BYTES);
  let sealed = encryptSubject(wrap(envelope), contentKey, random);
  for (const recipient of recipients) sealed = addRecipient(sealed, recipient, contentKey, random);
  contentKey.fill(0);
  return sealed;
}

/**
 * Opens the subject with whichever permit fits.
 * @throws AccessError `ENVELOPE_NOT_FOR_ME` when none does, `ENVELOPE_KEY_WRONG`; EncodingError `PERMIT_INVALID` when none does,
 * but one of them is malformed; or as `decodeEnvelope`.
 */
export function decryptSubjectAsRecipient(
  envelope: Envelope,
  agreementKey: Secret<Uint8Array>,
  limits?: DecodeLimits,
): Envelope {
  const { usable, isAnyMalformed } = permitsOf(envelope, KNOWN.hasRecipient, sealedKeyFrom);
  for (const sealed of usable) {
    const contentKey = openContentKey(sealed, agreementKey);
    if (contentKey !== null) return decryptSubject(envelope, contentKey, limits);
  }
  if (isAnyMalformed) throw invalid();
  throw new AccessError('this envelope is not sealed to the key at hand', {
    code: 'ENVELOPE_NOT_FOR_ME',
    hint: 'use the identity the envelope was sealed to',
  });
}

/** Opens what {@link sealToRecipients} sealed. @throws as {@link decryptSubjectAsRecipient}. */
export function openAsRecipient(
  envelope: Envelope,
  agreementKey: Secret<Uint8Array>,
  limits?: DecodeLimits,
): Envelope {
  return unwrap(decryptSubjectAsRecipient(envelope, agreementKey, limits));
}
