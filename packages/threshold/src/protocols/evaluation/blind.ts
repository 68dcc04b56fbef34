import { concatBytes, encodeUtf8, UsageError } from '@ckm/foundation';
import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { groupNamed } from '../../group/index.js';
import type { Element, SecretScalar } from '../../group/group.js';
import { hash, taggedHash64 } from '../../hash/index.js';
import { assertFresh } from '../../proofs/fresh.js';
import { voprfContext } from '../../proofs/index.js';

/** RFC 9497 takes inputs up to this many bytes. */
const MAX_INPUT_LENGTH = 0xffff;

/** An input under a blind: what the servers see, and what takes the blind off again. */
export interface BlindedInput {
  /** blind·H(input): tells nothing about the input. */
  readonly point: Element;
  /** Used for one request; the caller wipes it. */
  readonly blind: SecretScalar;
}

/**
 * Hides an input from the servers that are to evaluate it.
 * @param input secret, 0 to 65535 bytes
 * @param fresh 32 random bytes, used for this request only
 * @throws UsageError `INPUT_INVALID`, `RANDOMNESS_INVALID`
 * Source: RFC 9497 §3.3.1 (Blind), §4.1 (ristretto255, SHA-512), in VOPRF mode; the blind is hedged where the RFC draws it at random
 */
export function blindInput(input: Uint8Array, fresh: Uint8Array): BlindedInput {
  assertFresh(fresh);
  const wide = taggedHash64('CKM/blind/blind/v1', input, fresh);
  const blind = groupNamed('ristretto255').scalars.reduceSecret(wide);
  wide.fill(0);
  return blindWith(input, blind);
}

/** As {@link blindInput} with a given blind, as published test vectors have it; for nothing else. */
export function blindWith(input: Uint8Array, blind: SecretScalar): BlindedInput {
  const group = groupNamed('ristretto255');
  return { point: group.mulSecret(pointOfInput(input), blind), blind };
}

/**
 * The output of the blind evaluation, 64 bytes: of the input and the key alone, whatever the blind and the servers were.
 * The caller wipes it.
 * @param result k·point of {@link blindInput}
 * Source: RFC 9497 §3.3.1 (Finalize)
 */
export function unblind(input: Uint8Array, blind: SecretScalar, result: Element): Uint8Array {
  const group = groupNamed('ristretto255');
  const inverse = group.scalars.invertSecret(blind);
  const issued = group.encode(group.mulSecret(result, inverse));
  inverse.fill(0);
  const output = hash('sha512', ...prefixed(input), ...prefixed(issued), encodeUtf8('Finalize'));
  issued.fill(0);
  return output;
}

/** Source: RFC 9497 §4.1 (HashToGroup) */
function pointOfInput(input: Uint8Array): Element {
  if (input.length > MAX_INPUT_LENGTH) throw inputInvalid();
  const tag = concatBytes(encodeUtf8('HashToGroup-'), voprfContext('ristretto255'));
  const group = groupNamed('ristretto255');
  const point = group.fromUniform(expand_message_xmd(input, tag, 64, sha512));
  // RFC 9497 §3.3.1: InvalidInputError. Nobody knows such an input.
  if (group.isIdentity(point)) throw inputInvalid();
  return point;
}

function prefixed(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  return [Uint8Array.of(bytes.length >>> 8, bytes.length & 0xff), bytes];
}

function inputInvalid(): UsageError {
  return new UsageError('this input cannot be evaluated', {
    code: 'INPUT_INVALID',
    hint: `use an input of at most ${MAX_INPUT_LENGTH} bytes`,
  });
}
