import { decodeUtf8 } from '@ckm/foundation';

/**
 * What this reader leaves to the official library: errors of every kind, fractions, numbers beyond 2^53 − 1, simple values
 * that are rare. Never seen outside `cbor/` and `envelope/`: whoever catches it reads the same bytes with the library,
 * whose verdict counts.
 */
export class NotPlain extends Error {
  override readonly name = 'NotPlain';
}

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
const WIDTH_OF_ONE_BYTE = 24;
const WIDTH_OF_EIGHT_BYTES = 27;

/**
 * Reads canonical CBOR from left to right. Accepts nothing that the official library would not, in the same order of keys
 * and the same shortest forms (a test compares the two). Its caller has measured the nesting (`measureCbor`).
 * Source: draft-mcnally-deterministic-cbor-12 §2.
 */
export class PlainReader {
  readonly input: Uint8Array;
  at = 0;
  major = 0;
  argument = 0;

  constructor(input: Uint8Array) {
    this.input = input;
  }

  /** The next head, in its shortest form. */
  head(): void {
    const first = this.input[this.at++];
    if (first === undefined) throw new NotPlain();
    this.major = first >> 5;
    const low = first & 31;
    if (low < WIDTH_OF_ONE_BYTE) this.argument = low;
    else if (low > WIDTH_OF_EIGHT_BYTES || this.major === MAJOR.simple) throw new NotPlain();
    else this.argument = this.longArgument(low - WIDTH_OF_ONE_BYTE);
  }

  private longArgument(power: number): number {
    const width = 1 << power;
    let value = 0;
    for (let i = 0; i < width; i++) {
      const byte = this.input[this.at++];
      if (byte === undefined) throw new NotPlain();
      value = value * 256 + byte;
    }
    const isShortest = power === 0 ? value >= WIDTH_OF_ONE_BYTE : value >= 2 ** (4 * width);
    if (!isShortest || value > Number.MAX_SAFE_INTEGER) throw new NotPlain();
    return value;
  }

  /** A head of this kind; its argument. */
  expect(major: number): number {
    this.head();
    if (this.major !== major) throw new NotPlain();
    return this.argument;
  }

  /** The content of the string whose head was just read, as a view. */
  content(): Uint8Array {
    const end = this.at + this.argument;
    if (end > this.input.length) throw new NotPlain();
    const view = this.input.subarray(this.at, end);
    this.at = end;
    return view;
  }

  /** The text whose head was just read; NFC, or it is not plain. */
  text(): string {
    const bytes = this.content();
    if (isAscii(bytes)) return asciiText(bytes);
    let text: string;
    try {
      text = decodeUtf8(bytes);
    } catch {
      throw new NotPlain();
    }
    if (text.normalize('NFC') !== text) throw new NotPlain();
    return text;
  }

  /** The value of the simple head just read. */
  simple(): boolean | null {
    if (this.argument === NULL) return null;
    if (this.argument === TRUE) return true;
    if (this.argument === FALSE) return false;
    throw new NotPlain();
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
      if (before !== null && compare(before, key) >= 0) throw new NotPlain();
      before = key;
      readValue();
    }
  }

  /** Nothing may follow. */
  end(): void {
    if (this.at !== this.input.length) throw new NotPlain();
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
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
