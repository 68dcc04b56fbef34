import { compareBytes, EncodingError } from '@ckm/foundation';
import { assertMeasure, MAJOR, type Cbor, type DecodeLimits } from '../cbor/dcbor.js';
import { CborReader } from '../cbor/reader.js';
import { TAG } from '../cbor/tags.js';
import {
  assertion,
  elided,
  knownValue,
  leafOfEncoding,
  nodeOfSorted,
  wrap,
  type EncryptedMessage,
  type Envelope,
} from './envelope.js';

const DIGEST_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_CHECKSUM = 0xffff_ffff;
const NO_DATA = new Uint8Array(0);

/**
 * An envelope from its tagged encoding. Exactly one encoding is accepted for each envelope: assertions that are out of
 * order or repeated are refused (the reference sorts them silently), and so is the retired leaf tag 24.
 * @throws EncodingError `CBOR_…`, `ENVELOPE_INVALID`, `ENVELOPE_ORDER_INVALID`, `ENVELOPE_ASSERTION_EXPECTED`.
 */
export function decodeEnvelope(bytes: Uint8Array, limits?: DecodeLimits): Envelope {
  return decodeWhole(bytes, limits, (reader) => {
    reader.head();
    if (reader.major !== MAJOR.tag || reader.argument !== TAG.envelope) throw invalid('tag 200 expected');
    return readEnvelope(reader);
  });
}

/** As {@link decodeEnvelope}, without tag 200: what a UR carries. */
export function decodeUntaggedEnvelope(bytes: Uint8Array, limits?: DecodeLimits): Envelope {
  return decodeWhole(bytes, limits, readEnvelope);
}

function decodeWhole<T>(
  bytes: Uint8Array,
  limits: DecodeLimits | undefined,
  read: (reader: CborReader) => T,
): T {
  assertMeasure(bytes, limits);
  const reader = new CborReader(bytes);
  const whole = read(reader);
  reader.end();
  return whole;
}

function readEnvelope(reader: CborReader): Envelope {
  reader.head();
  switch (reader.major) {
    case MAJOR.tag:
      return readTagged(reader, reader.argument);
    case MAJOR.bytes:
      return elided(copyOf(reader, DIGEST_BYTES));
    case MAJOR.array:
      return readNode(reader, reader.argument);
    case MAJOR.map:
      return readAssertion(reader);
    case MAJOR.unsigned:
      return knownValue(reader.exactArgument());
    default:
      throw invalid('no envelope is written like this');
  }
}

function readTagged(reader: CborReader, tag: number): Envelope {
  switch (tag) {
    case TAG.leaf:
      return leafOfEncoding(reader.copyItem());
    case TAG.envelope:
      return wrap(readEnvelope(reader));
    case TAG.encrypted: {
      const message = readEncryptedMessage(reader);
      return { kind: 'encrypted', message, digest: digestIn(message.aad) };
    }
    case TAG.compressed:
      return readCompressed(reader);
    default:
      throw invalid(`tag ${tag} is not part of an envelope`);
  }
}

function readAssertion(reader: CborReader): Envelope {
  if (reader.argument !== 1) throw invalid('an assertion is one predicate and one object');
  return assertion(readEnvelope(reader), readEnvelope(reader));
}

function readNode(reader: CborReader, length: number): Envelope {
  if (length < 2) throw invalid('a node has a subject and at least one assertion');
  const subject = readEnvelope(reader);
  const assertions: Envelope[] = [];
  for (let left = length - 1; left > 0; left--) {
    const one = readEnvelope(reader);
    const before = assertions.at(-1);
    if (before !== undefined && compareBytes(before.digest, one.digest) >= 0) throw outOfOrder();
    assertions.push(one);
  }
  return nodeOfSorted(subject, assertions);
}

function readEncryptedMessage(reader: CborReader): EncryptedMessage {
  const length = readListHead(reader);
  if (length !== 3 && length !== 4) throw invalid(ENCRYPTED_PARTS);
  const part = (bytes?: number) => readBytes(reader, bytes, ENCRYPTED_PARTS);
  const message = { ciphertext: part(), nonce: part(NONCE_BYTES), tag: part(TAG_BYTES) };
  return { ...message, aad: length === 4 ? part() : NO_DATA };
}

const ENCRYPTED_PARTS = 'an encrypted message is ciphertext, 12-byte nonce, 16-byte tag and additional data';

function readCompressed(reader: CborReader): Envelope {
  if (readListHead(reader) !== 4) throw invalid('compressed content has four parts');
  return {
    kind: 'compressed',
    checksum: readCount(reader, MAX_CHECKSUM),
    inflatedLength: readCount(reader, Number.MAX_SAFE_INTEGER),
    deflated: readBytes(reader),
    digest: readTaggedDigest(reader),
  };
}

function readListHead(reader: CborReader): number {
  reader.head();
  if (reader.major !== MAJOR.array) throw invalid('hidden content is a list');
  return reader.argument;
}

function readCount(reader: CborReader, max: number): number {
  reader.head();
  if (reader.major !== MAJOR.unsigned || reader.argument > max) throw invalid('a count is out of range');
  return reader.argument;
}

function readBytes(reader: CborReader, length?: number, why = 'bytes expected'): Uint8Array {
  reader.head();
  if (reader.major !== MAJOR.bytes) throw invalid(why);
  return copyOf(reader, length, why);
}

function readTaggedDigest(reader: CborReader): Uint8Array {
  reader.head();
  if (reader.major !== MAJOR.tag || reader.argument !== TAG.digest) throw invalid('a tagged digest expected');
  return readBytes(reader, DIGEST_BYTES, 'a digest has 32 bytes');
}

/** The digest that additional data names. */
function digestIn(aad: Uint8Array): Uint8Array {
  if (aad.length === 0) throw invalid('encrypted content does not name its digest');
  return decodeWhole(aad, undefined, readTaggedDigest);
}

/** Of the byte string whose head was just read: envelopes own their bytes. */
function copyOf(reader: CborReader, length?: number, why = 'a digest has 32 bytes'): Uint8Array {
  if (length !== undefined && reader.argument !== length) throw invalid(why);
  return reader.content().slice();
}

/**
 * An encrypted message from its untagged array.
 * @throws EncodingError `ENVELOPE_INVALID`.
 */
export function encryptedMessageFrom(item: Cbor): EncryptedMessage {
  const parts = item.type === MAJOR.array ? item.value : [];
  const [ciphertext, nonce, tag, aad] = parts.map((part) => (part.type === MAJOR.bytes ? part.value : null));
  const isMessage = parts.length === 3 || (parts.length === 4 && aad !== null && aad?.length !== 0);
  if (!isMessage || !ciphertext || nonce?.length !== NONCE_BYTES || tag?.length !== TAG_BYTES)
    throw invalid(ENCRYPTED_PARTS);
  return {
    ciphertext: ciphertext.slice(),
    nonce: nonce.slice(),
    tag: tag.slice(),
    aad: aad?.slice() ?? NO_DATA,
  };
}

function outOfOrder(): EncodingError {
  return new EncodingError('the assertions of an envelope are repeated or out of order', {
    code: 'ENVELOPE_ORDER_INVALID',
    hint: 'write assertions once each, in ascending order of their digests',
  });
}

function invalid(why: string): EncodingError {
  return new EncodingError(`not an envelope: ${why}`, {
    code: 'ENVELOPE_INVALID',
    hint: 'send a Gordian Envelope as dCBOR',
  });
}
