import { randomFillSync } from 'node:crypto';
import { BugError, equalBytes } from '@ckm/foundation';
import type { Random } from './context.js';

/** Shorter draws may repeat by chance. */
const CHECKED_BYTES = 12;

/**
 * Randomness that is refused when its source visibly fails (V66): nothing but one and the same byte, or the same bytes
 * as the draw before. It cannot tell bad randomness in general: whoever draws a nonce hedges it with a secret.
 */
export function createRandom(fill: (bytes: Uint8Array) => void = (bytes) => randomFillSync(bytes)): Random {
  let last: Uint8Array = new Uint8Array(0);
  return (length) => {
    const bytes = new Uint8Array(length);
    fill(bytes);
    if (length < CHECKED_BYTES) return bytes;
    const head = bytes.slice(0, CHECKED_BYTES);
    if (isOneByte(head) || equalBytes(head, last)) throw broken();
    last = head;
    return bytes;
  };
}

function isOneByte(bytes: Uint8Array): boolean {
  let difference = 0;
  for (let i = 1; i < bytes.length; i++) difference |= bytes[i]! ^ bytes[0]!;
  return difference === 0;
}

function broken(): BugError {
  return new BugError('the random source of this machine gives no randomness', {
    code: 'RANDOM_BROKEN',
    hint: 'stop this server and repair the random source of its machine',
  });
}
