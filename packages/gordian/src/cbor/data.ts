import { BugError, EncodingError } from '@ckm/foundation';
import {
  cbor,
  CborMap,
  assertMeasure,
  decodeCanonical,
  encodeCanonical,
  MajorType,
  type Cbor,
  type DecodeLimits,
} from './dcbor.js';
import { type Data, decodePlain, encodePlain } from './plain-data.js';
import { NotPlain } from './plain-reader.js';

export type { Data } from './plain-data.js';

/**
 * Deterministic CBOR of `data`: equal values, equal bytes. Text is normalised to NFC.
 * @throws BugError `DATA_UNENCODABLE` for a function, a symbol, a class instance, a number beyond 64 bits.
 */
export function encodeData(data: Data): Uint8Array {
  return plainOr(
    () => encodePlain(data),
    () => encodeWithLibrary(data),
  );
}

/**
 * Most of what travels is plain, and read and written by a few lines of our own in a quarter of the time; the rest, and
 * everything that is wrong, is the official library's (docs/adr/0020).
 */
function plainOr<T>(plain: () => T, library: () => T): T {
  try {
    return plain();
  } catch (error) {
    if (error instanceof NotPlain) return library();
    throw error;
  }
}

function encodeWithLibrary(data: Data): Uint8Array {
  try {
    return encodeCanonical(toCbor(data));
  } catch (cause) {
    throw new BugError('a value cannot be written as CBOR', {
      code: 'DATA_UNENCODABLE',
      hint: 'report this: only plain data may be encoded',
      cause,
    });
  }
}

function toCbor(data: Data): Cbor {
  if (typeof data === 'function' || typeof data === 'symbol' || data === undefined)
    throw new TypeError('not data');
  if (data === null || typeof data !== 'object' || data instanceof Uint8Array) return cbor(data);
  if (Array.isArray(data)) return cbor(data.map(toCbor));
  const prototype: unknown = Object.getPrototypeOf(data);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('not a plain object');
  const map = new CborMap();
  for (const [key, value] of Object.entries(data as { readonly [key: string]: Data | undefined })) {
    if (value === undefined) continue;
    if (map.has(key)) throw new TypeError('two keys are equal after normalisation');
    map.set(key, toCbor(value));
  }
  return cbor(map);
}

/**
 * The value that {@link encodeData} wrote. Records have no prototype, so that a key called `__proto__` is only a key;
 * byte strings are copies.
 * @throws EncodingError `CBOR_TOO_LONG`, `CBOR_TOO_DEEP`, `CBOR_INVALID`, or `DATA_UNSUPPORTED` for tags and keys that
 * are not text.
 */
export function decodeData(bytes: Uint8Array, limits?: DecodeLimits): Data {
  assertMeasure(bytes, limits);
  return plainOr(
    () => decodePlain(bytes),
    () => fromCbor(decodeCanonical(bytes, limits)),
  );
}

function fromCbor(item: Cbor): Data {
  switch (item.type) {
    case MajorType.Unsigned:
      return item.value;
    case MajorType.Negative:
      return typeof item.value === 'bigint' ? -1n - item.value : -1 - item.value;
    case MajorType.ByteString:
      return item.value.slice();
    case MajorType.Text:
      return item.value;
    case MajorType.Array:
      return item.value.map(fromCbor);
    case MajorType.Map:
      return recordFrom(item.value);
    case MajorType.Simple:
      if (item.value.type === 'Float') return item.value.value;
      return item.value.type === 'Null' ? null : item.value.type === 'True';
    default:
      throw unsupported('a tag');
  }
}

function recordFrom(map: CborMap): Data {
  const record = Object.create(null) as Record<string, Data>;
  for (const [key, value] of map.entries()) {
    if (key.type !== MajorType.Text) throw unsupported('a key that is not text');
    record[key.value] = fromCbor(value);
  }
  return record;
}

function unsupported(what: string): EncodingError {
  return new EncodingError(`the encoding holds ${what}`, {
    code: 'DATA_UNSUPPORTED',
    hint: 'use records with text keys, lists, text, bytes, numbers, true, false and null only',
  });
}
