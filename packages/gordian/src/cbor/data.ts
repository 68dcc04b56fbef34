import { compareBytes, encodeUtf8, EncodingError } from '@ckm/foundation';
import { assertMeasure, type DecodeLimits } from './dcbor.js';
import { CborReader, MAJOR } from './reader.js';
import { encodeNumber, headLength, unencodable, writeHead } from './writer.js';

/**
 * The values that travel in message bodies: what JSON has, and bytes, and integers from −2^63 to 2^64 − 1.
 * A member that is `undefined` is left out.
 */
export type Data =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Data[]
  | { readonly [key: string]: Data | undefined };

type Members = { readonly [key: string]: Data | undefined };

const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;

/**
 * Deterministic CBOR of `data`: equal values, equal bytes. Text is normalised to NFC. One pass measures and one writes, so
 * that no copy is left anywhere of a secret, which are bytes and never text.
 * @throws BugError `DATA_UNENCODABLE` for a function, a symbol, a class instance, an integer beyond 64 bits; EncodingError
 * `TEXT_INCOMPLETE` for a text with half of a letter in it.
 */
export function encodeData(data: Data): Uint8Array {
  const bytes = new Uint8Array(lengthOf(data));
  write(bytes, 0, data);
  return bytes;
}

function lengthOf(data: Data): number {
  switch (typeof data) {
    case 'boolean':
      return 1;
    case 'number':
      return Number.isSafeInteger(data) ? headLength(argumentOf(data)) : encodeNumber(data).length;
    case 'bigint':
      return encodeNumber(data).length;
    case 'string':
      return lengthOfText(data);
    case 'object':
      if (data === null) return 1;
      if (data instanceof Uint8Array) return headLength(data.length) + data.length;
      return Array.isArray(data) ? lengthOfList(data) : lengthOfMap(data as Members);
    default:
      throw unencodable();
  }
}

/** The argument of its head: n, or −1 − n for what is negative. */
function argumentOf(value: number): number {
  return value < 0 ? -1 - value : value;
}

