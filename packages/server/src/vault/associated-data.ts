import { BugError, encodeUtf8 } from '@ckm/foundation';

type Value = Uint8Array | string | number | boolean | null;

/**
 * Injective bytes for a table, an epoch and readable columns, each with its type and length: what a ciphertext is bound
 * to. Moving a byte from one column to the next, or a row to another table, changes it.
 */
export function associatedData(table: string, epoch: number, values: readonly unknown[]): Uint8Array {
  const name = encodeUtf8(table);
  const items = values.map((value) => encoded(value as Value));
  let length = 3 * HEADER + PREFIX.length + name.length + NUMBER_BYTES;
  for (const { bytes } of items) length += HEADER + bytes.length;
  const target = new Uint8Array(length);
  let at = put(target, 0, TYPE.text, PREFIX);
  at = put(target, at, TYPE.text, name);
  at = put(target, at, TYPE.number, numberBytes(epoch));
  for (const { type, bytes } of items) at = put(target, at, type, bytes);
  return target;
}

/** @returns where the next item goes */
function put(target: Uint8Array, at: number, type: number, item: Uint8Array): number {
  const { length } = item;
  target[at] = type;
  target[at + 1] = length >>> 24;
  target[at + 2] = length >>> 16;
  target[at + 3] = length >>> 8;
  target[at + 4] = length;
  target.set(item, at + HEADER);
  return at + HEADER + length;
}

const PREFIX = encodeUtf8('ckm/row/v1');
const HEADER = 5;
const TYPE = { none: 0, bytes: 1, text: 2, number: 3, flag: 4 } as const;

const NONE = new Uint8Array(0);
const NUMBER_BYTES = 8;

function encoded(value: Value): { readonly type: number; readonly bytes: Uint8Array } {
  if (value === null) return { type: TYPE.none, bytes: NONE };
  if (value instanceof Uint8Array) return { type: TYPE.bytes, bytes: value };
  if (typeof value === 'string') return { type: TYPE.text, bytes: encodeUtf8(value) };
  if (typeof value === 'boolean') return { type: TYPE.flag, bytes: Uint8Array.of(Number(value)) };
  if (Number.isSafeInteger(value)) return { type: TYPE.number, bytes: numberBytes(value) };
  throw new BugError('a column holds a value that cannot be bound', {
    code: 'COLUMN_VALUE_INVALID',
    hint: 'report this: rows hold bytes, text, whole numbers, flags or null',
  });
}

function numberBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(NUMBER_BYTES);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}
