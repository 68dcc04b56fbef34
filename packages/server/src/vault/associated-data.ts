import { BugError, encodeUtf8 } from '@ckm/foundation';

type Value = Uint8Array | string | number | boolean | null;

/**
 * Injective bytes for a table, an epoch and readable columns, each with its type and length: what a ciphertext is bound
 * to. Moving a byte from one column to the next, or a row to another table, changes it.
 */
export function associatedData(table: string, epoch: number, values: readonly unknown[]): Uint8Array {
  const parts = [encodeUtf8('ckm/row/v1'), encodeUtf8(table)];
  const items: readonly (readonly [number, Uint8Array])[] = [
    ...parts.map((bytes) => [TYPE.text, bytes] as const),
    [TYPE.number, numberBytes(epoch)],
    ...values.map((value) => encoded(value as Value)),
  ];
  const bytes = new Uint8Array(items.reduce((sum, [, item]) => sum + HEADER + item.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [type, item] of items) {
    bytes[at] = type;
    view.setUint32(at + 1, item.length);
    bytes.set(item, at + HEADER);
    at += HEADER + item.length;
  }
  return bytes;
}

const HEADER = 5;
const TYPE = { none: 0, bytes: 1, text: 2, number: 3, flag: 4 } as const;

function encoded(value: Value): readonly [number, Uint8Array] {
  if (value === null) return [TYPE.none, new Uint8Array(0)];
  if (value instanceof Uint8Array) return [TYPE.bytes, value];
  if (typeof value === 'string') return [TYPE.text, encodeUtf8(value)];
  if (typeof value === 'boolean') return [TYPE.flag, new Uint8Array([Number(value)])];
  if (Number.isSafeInteger(value)) return [TYPE.number, numberBytes(value)];
  throw new BugError('a column holds a value that cannot be bound', {
    code: 'COLUMN_VALUE_INVALID',
    hint: 'report this: rows hold bytes, text, whole numbers, flags or null',
  });
}

function numberBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}