function lengthOfText(text: string): number {
  const length = isAscii(text) ? text.length : utf8Of(text).length;
  return headLength(length) + length;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function utf8Of(text: string): Uint8Array {
  return encodeUtf8(text.normalize('NFC'));
}

function lengthOfList(list: readonly Data[]): number {
  let length = headLength(list.length);
  for (let i = 0; i < list.length; i++) length += lengthOf(list[i]!);
  return length;
}

function lengthOfMap(map: Members): number {
  const prototype: unknown = Object.getPrototypeOf(map);
  if (prototype !== Object.prototype && prototype !== null) throw unencodable();
  let count = 0;
  let length = 0;
  for (const key of Object.keys(map)) {
    const value = map[key];
    if (value === undefined) continue;
    count += 1;
    length += lengthOfText(key) + lengthOf(value);
  }
  return length + headLength(count);
}

function write(target: Uint8Array, at: number, data: Data): number {
  switch (typeof data) {
    case 'boolean':
      target[at] = data ? TRUE : FALSE;
      return at + 1;
    case 'number':
    case 'bigint':
      return writeNumber(target, at, data);
    case 'string':
      return writeText(target, at, data);
    default:
      return writeObject(target, at, data);
  }
}

function writeNumber(target: Uint8Array, at: number, value: number | bigint): number {
  if (Number.isSafeInteger(value)) {
    const major = value < 0 ? MAJOR.negative : MAJOR.unsigned;
    return writeHead(target, at, major, argumentOf(value as number));
  }
  const bytes = encodeNumber(value);
  target.set(bytes, at);
  return at + bytes.length;
}

type Container = null | Uint8Array | readonly Data[] | Members;

function writeObject(target: Uint8Array, at: number, data: Container): number {
  if (data === null) {
    target[at] = NULL;
    return at + 1;
  }
  if (data instanceof Uint8Array) {
    const start = writeHead(target, at, MAJOR.bytes, data.length);
    target.set(data, start);
    return start + data.length;
  }
  if (!Array.isArray(data)) return writeMap(target, at, data as Members);
  const list = data as readonly Data[];
  let next = writeHead(target, at, MAJOR.array, list.length);
  for (let i = 0; i < list.length; i++) next = write(target, next, list[i]!);
  return next;
}

function writeMap(target: Uint8Array, at: number, map: Members): number {
  const keys: string[] = [];
  let isPlain = true;
  for (const key of Object.keys(map)) {
    if (map[key] === undefined) continue;
    keys.push(key);
    isPlain &&= isAscii(key);
  }
  if (isPlain) keys.sort(byEncoding);
  else sortByBytes(keys);
  const writeKey = isPlain ? writeAscii : writeText;
  let next = writeHead(target, at, MAJOR.map, keys.length);
  for (const key of keys) next = write(target, writeKey(target, next, key), map[key]!);
  return next;
}

/** Of ASCII keys: the shorter one first, as its head is smaller. */
function byEncoding(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

/** @throws BugError `DATA_UNENCODABLE` when two keys are one after normalisation */
function sortByBytes(keys: string[]): void {
  const encoded = new Map(keys.map((key) => [key, utf8Of(key)]));
  keys.sort((a, b) => {
    const [left, right] = [encoded.get(a)!, encoded.get(b)!];
    const difference = left.length - right.length || compareBytes(left, right);
    if (difference === 0) throw unencodable();
    return difference;
  });
}

function writeText(target: Uint8Array, at: number, text: string): number {
  if (isAscii(text)) return writeAscii(target, at, text);
  const bytes = utf8Of(text);
  const start = writeHead(target, at, MAJOR.text, bytes.length);
  target.set(bytes, start);
  return start + bytes.length;
}

function writeAscii(target: Uint8Array, at: number, text: string): number {
  const start = writeHead(target, at, MAJOR.text, text.length);
  for (let i = 0; i < text.length; i++) target[start + i] = text.charCodeAt(i);
  return start + text.length;
}

/**
 * The value that {@link encodeData} wrote. Records have no prototype, so that a key called `__proto__` is only a key;
 * byte strings are copies.
 * @throws EncodingError `CBOR_TOO_LONG`, `CBOR_TOO_DEEP`, `CBOR_INVALID`, or `DATA_UNSUPPORTED` for tags and keys that
 * are not text.
 */
export function decodeData(bytes: Uint8Array, limits?: DecodeLimits): Data {
  assertMeasure(bytes, limits);
  const reader = new CborReader(bytes);
  const data = read(reader);
  reader.end();
  return data;
}

function read(reader: CborReader): Data {
  reader.head();
  switch (reader.major) {
    case MAJOR.unsigned:
    case MAJOR.negative:
      return reader.integer();
    case MAJOR.bytes:
      return reader.content().slice();
    case MAJOR.text:
      return reader.text();
    case MAJOR.array: {
      const list: Data[] = [];
      for (let left = reader.argument; left > 0; left--) list.push(read(reader));
      return list;
    }
    case MAJOR.map:
      return readMap(reader);
    case MAJOR.simple:
      return reader.simple();
    default:
      throw unsupported('a tag');
  }
}

function readMap(reader: CborReader): Data {
  const record = Object.create(null) as Record<string, Data>;
  reader.entries(() => {
    reader.head();
    if (reader.major !== MAJOR.text) throw unsupported('a key that is not text');
    const key = reader.text();
    return () => {
      record[key] = read(reader);
    };
  });
  return record;
}

function unsupported(what: string): EncodingError {
  return new EncodingError(`the encoding holds ${what}`, {
    code: 'DATA_UNSUPPORTED',
    hint: 'use records with text keys, lists, text, bytes, numbers, true, false and null only',
  });
}
