import type { KeyTerms, TermsPart } from '@ckm/api';
import { refusal } from '../refusals.js';

/** What a server does with its share, and whom it asks before it gives one to others: agreed with each operator when the key was made. */
const FIXED: readonly ('changes' | 'changeDelay' | 'recovery')[] = ['changes', 'changeDelay', 'recovery'];

/**
 * Operators keep the say that was certified: what asks them of a change of servers stays as it is, and where they are asked of each request
 * they go on being asked.
 * @throws PolicyError `TERMS_PART_FIXED`
 */
export function assertMovable(before: KeyTerms, after: KeyTerms): void {
  const fixed: TermsPart | undefined =
    FIXED.find((part) => before[part] !== after[part]) ??
    (before.approval === 'operator' && after.approval !== 'operator' ? 'approval' : undefined);
  if (fixed === undefined) return;
  throw refusal('TERMS_PART_FIXED', `${fixed} of a key stays as it was certified`, { part: fixed });
}
