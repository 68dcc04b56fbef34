import { BugError, encodeUtf8 } from '@ckm/foundation';
import { floatWidth, isInteger, writeFloat } from './floats.js';
import { MAJOR } from './reader.js';

const LOWEST_INTEGER = -(2n ** 63n);
const HIGHEST_INTEGER = 2n ** 64n - 1n;
const HEAD_OF_NINE = 27;
const HEAD_OF_FLOAT = { 2: 0xf9, 4: 0xfa, 8: 0xfb } as const;

/** How many bytes a head with this argument (0 … 2^64 − 1) takes. */
export function headLength(argument: number | bigint): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  if (argument < 0x10000) return 3;
  return argument < 0x1_0000_0000 ? 5 : 9;
}

/** Writes a head in its shortest form. @returns where the next byte goes */
export function writeHead(target: Uint8Array, at: number, major: number, argument: number): number {
  const length = headLength(argument);
  if (length === 1) {
    target[at] = (major << 5) | argument;
    return at + 1;
  }
  target[at] = (major << 5) | (23 + headWidth(length));
  let rest = argument;
  for (let i = at + length - 1; i > at; i--) {
    target[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return at + length;
}

/** 1, 2, 3 or 4 for an argument of 1, 2, 4 or 8 bytes. */
function headWidth(length: number): number {
  return length === 2 ? 1 : length === 3 ? 2 : length === 5 ? 3 : 4;
}

/** A head alone. @param argument 0 … 2^64 − 1 */
export function encodeHead(major: number, argument: number | bigint): Uint8Array {
  const bytes = new Uint8Array(headLength(argument));
  if (bytes.length < 9) writeHead(bytes, 0, major, Number(argument));
  else {
    bytes[0] = (major << 5) | HEAD_OF_NINE;
    viewOf(bytes).setBigUint64(1, BigInt(argument));
  }
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Canonical CBOR of an integer from 0 to 2^64 − 1. */
export function encodeUnsigned(value: number | bigint): Uint8Array {
  return encodeHead(MAJOR.unsigned, value);
}

/**
 * Canonical CBOR of any number: integers as such, whatever has a fraction or is beyond −2^63 … 2^64 − 1 as the shortest float.
 * @throws BugError `DATA_UNENCODABLE` for a bigint beyond these bounds.
 */
export function encodeNumber(value: number | bigint): Uint8Array {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return encodeHead(majorOf(value), value < 0 ? -1 - value : value);
    if (!isInteger(value)) return encodeFloat(value);
  }
  const whole = BigInt(value);
  if (whole < LOWEST_INTEGER || whole > HIGHEST_INTEGER) throw unencodable();
  return encodeHead(majorOf(whole), whole < 0n ? -1n - whole : whole);
}

function majorOf(integer: number | bigint): number {
  return integer < 0 ? MAJOR.negative : MAJOR.unsigned;
}

function encodeFloat(value: number): Uint8Array {
  const width = floatWidth(value);
  const bytes = new Uint8Array(1 + width);
  bytes[0] = HEAD_OF_FLOAT[width];
  writeFloat(viewOf(bytes), 1, value);
  return bytes;
}

/** For values of our own code that no CBOR stands for. */
export function unencodable(): BugError {
  return new BugError('a value cannot be written as CBOR', {
    code: 'DATA_UNENCODABLE',
    hint: 'report this: only plain data may be encoded',
  });
}

/** Canonical CBOR of a byte string. */
export function encodeByteString(content: Uint8Array): Uint8Array {
  return withHead(MAJOR.bytes, content);
}

/** Canonical CBOR of a text in NFC. @throws EncodingError `TEXT_INCOMPLETE` */
export function encodeText(text: string): Uint8Array {
  return withHead(MAJOR.text, encodeUtf8(text.normalize('NFC')));
}

function withHead(major: number, content: Uint8Array): Uint8Array {
  const start = headLength(content.length);
  const bytes = new Uint8Array(start + content.length);
  writeHead(bytes, 0, major, content.length);
  bytes.set(content, start);
  return bytes;
}

/** Canonical CBOR of `tags[0](tags[1](… content))`. @param content canonical CBOR of one item */
export function encodeTagged(tags: readonly number[], content: Uint8Array): Uint8Array {
  let start = 0;
  for (const tag of tags) start += headLength(tag);
  const bytes = new Uint8Array(start + content.length);
  let at = 0;
  for (const tag of tags) at = writeHead(bytes, at, MAJOR.tag, tag);
  bytes.set(content, at);
  return bytes;
}

/** Canonical CBOR of a list. @param items canonical CBOR of one item each */
export function encodeList(items: readonly Uint8Array[]): Uint8Array {
  const start = headLength(items.length);
  const length = items.reduce((sum, item) => sum + item.length, start);
  const bytes = new Uint8Array(length);
  let at = writeHead(bytes, 0, MAJOR.array, items.length);
  for (const item of items) {
    bytes.set(item, at);
    at += item.length;
  }
  return bytes;
}
