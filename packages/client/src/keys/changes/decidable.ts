import type { Quorum } from '@ckm/threshold';

/**
 * Whether a change of who holds a key can be decided on in its epoch while so many of its servers have forgotten what they said, if all are there.
 * One alone is reminded by all the others, and decides with them; two wait for each other, so that the others have to be enough (ADR 0036).
 * @param needed of the `of` servers that decide
 */
export function isDecidable({ needed, of }: Quorum, forgot: number): boolean {
  return forgot <= 1 || of - forgot >= needed;
}
