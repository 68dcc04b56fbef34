import { BugError } from '@ckm/foundation';

/** Fresh random bytes. Injected by the caller; a test may seed it. */
export type RandomBytes = (length: number) => Uint8Array;

/** @throws BugError `RANDOM_FAILED` when the source returns the wrong length or nothing but zeros. */
export function drawRandom(random: RandomBytes, length: number): Uint8Array {
  const bytes = random(length);
  if (bytes.length !== length || (length >= 12 && bytes.every((byte) => byte === 0))) {
    throw new BugError('the random source returned no randomness', {
      code: 'RANDOM_FAILED',
      hint: 'stop using this machine until its random source is repaired',
    });
  }
  return bytes;
}
