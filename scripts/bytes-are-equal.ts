import { expect } from 'vitest';

/** Bytes are compared at once, not one by one: a megabyte took seconds. What differs is left to be told as ever. */
expect.addEqualityTesters([
  (a: unknown, b: unknown) => (isBytes(a) && isBytes(b) && Buffer.compare(a, b) === 0 ? true : undefined),
]);

/** Not of a class of its own, which `toStrictEqual` tells apart. */
function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.constructor === Uint8Array;
}
