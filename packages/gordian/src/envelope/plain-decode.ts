import { compareBytes } from '@ckm/foundation';
import { MAJOR, NotPlain, PlainReader } from '../cbor/plain-reader.js';
import {
  assertion,
  elided,
  type EncryptedMessage,
  type Envelope,
  knownValue,
  leafOfEncoding,
  nodeOfSorted,
  wrap,
} from './envelope.js';
import { TAG } from '../cbor/tags.js';

const NONE = new Uint8Array(0);
const DIGEST_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The envelope in `bytes`, read straight from its encoding; null: the official library has to look at it, and says what
 * is wrong if anything is (docs/adr/0020). The caller has measured the nesting.
 */
export function decodePlainEnvelope(bytes: Uint8Array): Envelope | null {
  try {
    const reader = new PlainReader(bytes);
    if (reader.expect(MAJOR.tag) !== TAG.envelope) return null;
    const envelope = readEnvelope(reader);
    reader.end();
    return envelope;
  } catch (error) {
    if (error instanceof NotPlain) return null;
    throw error;
  }
}

function readEnvelope(reader: PlainReader): Envelope {
  reader.head();
  switch (reader.major) {
    case MAJOR.tag:
      return readTagged(reader, reader.argument);
    case MAJOR.bytes:
      return elided(copyOf(reader, DIGEST_BYTES));
    case MAJOR.array:
      return readNode(reader, reader.argument);
    case MAJOR.map:
      if (reader.argument !== 1) throw new NotPlain();
      return assertion(readEnvelope(reader), readEnvelope(reader));
    case MAJOR.unsigned:
      return knownValue(reader.argument);
    default:
      throw new NotPlain();
  }
}

function readTagged(reader: PlainReader, tag: number): Envelope {
  switch (tag) {
    case TAG.leaf: {
      const start = reader.at;
      reader.skip();
      return leafOfEncoding(new Uint8Array(reader.input.subarray(start, reader.at)));
    }
    case TAG.envelope:
      return wrap(readEnvelope(reader));
    case TAG.encrypted: {
      const message = readEncryptedMessage(reader);
      return { kind: 'encrypted', message, digest: readDigest(message.aad) };
    }
    default:
      throw new NotPlain();
  }
}

function readNode(reader: PlainReader, length: number): Envelope {
  if (length < 2) throw new NotPlain();
  const subject = readEnvelope(reader);
  const assertions: Envelope[] = [];
  for (let left = length - 1; left > 0; left--) {
    const one = readEnvelope(reader);
    const before = assertions.at(-1);
    if (before !== undefined && compareBytes(before.digest, one.digest) >= 0) throw new NotPlain();
    assertions.push(one);
  }
  return nodeOfSorted(subject, assertions);
}

function readEncryptedMessage(reader: PlainReader): EncryptedMessage {
  const length = reader.expect(MAJOR.array);
  if (length !== 3 && length !== 4) throw new NotPlain();
  const part = (bytes: number | null) => {
    reader.expect(MAJOR.bytes);
    return copyOf(reader, bytes);
  };
  const message = { ciphertext: part(null), nonce: part(NONCE_BYTES), tag: part(TAG_BYTES) };
  return { ...message, aad: length === 4 ? part(null) : NONE };
}

/** The digest that stands in additional data. */
function readDigest(aad: Uint8Array): Uint8Array {
  const reader = new PlainReader(aad);
  if (reader.expect(MAJOR.tag) !== TAG.digest) throw new NotPlain();
  reader.expect(MAJOR.bytes);
  const digest = copyOf(reader, DIGEST_BYTES);
  reader.end();
  return digest;
}

/** Of the byte string whose head was just read: envelopes own their bytes. */
function copyOf(reader: PlainReader, length: number | null): Uint8Array {
  if (length !== null && reader.argument !== length) throw new NotPlain();
  return new Uint8Array(reader.content());
}
