import { EncodingError, equalBytes } from '@ckm/foundation';
import { decodeCanonical, MAJOR, type Cbor, type CborNumber } from '../cbor/dcbor.js';
import { knownValue, type AssertionEnvelope, type Envelope, type LeafEnvelope } from './envelope.js';

/** What the assertions are about; an envelope without assertions is its own subject. */
export function subjectOf(envelope: Envelope): Envelope {
  return envelope.kind === 'node' ? envelope.subject : envelope;
}

/** In ascending order of digests; none for an envelope that is not a node. */
export function assertionsOf(envelope: Envelope): readonly Envelope[] {
  return envelope.kind === 'node' ? envelope.assertions : [];
}

/** The predicate-object pair under an assertion's own assertions, or `null` when it is hidden. */
export function bareAssertion(envelope: Envelope): AssertionEnvelope | null {
  const subject = subjectOf(envelope);
  return subject.kind === 'assertion' ? subject : null;
}

/** The objects asserted with this predicate, found by digest, so that a hidden predicate counts as well. */
export function objectsFor(envelope: Envelope, predicate: Envelope | CborNumber): readonly Envelope[] {
  const wanted = (typeof predicate === 'object' ? predicate : knownValue(predicate)).digest;
  const objects: Envelope[] = [];
  for (const one of assertionsOf(envelope)) {
    const pair = bareAssertion(one);
    if (pair !== null && equalBytes(pair.predicate.digest, wanted)) objects.push(pair.object);
  }
  return objects;
}

/**
 * The only object asserted with this predicate, or `null` when there is none.
 * @throws EncodingError `ENVELOPE_AMBIGUOUS` when there are several.
 */
export function objectFor(envelope: Envelope, predicate: Envelope | CborNumber): Envelope | null {
  const objects = objectsFor(envelope, predicate);
  if (objects.length > 1) {
    throw new EncodingError('an envelope says two things where one is expected', {
      code: 'ENVELOPE_AMBIGUOUS',
      hint: 'assert this predicate only once',
    });
  }
  return objects[0] ?? null;
}

/** The CBOR value of a leaf, however long: whoever decoded or built the envelope has measured it. */
export function leafItem({ bytes }: LeafEnvelope): Cbor {
  return decodeCanonical(bytes, { maxBytes: bytes.length, maxDepth: Number.POSITIVE_INFINITY });
}

/**
 * The CBOR value of a leaf (or of the leaf an envelope is about).
 * @throws EncodingError `ENVELOPE_LEAF_EXPECTED` for any other kind of envelope.
 */
export function leafValue(envelope: Envelope): Cbor {
  const subject = subjectOf(envelope);
  if (subject.kind !== 'leaf') throw unexpected('a plain value');
  return leafItem(subject);
}

/**
 * The content of a leaf that holds `tag(content)`.
 * @throws EncodingError `ENVELOPE_LEAF_EXPECTED`.
 */
export function taggedLeafContent(envelope: Envelope, tag: number): Cbor {
  const value = leafValue(envelope);
  if (value.type !== MAJOR.tag || value.tag !== tag) throw unexpected(`a value with tag ${tag}`);
  return value.value;
}

/**
 * Text of a leaf.
 * @throws EncodingError `ENVELOPE_LEAF_EXPECTED`.
 */
export function leafText(envelope: Envelope): string {
  const value = leafValue(envelope);
  if (value.type !== MAJOR.text) throw unexpected('text');
  return value.value;
}

/**
 * A copy of a byte string.
 * @throws EncodingError `ENVELOPE_LEAF_EXPECTED`, also when `length` is given and differs.
 */
export function bytesFrom(item: Cbor, length?: number): Uint8Array {
  if (item.type !== MAJOR.bytes) throw unexpected('bytes');
  if (length !== undefined && item.value.length !== length) throw unexpected(`${length} bytes`);
  return item.value.slice();
}

/**
 * The envelope inside a wrapped subject.
 * @throws EncodingError `ENVELOPE_WRAPPED_EXPECTED`.
 */
export function unwrap(envelope: Envelope): Envelope {
  const subject = subjectOf(envelope);
  if (subject.kind === 'wrapped') return subject.envelope;
  throw new EncodingError('a wrapped envelope was expected', {
    code: 'ENVELOPE_WRAPPED_EXPECTED',
    hint: 'wrap an envelope before signing or sealing it as a whole',
  });
}

function unexpected(what: string): EncodingError {
  return new EncodingError(`${what} was expected in an envelope`, {
    code: 'ENVELOPE_LEAF_EXPECTED',
    hint: 'check which kind of document this is',
  });
}
