import { EncodingError } from '@ckm/foundation';
import { cbor, encodeItem, readItem, type Cbor, type CborInput } from './item.js';
import { measureCbor } from './nesting.js';
import { CborReader } from './reader.js';

export { cbor, MAJOR, taggedValue } from './item.js';
export type { Cbor, CborInput, CborNumber } from './item.js';

/** How much an encoding may cost before it is looked at. */
export interface DecodeLimits {
  readonly maxBytes: number;
  /** Arrays, maps and tags inside one another. */
  readonly maxDepth: number;
  /** Items of every kind, containers included. Default: as many as fit. */
  readonly maxItems?: number;
}

/** 1 MiB, 64 levels: more than any message of ours, far from what exhausts a stack. */
export const DEFAULT_LIMITS: DecodeLimits = { maxBytes: 1_048_576, maxDepth: 64 };

/**
 * Deterministic CBOR of a value built by our own code.
 * @throws BugError `DATA_UNENCODABLE` for integers beyond 64 bits; EncodingError `TEXT_INCOMPLETE` for half of a letter in a text
 */
export function encodeCanonical(value: CborInput): Uint8Array {
  return encodeItem(cbor(value));
}

/**
 * One deterministic CBOR item; {@link encodeCanonical} makes the same bytes of it again. Byte strings inside are views of
 * `bytes`: copy what outlives it.
 * Source: draft-mcnally-deterministic-cbor-17.
 * @throws EncodingError `CBOR_TOO_LONG` (bytes or items), `CBOR_TOO_DEEP`, `CBOR_INVALID`.
 */
export function decodeCanonical(bytes: Uint8Array, limits: DecodeLimits = DEFAULT_LIMITS): Cbor {
  assertMeasure(bytes, limits);
  const reader = new CborReader(bytes);
  const item = readItem(reader);
  reader.end();
  return item;
}

/**
 * That an encoding is no longer, deeper or richer than `limits` allow, before anything is made of it.
 * @throws EncodingError `CBOR_TOO_LONG` (bytes or items), `CBOR_TOO_DEEP`
 */
export function assertMeasure(bytes: Uint8Array, limits: DecodeLimits = DEFAULT_LIMITS): void {
  if (bytes.length > limits.maxBytes) {
    throw new EncodingError(`the encoding has ${bytes.length} bytes, more than ${limits.maxBytes}`, {
      code: 'CBOR_TOO_LONG',
      hint: 'send less at once',
      httpStatus: 413,
    });
  }
  const measured = measureCbor(bytes, limits.maxDepth, limits.maxItems);
  if (measured === 'too many') {
    throw new EncodingError(`the encoding has more than ${limits.maxItems} items`, {
      code: 'CBOR_TOO_LONG',
      hint: 'send less at once',
      httpStatus: 413,
    });
  }
  if (measured === 'too deep') {
    throw new EncodingError(`the encoding nests deeper than ${limits.maxDepth} levels`, {
      code: 'CBOR_TOO_DEEP',
      hint: 'send a flatter structure',
    });
  }
}
