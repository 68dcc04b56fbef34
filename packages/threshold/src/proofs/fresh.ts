import { UsageError } from '@ckm/foundation';

/**
 * One-time scalars are hedged: they hash the secret and the statement with these bytes, so that a weak source of
 * randomness alone does not repeat one. A source that gives nothing is still refused.
 * @throws UsageError `RANDOMNESS_INVALID` unless 32 bytes, not all zero
 */
export function assertFresh(fresh: Uint8Array): void {
  if (fresh.length === 32 && fresh.some((byte) => byte !== 0)) return;
  throw new UsageError('the randomness for a proof is not 32 random bytes', {
    code: 'RANDOMNESS_INVALID',
    hint: 'pass 32 bytes from the random source of the system',
  });
}
