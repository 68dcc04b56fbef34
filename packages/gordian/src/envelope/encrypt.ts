import { AccessError, concatBytes, equalBytes, UsageError } from '@ckm/foundation';
import type { DecodeLimits } from '../cbor/dcbor.js';
import { encodeByteString, encodeTagged } from '../cbor/writer.js';
import { CHACHA_NONCE_BYTES, CHACHA_TAG_BYTES } from '../primitives/contract.js';
import { drawRandom, type RandomBytes } from '../primitives/random.js';
import { primitives } from '../primitives/runtime.js';
import { decodeEnvelope } from './decode.js';
import { encodeEnvelope } from './encode.js';
import {
  nodeOfSorted,
  wrap,
  type EncryptedEnvelope,
  type EncryptedMessage,
  type Envelope,
} from './envelope.js';
import { subjectOf, unwrap } from './queries.js';
import { TAG } from '../cbor/tags.js';

/** Seals `plaintext` under a 32-byte key. Secrecy: a key and nonce pair must never be used twice. */
export function encryptBytes(
  plaintext: Uint8Array,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array = new Uint8Array(0),
): EncryptedMessage {
  const sealed = primitives.chachaSeal(key, nonce, aad, plaintext);
  const split = sealed.length - CHACHA_TAG_BYTES;
  return { ciphertext: sealed.subarray(0, split), nonce, tag: sealed.subarray(split), aad };
}

/** The plaintext, or `null` when key, nonce, additional data or content do not belong together. */
export function decryptBytes(message: EncryptedMessage, key: Uint8Array): Uint8Array | null {
  return primitives.chachaOpen(key, message.nonce, message.aad, concatBytes(message.ciphertext, message.tag));
}

/**
 * Hides the subject behind `key` (32 bytes); assertions stay readable and the digest stays the same.
 * @throws UsageError `ENVELOPE_ALREADY_HIDDEN`.
 */
export function encryptSubject(envelope: Envelope, key: Uint8Array, random: RandomBytes): Envelope {
  return encryptSubjectWithNonce(envelope, key, drawRandom(random, CHACHA_NONCE_BYTES));
}

/** As {@link encryptSubject} with a nonce that the caller guarantees to be fresh for this key. */
export function encryptSubjectWithNonce(envelope: Envelope, key: Uint8Array, nonce: Uint8Array): Envelope {
  const subject = subjectOf(envelope);
  if (subject.kind === 'encrypted' || subject.kind === 'elided') {
    throw new UsageError('the subject of this envelope is hidden already', {
      code: 'ENVELOPE_ALREADY_HIDDEN',
      hint: 'reveal or decrypt the subject first, or wrap the envelope',
    });
  }
  const aad = encodeTagged([TAG.digest], encodeByteString(subject.digest));
  const message = encryptBytes(encodeEnvelope(subject), key, nonce, aad);
  const hidden: EncryptedEnvelope = { kind: 'encrypted', message, digest: subject.digest };
  return envelope.kind === 'node' ? nodeOfSorted(hidden, envelope.assertions) : hidden;
}

/**
 * Reveals a subject hidden by {@link encryptSubject}.
 * @throws UsageError `ENVELOPE_NOT_ENCRYPTED`; AccessError `ENVELOPE_KEY_WRONG`; EncodingError as `decodeEnvelope`.
 */
export function decryptSubject(envelope: Envelope, key: Uint8Array, limits?: DecodeLimits): Envelope {
  const subject = subjectOf(envelope);
  if (subject.kind !== 'encrypted') {
    throw new UsageError('the subject of this envelope is not encrypted', {
      code: 'ENVELOPE_NOT_ENCRYPTED',
      hint: 'open only sealed envelopes',
    });
  }
  const plaintext = decryptBytes(subject.message, key);
  if (plaintext === null) throw wrongKey();
  const revealed = decodeEnvelope(plaintext, limits);
  if (!equalBytes(revealed.digest, subject.digest)) throw wrongKey();
  return envelope.kind === 'node' ? nodeOfSorted(revealed, envelope.assertions) : revealed;
}

function wrongKey(): AccessError {
  return new AccessError('this key does not open the envelope, or the envelope was changed', {
    code: 'ENVELOPE_KEY_WRONG',
    hint: 'use the key the envelope was sealed with',
  });
}

/** Hides the whole envelope, assertions included. */
export function encryptEnvelope(envelope: Envelope, key: Uint8Array, random: RandomBytes): Envelope {
  return encryptSubject(wrap(envelope), key, random);
}

/** Reveals what {@link encryptEnvelope} hid. @throws as {@link decryptSubject}, and `ENVELOPE_WRAPPED_EXPECTED`. */
export function decryptEnvelope(envelope: Envelope, key: Uint8Array, limits?: DecodeLimits): Envelope {
  return unwrap(decryptSubject(envelope, key, limits));
}
