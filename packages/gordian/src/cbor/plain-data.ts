import { encodeUtf8 } from '@ckm/foundation';
import { MAJOR, NotPlain, PlainReader } from './plain-reader.js';
import { headLength, writeHead } from './plain-writer.js';

/**
 * The values that travel in message bodies: what JSON has, and bytes, and integers up to 64 bits.
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
 * Canonical CBOR of plain data, in one pass that measures and one that writes: no copy of a secret is left anywhere, which
 * are bytes and never text.
 * @throws NotPlain for a fraction, a bigint, a key that is not ASCII, anything that is no data
 */
export function encodePlain(data: Data): Uint8Array {
  const bytes = new Uint8Array(lengthOf(data));
  write(bytes, 0, data);
  return bytes;
}

function lengthOf(data: Data): number {
  switch (typeof data) {
    case 'boolean':
      return 1;
    case 'number':
      return headLength(wholeNumber(data));
    case 'string': {
      const length = isAscii(data) ? data.length : utf8Of(data).length;
      return headLength(length) + length;
    }
    case 'object':
      if (data === null) return 1;
      if (data instanceof Uint8Array) return headLength(data.length) + data.length;
      return Array.isArray(data) ? lengthOfList(data) : lengthOfMap(data as Members);
    default:
      throw new NotPlain();
  }
}

/** The argument of its head: n, or -1 - n for what is negative. */
function wholeNumber(value: number): number {
  if (!Number.isSafeInteger(value)) throw new NotPlain();
  return value < 0 ? -1 - value : value;
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
  if (prototype !== Object.prototype && prototype !== null) throw new NotPlain();
  let count = 0;
  let length = 0;
  for (const key of Object.keys(map)) {
    const value = map[key];
    if (value === undefined) continue;
    if (!isAscii(key)) throw new NotPlain();
    count += 1;
    length += headLength(key.length) + key.length + lengthOf(value);
  }
  return length + headLength(count);
}

function write(target: Uint8Array, at: number, data: Data): number {
  switch (typeof data) {
    case 'boolean':
      target[at] = data ? TRUE : FALSE;
      return at + 1;
    case 'number':
      return writeHead(target, at, data < 0 ? MAJOR.negative : MAJOR.unsigned, wholeNumber(data));
    case 'string':
      return writeText(target, at, data);
    default:
      return writeObject(target, at, data as Container);
  }
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
  const keys = Object.keys(map).filter((key) => map[key] !== undefined);
  keys.sort(byEncoding);
  let next = writeHead(target, at, MAJOR.map, keys.length);
  for (const key of keys) {
    next = writeAscii(target, writeHead(target, next, MAJOR.text, key.length), key);
    next = write(target, next, map[key]!);
  }
  return next;
}

/** Of ASCII keys: the shorter one first, as its head is smaller. */
function byEncoding(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

function writeText(target: Uint8Array, at: number, text: string): number {
  if (isAscii(text)) return writeAscii(target, writeHead(target, at, MAJOR.text, text.length), text);
  const bytes = utf8Of(text);
  const start = writeHead(target, at, MAJOR.text, bytes.length);
  target.set(bytes, start);
  return start + bytes.length;
}

function writeAscii(target: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** The value of canonical CBOR; byte strings are copies. @throws NotPlain for what the library has to judge */
export function decodePlain(bytes: Uint8Array): Data {
  const reader = new PlainReader(bytes);
  const data = read(reader);
  reader.end();
  return data;
}

function read(reader: PlainReader): Data {
  reader.head();
  switch (reader.major) {
    case MAJOR.unsigned:
      return reader.argument;
    case MAJOR.negative:
      if (reader.argument === Number.MAX_SAFE_INTEGER) throw new NotPlain();
      return -1 - reader.argument;
    case MAJOR.bytes:
      return new Uint8Array(reader.content());
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
      throw new NotPlain();
  }
}

/** Without a prototype, so that a key called `__proto__` is only a key. */
function readMap(reader: PlainReader): Data {
  const record = Object.create(null) as Record<string, Data>;
  reader.entries(() => {
    reader.expect(MAJOR.text);
    const key = reader.text();
    return () => {
      record[key] = read(reader);
    };
  });
  return record;
}
