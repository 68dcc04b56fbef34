/** What a payload is expected to cost before it is read, in milliseconds of one core. */
export type CostOf = (payload: Uint8Array) => number;

/** Bytes that are hashed and shown, and never looked into more than a few times. */
const BYTES_PER_MS = 20_000;

/** For kinds whose work grows with nothing but the length of the payload. */
export function costByLength(payload: Uint8Array): number {
  return 1 + payload.length / BYTES_PER_MS;
}
