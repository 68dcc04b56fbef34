import { BugError } from '@ckm/foundation';
import type { Element, Group, SecretScalar } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';

/** A secret part that a helper gave, as far as it opened, with what it must be by the commitments. */
export interface Part {
  readonly helper: PartyIndex;
  readonly scalar: SecretScalar | undefined;
  readonly commitment: Element;
}

/**
 * Adds parts up and compares the sum with what is known to be right; one by one only to name who was wrong. Errors of
 * two helpers that cancel pass and harm nothing, because only the sum is used (docs/adr/0007-shares-are-checked-in-sum.md).
 * Wipes the parts.
 * @returns the sum, which the caller wipes, or who is suspected: only the receiver has seen what was sealed
 * @throws BugError `REPAIR_SUM_INCONSISTENT`
 */
export function sumParts(
  group: Group,
  parts: readonly Part[],
  expected: Element,
): SecretScalar | readonly PartyIndex[] {
  const { scalars } = group;
  let sum = scalars.parseSecret(scalars.zero);
  try {
    const isMissing = parts.some(({ scalar }) => scalar === undefined);
    for (const { scalar } of parts) {
      const next = scalars.add(sum, scalar ?? scalars.zero);
      sum.fill(0);
      sum = next;
    }
    if (!isMissing && group.equal(group.mulBase(sum), expected)) return sum;
    sum.fill(0);
    const isWrong = ({ scalar, commitment }: Part) =>
      scalar === undefined || !group.equal(group.mulBase(scalar), commitment);
    const suspects = parts.filter(isWrong).map(({ helper }) => helper);
    if (suspects.length > 0) return suspects;
    throw new BugError('the parts of a repair are right one by one, but not their sum', {
      code: 'REPAIR_SUM_INCONSISTENT',
      hint: 'report this',
    });
  } finally {
    for (const { scalar } of parts) scalar?.fill(0);
  }
}
