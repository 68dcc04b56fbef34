import { encodeUtf8, joinBytes } from '@ckm/foundation';
import { CborReader, MAJOR } from './reader.js';
import { encodeHead, encodeNumber } from './writer.js';

export { MAJOR } from './reader.js';

/** A bigint where it is beyond 2^53 − 1 in size. */
export type CborNumber = number | bigint;

/** One item of deterministic CBOR. */
export type Cbor =
  | { readonly type: typeof MAJOR.unsigned | typeof MAJOR.negative; readonly value: CborNumber }
  | { readonly type: typeof MAJOR.bytes; readonly value: Uint8Array }
  | { readonly type: typeof MAJOR.text; readonly value: string }
  | { readonly type: typeof MAJOR.array; readonly value: readonly Cbor[] }
  | { readonly type: typeof MAJOR.map; readonly value: readonly CborEntry[] }
  | { readonly type: typeof MAJOR.tag; readonly tag: CborNumber; readonly value: Cbor }
  | { readonly type: typeof MAJOR.simple; readonly value: boolean | null | number };

/** Key and value; the entries of a map are in ascending order of their encoded keys. */
export type CborEntry = readonly [key: Cbor, value: Cbor];

/** What {@link cbor} makes an item of. */
export type CborInput = Cbor | CborNumber | string | boolean | null | Uint8Array | readonly CborInput[];

/** An item from a value, or the item itself. */
export function cbor(value: CborInput): Cbor {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return numberItem(value);
    case 'string':
      return { type: MAJOR.text, value: value.normalize('NFC') };
    case 'boolean':
      return { type: MAJOR.simple, value };
    default:
      return objectItem(value);
  }
}

function numberItem(value: CborNumber): Cbor {
  // Which of the other numbers are integers, and which of those bigints, writer and reader decide.
  if (typeof value === 'bigint' || !Number.isSafeInteger(value))
    return readItem(new CborReader(encodeNumber(value)));
  // -0 is 0.
  return value < 0 ? { type: MAJOR.negative, value } : { type: MAJOR.unsigned, value: Math.abs(value) };
}

function objectItem(value: Exclude<CborInput, CborNumber | string | boolean>): Cbor {
  if (value === null) return { type: MAJOR.simple, value };
  if (value instanceof Uint8Array) return { type: MAJOR.bytes, value };
  return isList(value) ? { type: MAJOR.array, value: value.map(cbor) } : value;
}

function isList(value: Cbor | readonly CborInput[]): value is readonly CborInput[] {
  return Array.isArray(value);
}

/** `tag(value)`. */
export function taggedValue(tag: CborNumber, value: CborInput): Cbor {
  return { type: MAJOR.tag, tag, value: cbor(value) };
}

/** The next item; its byte strings are views of what is read. @throws EncodingError `CBOR_INVALID` */
export function readItem(reader: CborReader): Cbor {
  reader.head();
  switch (reader.major) {
    case MAJOR.unsigned:
      return { type: MAJOR.unsigned, value: reader.integer() };
    case MAJOR.negative:
      return { type: MAJOR.negative, value: reader.integer() };
    case MAJOR.bytes:
      return { type: MAJOR.bytes, value: reader.content() };
    case MAJOR.text:
      return { type: MAJOR.text, value: reader.text() };
    case MAJOR.array:
      return { type: MAJOR.array, value: readList(reader) };
    case MAJOR.map:
      return { type: MAJOR.map, value: readEntries(reader) };
    case MAJOR.tag:
      return { type: MAJOR.tag, tag: reader.exactArgument(), value: readItem(reader) };
    default:
      return { type: MAJOR.simple, value: reader.simple() };
  }
}

function readList(reader: CborReader): readonly Cbor[] {
  const items: Cbor[] = [];
  for (let left = reader.argument; left > 0; left--) items.push(readItem(reader));
  return items;
}

function readEntries(reader: CborReader): readonly CborEntry[] {
  const entries: CborEntry[] = [];
  reader.entries(() => {
    const key = readItem(reader);
    return () => entries.push([key, readItem(reader)]);
  });
  return entries;
}

/** The bytes of an item. */
export function encodeItem(item: Cbor): Uint8Array {
  const parts: Uint8Array[] = [];
  collect(item, parts);
  return joinBytes(parts);
}

function collect(item: Cbor, parts: Uint8Array[]): void {
  switch (item.type) {
    case MAJOR.unsigned:
    case MAJOR.negative:
      parts.push(encodeNumber(item.value));
      return;
    case MAJOR.bytes:
      collectString(item.type, item.value, parts);
      return;
    case MAJOR.text:
      collectString(item.type, encodeUtf8(item.value), parts);
      return;
    case MAJOR.array:
      parts.push(encodeHead(item.type, item.value.length));
      for (const one of item.value) collect(one, parts);
      return;
    case MAJOR.map:
      parts.push(encodeHead(item.type, item.value.length));
      for (const entry of item.value) for (const one of entry) collect(one, parts);
      return;
    case MAJOR.tag:
      parts.push(encodeHead(item.type, item.tag));
      collect(item.value, parts);
      return;
    case MAJOR.simple:
      parts.push(typeof item.value === 'number' ? encodeNumber(item.value) : simpleByte(item.value));
  }
}

function collectString(major: number, content: Uint8Array, parts: Uint8Array[]): void {
  parts.push(encodeHead(major, content.length), content);
}

const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;

function simpleByte(value: boolean | null): Uint8Array {
  return Uint8Array.of(value === null ? NULL : value ? TRUE : FALSE);
}
