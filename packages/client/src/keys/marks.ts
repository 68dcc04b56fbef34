import { encodeUtf8, equalBytes } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';

/** Of what is only to be recognised so many bytes of a hash are remembered, one behind the other. */
const MARK_BYTES = 16;

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
