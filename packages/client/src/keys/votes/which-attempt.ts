import type { CkmError } from '@ckm/foundation';
import type { Signed, Statement } from '@ckm/threshold';

/**
 * The highest try that so many different members have spoken in, by what they signed: a number that one of them says by itself would be the
 * end of all tries. 0: there is none.
 */
export function reachedBy(spoken: readonly Signed<Statement>[], members: number): number {
  const highest = new Map<number, number>();
  for (const { slot, attempt } of spoken) highest.set(slot, Math.max(highest.get(slot) ?? 0, attempt));
  return [...highest.values()].toSorted((a, b) => b - a)[members - 1] ?? 0;
}

/**
 * The try that this client was in, or the one behind what members have reached. Also down: what was on record by one member’s word is no try
 * that any other member enters.
 */
export function enterable(attempt: number, reached: number): number {
  return attempt > 0 && attempt === reached ? attempt : reached + 1;
}

/** What a member answers that will not say in this try what is asked of it, ever. */
const SPENT: readonly unknown[] = [
  'said-otherwise',
  'bound-otherwise',
  'attempt-past',
  'own-promise-missing',
];

/** Whether somebody’s word stands against a try. */
export function isSpent(failures: ReadonlyMap<unknown, CkmError>): boolean {
  return [...failures.values()].some(({ facts }) => SPENT.includes(facts['reason']));
}
