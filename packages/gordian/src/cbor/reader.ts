import { compareBytes, decodeUtf8, EncodingError } from '@ckm/foundation';
import { readFloat } from './floats.js';

export const MAJOR = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;

const FALSE = 20;
const TRUE = 21;
const NULL = 22;
const ONE_BYTE_FOLLOWS = 24;
const TWO_BYTES_FOLLOW = 25;
const EIGHT_BYTES_FOLLOW = 27;
const TOP_BIT = 0x80;

/** An {@link EncodingError} for bytes that are not dCBOR. */
function notCanonical(why: string): EncodingError {
  return new EncodingError(`not deterministic CBOR: ${why}`, {
    code: 'CBOR_INVALID',
    hint: 'encode with a dCBOR encoder (shortest forms, sorted unique keys, NFC text)',
  });
}

/**
 * Reads deterministic CBOR from left to right, and refuses whatever has another spelling: what it accepts is written
 * again byte for byte. Its caller has measured the nesting (`measureCbor`). Every method throws `CBOR_INVALID`.
 * Source: draft-mcnally-deterministic-cbor-17, "Narrowing Rules".
 */
export class CborReader {
  private readonly input: Uint8Array;
  private readonly view: DataView;
  at = 0;
  major = 0;
  /** Rounded beyond 2^53 − 1, where {@link integer} is exact. */
  argument = 0;

  constructor(input: Uint8Array) {
    this.input = input;
    this.view = new DataView(input.buffer, input.byteOffset, input.length);
  }

  /** The next head, in its shortest form. Of a float only the first byte is read, and of what is simple. */
  head(): void {
    const first = this.input[this.at++];
    if (first === undefined) throw endsTooSoon();
    this.major = first >> 5;
    const low = first & 31;
    if (low > EIGHT_BYTES_FOLLOW) throw notCanonical('an item has no length of its own');
    if (low < ONE_BYTE_FOLLOWS || this.major === MAJOR.simple) this.argument = low;
    else this.argument = this.longArgument(low - ONE_BYTE_FOLLOWS);
  }

  private longArgument(power: number): number {
    const width = 1 << power;
    const isBelowInt64 = width === 8 && this.major === MAJOR.negative && this.input[this.at]! >= TOP_BIT;
    let value = 0;
    for (let i = 0; i < width; i++) {
      const byte = this.input[this.at++];
      if (byte === undefined) throw endsTooSoon();
      value = value * 256 + byte;
    }
    const isShortest = power === 0 ? value >= ONE_BYTE_FOLLOWS : value >= 2 ** (4 * width);
    if (!isShortest) throw notCanonical('a number has a shorter form');
    if (isBelowInt64) throw notCanonical('an integer is less than -2^63');
    return value;
  }

  /** A head of this kind; its argument. */
  expect(major: number): number {
    this.head();
    if (this.major !== major) throw notCanonical('another kind of item was expected');
    return this.argument;
  }

  /** The exact argument of the head just read; a bigint beyond 2^53 − 1. */
  exactArgument(): number | bigint {
    return this.argument <= Number.MAX_SAFE_INTEGER ? this.argument : this.view.getBigUint64(this.at - 8);
  }

  /** The integer whose head was just read. */
  integer(): number | bigint {
    const argument = this.exactArgument();
    if (this.major !== MAJOR.negative) return argument;
    if (typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER) return -1 - argument;
    return -1n - BigInt(argument);
  }

  /** The content of the string whose head was just read, as a view that is a `Uint8Array` whatever the input was. */
  content(): Uint8Array {
    const length = this.argument;
    if (length > this.input.length - this.at) throw endsTooSoon();
    const view = new Uint8Array(this.input.buffer, this.input.byteOffset + this.at, length);
    this.at += length;
    return view;
  }

  /** The text whose head was just read. */
  text(): string {
    const bytes = this.content();
    if (isAscii(bytes)) return asciiText(bytes);
    const text = utf8Text(bytes);
    if (text.normalize('NFC') !== text) throw notCanonical('a text is not in NFC');
    return text;
  }

  /** The value whose head, of {@link MAJOR.simple}, was just read. */
  simple(): boolean | null | number {
    switch (this.argument) {
      case NULL:
        return null;
      case TRUE:
        return true;
      case FALSE:
        return false;
      case TWO_BYTES_FOLLOW:
        return this.float(2);
      case TWO_BYTES_FOLLOW + 1:
        return this.float(4);
      case EIGHT_BYTES_FOLLOW:
        return this.float(8);
      default:
        throw notCanonical('a simple value is none of true, false and null');
    }
  }

  private float(width: 2 | 4 | 8): number {
    if (width > this.input.length - this.at) throw endsTooSoon();
    const value = readFloat(this.view, this.at, width);
    if (value === null) throw notCanonical('a number has a shorter form');
    this.at += width;
    return value;
  }

  /** Moves over one item of any kind, checking it as if it were read. */
  skip(): void {
    this.head();
    switch (this.major) {
      case MAJOR.bytes:
        this.content();
        return;
      case MAJOR.text:
        this.text();
        return;
      case MAJOR.array:
        for (let left = this.argument; left > 0; left--) this.skip();
        return;
      case MAJOR.map:
        this.entries(() => {
          this.skip();
          return () => this.skip();
        });
        return;
      case MAJOR.tag:
        this.skip();
        return;
      case MAJOR.simple:
        this.simple();
        return;
      default:
    }
  }

  /** A copy of one whole item. */
  copyItem(): Uint8Array {
    const start = this.at;
    this.skip();
    return new Uint8Array(this.input.subarray(start, this.at));
  }

  /**
   * The entries of the map whose head was just read, in strictly ascending order of their encoded keys.
   * @param readKey reads a key, and returns what reads its value
   */
  entries(readKey: () => () => void): void {
    let before: Uint8Array | null = null;
    for (let left = this.argument; left > 0; left--) {
      const start = this.at;
      const readValue = readKey();
      const key = this.input.subarray(start, this.at);
      if (before !== null && compareBytes(before, key) >= 0)
        throw notCanonical('keys are repeated or out of order');
      before = key;
      readValue();
    }
  }

  /** Nothing may follow. */
  end(): void {
    if (this.at !== this.input.length) throw notCanonical('something follows its end');
  }
}

function endsTooSoon(): EncodingError {
  return notCanonical('it ends too soon');
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}

/** A decoder costs more than this for what is short. */
const SHORT_TEXT = 48;

function asciiText(bytes: Uint8Array): string {
  if (bytes.length > SHORT_TEXT) return decodeUtf8(bytes);
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

function utf8Text(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw notCanonical('a text is not UTF-8');
  }
}
