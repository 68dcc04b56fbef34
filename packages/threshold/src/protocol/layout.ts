import { EncodingError, UsageError } from '@ckm/foundation';

/**
 * Fixed byte layouts: every field has one place and one encoding, so that what `encode` writes is the only thing that
 * `decode` reads. All integers are unsigned; one that does not fit is refused (UsageError `INTEGER_OUT_OF_RANGE`), never
 * wrapped, so that no two values have one encoding.
 */

export function uint8(value: number): Uint8Array {
  return Uint8Array.of(inRange(value, 0xff));
}

export function uint16be(value: number): Uint8Array {
  inRange(value, 0xffff);
  return Uint8Array.of(value >>> 8, value);
}

export function uint32be(value: number): Uint8Array {
  inRange(value, 0xffffffff);
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export function uint32le(value: number): Uint8Array {
  return uint32be(value).reverse();
}

/** For lengths: below 2^32. */
export function uint64be(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  bytes.set(uint32be(value), 4);
  return bytes;
}

export function uint64le(value: number): Uint8Array {
  return uint64be(value).reverse();
}

/** Bytes preceded by their length (4 bytes, big-endian). */
export function block(bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(4 + bytes.length);
  framed.set(uint32be(bytes.length));
  framed.set(bytes, 4);
  return framed;
}

function inRange(value: number, largest: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= largest) return value;
  throw new UsageError(`an integer from 0 to ${largest} is needed`, {
    code: 'INTEGER_OUT_OF_RANGE',
    hint: 'check the value before encoding it',
  });
}

/** Reads a layout from front to back; everything it hands out is a copy. */
export interface LayoutReader {
  uint8(): number;
  uint16be(): number;
  uint32be(): number;
  /** Exactly `length` bytes. */
  bytes(length: number): Uint8Array;
  /** What {@link block} wrote, at most `maxBytes` long. */
  block(maxBytes: number): Uint8Array;
  /** Refuses what is left over. */
  end(): void;
}

/**
 * @param what names the layout in the error message
 * @throws EncodingError `LAYOUT_TOO_LONG` at once when the bytes exceed `maxBytes`; every method of the reader throws
 * `LAYOUT_INVALID` where the bytes do not fit.
 */
export function readLayout(bytes: Uint8Array, what: string, maxBytes: number): LayoutReader {
  if (!(bytes instanceof Uint8Array)) throw layoutInvalid(what);
  if (bytes.length > maxBytes) {
    throw new EncodingError(`${what} is longer than ${maxBytes} bytes`, {
      code: 'LAYOUT_TOO_LONG',
      hint: 'send what this version of the protocol defines',
    });
  }
  let at = 0;
  const take = (length: number): Uint8Array => {
    if (bytes.length - at < length) throw layoutInvalid(what);
    at += length;
    return bytes.subarray(at - length, at);
  };
  const integer = (length: number): number => take(length).reduce((value, byte) => value * 256 + byte, 0);
  return {
    uint8: () => integer(1),
    uint16be: () => integer(2),
    uint32be: () => integer(4),
    bytes: (length) => new Uint8Array(take(length)),
    block(limit) {
      const length = integer(4);
      if (length > limit) throw layoutInvalid(what);
      return new Uint8Array(take(length));
    },
    end() {
      if (at !== bytes.length) throw layoutInvalid(what);
    },
  };
}

/** The error for bytes that do not follow a layout, for checks that go beyond lengths. */
export function layoutInvalid(what: string): EncodingError {
  return new EncodingError(`${what} does not follow its layout`, {
    code: 'LAYOUT_INVALID',
    hint: 'send what this version of the protocol defines',
  });
}
