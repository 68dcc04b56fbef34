import { compareBytes, EncodingError } from '@ckm/foundation';
import {
  assertMeasure,
  decodeCanonical,
  encodeCanonical,
  MajorType,
  type Cbor,
  type CborMap,
  type DecodeLimits,
} from '../cbor/dcbor.js';
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
import { decodePlainEnvelope } from './plain-decode.js';
import { TAG } from '../cbor/tags.js';

/**
 * An envelope from its tagged encoding. Exactly one encoding is accepted for each envelope: assertions that are out of
 * order or repeated are refused (the reference sorts them silently), and so is the retired leaf tag 24.
 * @throws EncodingError `CBOR_…`, `ENVELOPE_INVALID`, `ENVELOPE_ORDER_INVALID`, `ENVELOPE_ASSERTION_EXPECTED`.
 */
export function decodeEnvelope(bytes: Uint8Array, limits?: DecodeLimits): Envelope {
  assertMeasure(bytes, limits);
  return decodePlainEnvelope(bytes) ?? decodeWithLibrary(bytes, limits);
}

function decodeWithLibrary(bytes: Uint8Array, limits?: DecodeLimits): Envelope {
  const item = decodeCanonical(bytes, limits);
  if (item.type !== MajorType.Tagged || item.tag !== TAG.envelope) throw invalid('tag 200 expected');
  return fromCbor(item.value);
}

/** As {@link decodeEnvelope}, without tag 200: what a UR carries. */
export function decodeUntaggedEnvelope(bytes: Uint8Array, limits?: DecodeLimits): Envelope {
  return fromCbor(decodeCanonical(bytes, limits));
}

function fromCbor(item: Cbor): Envelope {
  switch (item.type) {
    case MajorType.Tagged:
      return fromTagged(item.tag, item.value);
    case MajorType.ByteString:
      return elided(digestOf(item));
    case MajorType.Array:
      return nodeFrom(item.value);
    case MajorType.Map:
      return assertionFrom(item.value);
    case MajorType.Unsigned:
      return knownValue(item.value);
    default:
      throw invalid('no envelope is written like this');
  }
}

function fromTagged(tag: number | bigint, content: Cbor): Envelope {
  switch (tag) {
    case TAG.leaf:
      return leafOfEncoding(encodeCanonical(content));
    case TAG.envelope:
      return wrap(fromCbor(content));
    case TAG.encrypted: {
      const message = encryptedMessageFrom(content);
      return { kind: 'encrypted', message, digest: digestIn(message.aad) };
    }
    case TAG.compressed:
      return compressedFrom(content);
    default:
      throw invalid(`tag ${tag} is not part of an envelope`);
  }
}

function nodeFrom(items: readonly Cbor[]): Envelope {
  if (items.length < 2) throw invalid('a node has a subject and at least one assertion');
  const [subject, ...assertions] = items.map(fromCbor);
  for (let i = 1; i < assertions.length; i++) {
    if (compareBytes(assertions[i - 1]!.digest, assertions[i]!.digest) >= 0) {
      throw new EncodingError('the assertions of an envelope are repeated or out of order', {
        code: 'ENVELOPE_ORDER_INVALID',
        hint: 'write assertions once each, in ascending order of their digests',
      });
    }
  }
  return nodeOfSorted(subject!, assertions);
}

function assertionFrom(map: CborMap): Envelope {
  const entries = [...map.entries()];
  if (entries.length !== 1) throw invalid('an assertion is one predicate and one object');
  const [predicate, object] = entries[0]!;
  return assertion(fromCbor(predicate), fromCbor(object));
}

/**
 * An encrypted message from its untagged array.
 * @throws EncodingError `ENVELOPE_INVALID`.
 */
export function encryptedMessageFrom(item: Cbor): EncryptedMessage {
  if (item.type !== MajorType.Array) throw invalid('an encrypted message is a list');
  const parts = item.value.map(bytesOf);
  const [ciphertext, nonce, tag, aad] = parts;
  if (
    parts.length < 3 ||
    parts.length > 4 ||
    nonce?.length !== 12 ||
    tag?.length !== 16 ||
    aad?.length === 0
  ) {
    throw invalid('an encrypted message is ciphertext, 12-byte nonce, 16-byte tag and additional data');
  }
  return { ciphertext: ciphertext!, nonce, tag, aad: aad ?? new Uint8Array(0) };
}

function compressedFrom(item: Cbor): Envelope {
  if (item.type !== MajorType.Array || item.value.length !== 4)
    throw invalid('compressed content has four parts');
  const [checksum, length, deflated, digest] = item.value;
  return {
    kind: 'compressed',
    checksum: countOf(checksum!, 0xffff_ffff),
    inflatedLength: countOf(length!, Number.MAX_SAFE_INTEGER),
    deflated: bytesOf(deflated!),
    digest: taggedDigest(digest!),
  };
}

function countOf(item: Cbor, max: number): number {
  if (item.type !== MajorType.Unsigned || typeof item.value !== 'number' || item.value > max) {
    throw invalid('a count is out of range');
  }
  return item.value;
}

/** Decoded byte strings are views of the input; envelopes own their bytes. */
function bytesOf(item: Cbor): Uint8Array {
  if (item.type !== MajorType.ByteString) throw invalid('bytes expected');
  return item.value.slice();
}

function digestOf(item: Cbor): Uint8Array {
  const bytes = bytesOf(item);
  if (bytes.length !== 32) throw invalid('a digest has 32 bytes');
  return bytes;
}

function taggedDigest(item: Cbor): Uint8Array {
  if (item.type !== MajorType.Tagged || item.tag !== TAG.digest) throw invalid('a tagged digest expected');
  return digestOf(item.value);
}

function digestIn(aad: Uint8Array): Uint8Array {
  if (aad.length === 0) throw invalid('encrypted content does not name its digest');
  return taggedDigest(decodeCanonical(aad));
}

function invalid(why: string): EncodingError {
  return new EncodingError(`not an envelope: ${why}`, {
    code: 'ENVELOPE_INVALID',
    hint: 'send a Gordian Envelope as dCBOR',
  });
}
