import { concatBytes, encodeUtf8, equalBytes } from '@ckm/foundation';
import type { Spending } from '@ckm/requests';
import { sha256 } from '@noble/hashes/sha2.js';

/** Of what is only to be recognised so many bytes of a hash are remembered, one behind the other. */
const MARK_BYTES = 16;

/** What spends coins, as records hold it. */
export interface MarkedSpending {
  /** Two with one name do the same. */
  readonly by: string;
  /** The marks of its coins, one behind the other. */
  readonly coins: Uint8Array;
}

export function markSpending({ by, coins }: Pick<Spending, 'by' | 'coins'>): MarkedSpending {
  return { by, coins: concatBytes(...coins.map(markOf)) };
}

export function markOf(name: string): Uint8Array {
  return sha256(encodeUtf8(name)).subarray(0, MARK_BYTES);
}

export function isIn(marks: readonly Uint8Array[], wanted: Uint8Array): boolean {
  return marks.some((mark) => equalBytes(mark, wanted));
}

export function marksIn(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: Math.floor(bytes.length / MARK_BYTES) }, (_, at) =>
    bytes.subarray(at * MARK_BYTES, (at + 1) * MARK_BYTES),
  );
}
