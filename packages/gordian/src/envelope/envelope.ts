import { compareBytes, concatBytes, EncodingError, equalBytes } from '@ckm/foundation';
import {
  cbor,
  encodeCanonical,
  taggedValue,
  type Cbor,
  type CborInput,
  type CborNumber,
} from '../cbor/dcbor.js';
import { primitives } from '../primitives/runtime.js';
import { TAG } from '../cbor/tags.js';

/**
 * A Gordian Envelope: a tree of values that keeps its digest when parts of it are hidden.
 * Plain immutable data; `digest` is 32 bytes and computed once.
 * Source: draft-mcnally-envelope-09 and BlockchainCommons/bc-envelope-rust, src/base/envelope.rs.
 */
export type Envelope =
  | LeafEnvelope
  | KnownValueEnvelope
  | WrappedEnvelope
  | AssertionEnvelope
  | NodeEnvelope
  | EncryptedEnvelope
  | CompressedEnvelope
  | ElidedEnvelope;

/** Any deterministic CBOR value; `bytes` is its encoding, without tag 201. */
export interface LeafEnvelope {
  readonly kind: 'leaf';
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
}
/** A number whose meaning is in a public register. */
export interface KnownValueEnvelope {
  readonly kind: 'knownValue';
  readonly value: CborNumber;
  readonly digest: Uint8Array;
}
/** A whole envelope, assertions included, made into one thing that can be signed or sealed. */
export interface WrappedEnvelope {
  readonly kind: 'wrapped';
  readonly envelope: Envelope;
  readonly digest: Uint8Array;
}
export interface AssertionEnvelope {
  readonly kind: 'assertion';
  readonly predicate: Envelope;
  readonly object: Envelope;
  readonly digest: Uint8Array;
}
/** A subject with at least one assertion, which are in ascending order of their digests. */
export interface NodeEnvelope {
  readonly kind: 'node';
  readonly subject: Envelope;
  readonly assertions: readonly Envelope[];
  readonly digest: Uint8Array;
}
/** Hidden behind a symmetric key; `digest` is the one of what is hidden. */
export interface EncryptedEnvelope {
  readonly kind: 'encrypted';
  readonly message: EncryptedMessage;
  readonly digest: Uint8Array;
}
/** Deflated content, kept as it came; `compress.ts` makes and opens it. */
export interface CompressedEnvelope {
  readonly kind: 'compressed';
  readonly checksum: number;
  readonly inflatedLength: number;
  readonly deflated: Uint8Array;
  readonly digest: Uint8Array;
}
/** Only the digest is left. */
export interface ElidedEnvelope {
  readonly kind: 'elided';
  readonly digest: Uint8Array;
}

/** Source: bc-components-rust, src/symmetric/encrypted_message.rs. `tag` 16 bytes, `nonce` 12, `aad` may be empty. */
export interface EncryptedMessage {
  readonly ciphertext: Uint8Array;
  readonly nonce: Uint8Array;
  readonly tag: Uint8Array;
  readonly aad: Uint8Array;
}

/** A leaf from anything deterministic CBOR can hold. */
export function leaf(value: CborInput): LeafEnvelope {
  return leafOfEncoding(encodeCanonical(value));
}

/** A leaf from the encoding of its value. The caller vouches that it is canonical and keeps no other hold on it. */
export function leafOfEncoding(bytes: Uint8Array): LeafEnvelope {
  return { kind: 'leaf', bytes, digest: primitives.sha256(bytes) };
}

const knownValues = new Map<CborNumber, KnownValueEnvelope>();

/** `value` 0 … 2^64 − 1. Small ones are made once. */
export function knownValue(value: CborNumber): KnownValueEnvelope {
  const known = knownValues.get(value);
  if (known !== undefined) return known;
  const digest = primitives.sha256(encodeCanonical(taggedValue(TAG.knownValue, value)));
  const made: KnownValueEnvelope = { kind: 'knownValue', value, digest };
  if (typeof value === 'number' && value < 1024) knownValues.set(value, made);
  return made;
}

export function wrap(envelope: Envelope): WrappedEnvelope {
  return { kind: 'wrapped', envelope, digest: primitives.sha256(envelope.digest) };
}

export function assertion(predicate: Envelope, object: Envelope): AssertionEnvelope {
  const digest = primitives.sha256(concatBytes(predicate.digest, object.digest));
  return { kind: 'assertion', predicate, object, digest };
}

export function elided(digest: Uint8Array): ElidedEnvelope {
  return { kind: 'elided', digest };
}

/**
 * `subject` with `assertions` in any order; repeated ones count once.
 * @throws EncodingError `ENVELOPE_ASSERTION_EXPECTED` when one of them is neither an assertion nor hidden.
 */
export function node(subject: Envelope, assertions: readonly Envelope[]): NodeEnvelope {
  const sorted = [...assertions].sort((a, b) => compareBytes(a.digest, b.digest));
  const unique = sorted.filter((one, i) => i === 0 || !equalBytes(one.digest, sorted[i - 1]!.digest));
  return nodeOfSorted(subject, unique);
}

/** As {@link node}, for assertions already in strictly ascending order of digests. */
export function nodeOfSorted(subject: Envelope, assertions: readonly Envelope[]): NodeEnvelope {
  for (const one of assertions) {
    if (!isAssertionOrHidden(one)) {
      throw new EncodingError('an envelope carries something that is not an assertion', {
        code: 'ENVELOPE_ASSERTION_EXPECTED',
        hint: 'attach only predicate-object pairs to a subject',
      });
    }
  }
  const digests = new Uint8Array(32 * (assertions.length + 1));
  digests.set(subject.digest);
  assertions.forEach((one, i) => digests.set(one.digest, 32 * (i + 1)));
  return { kind: 'node', subject, assertions, digest: primitives.sha256(digests) };
}

function isAssertionOrHidden(envelope: Envelope): boolean {
  if (envelope.kind === 'node') return isAssertionOrHidden(envelope.subject);
  return envelope.kind === 'assertion' || isObscured(envelope);
}

/** Whether only the digest of this part can be seen. */
export function isObscured(envelope: Envelope): boolean {
  return envelope.kind === 'elided' || envelope.kind === 'encrypted' || envelope.kind === 'compressed';
}

/** `envelope` with one more assertion; unchanged when it already has it. */
export function addAssertion(envelope: Envelope, added: Envelope): NodeEnvelope {
  if (envelope.kind !== 'node') return node(envelope, [added]);
  return node(envelope.subject, [...envelope.assertions, added]);
}

/** `envelope` with 'predicate': object. */
export function withAssertion(envelope: Envelope, predicate: Envelope, object: Envelope): NodeEnvelope {
  return addAssertion(envelope, assertion(predicate, object));
}

/** The 40001-tagged form of a digest, as it stands in additional data. */
export function digestCbor(digest: Uint8Array): Cbor {
  return taggedValue(TAG.digest, cbor(digest));
}
