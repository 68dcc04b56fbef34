import { encodeUtf8 } from '@ckm/foundation';
import { MAJOR } from './plain-reader.js';

/** How many bytes a head with this argument (0 … 2^53 − 1) takes. */
export function headLength(argument: number): number {
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

/** Canonical CBOR of a whole number from 0 to 2^53 − 1. */
export function encodeUnsigned(value: number): Uint8Array {
  const bytes = new Uint8Array(headLength(value));
  writeHead(bytes, 0, MAJOR.unsigned, value);
  return bytes;
}

/** Canonical CBOR of a byte string. */
export function encodeByteString(content: Uint8Array): Uint8Array {
  return withHead(MAJOR.bytes, content);
}

/** Canonical CBOR of a text in NFC. */
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
