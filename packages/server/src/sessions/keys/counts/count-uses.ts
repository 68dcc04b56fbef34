import { setImmediate } from 'node:timers/promises';
import type { CountStart, ServerContext } from '../../../context.js';
import type { RequestUse } from '../../../storage/storage.js';
import type { KeyName } from '../../../vault/head-counts.js';

/** So many requests are looked at in one reading: nobody waits longer for the database. */
const SLICE = 256;
/** To look at so many, in milliseconds of one core. */
const SLICE_MS = 1;

/** Counts milliseconds of one core before they are spent. @throws PolicyError `QUOTA_COST` */
export type Charge = (costMs: number) => void;

/**
 * How many requests a share was given for behind each of these moments, as far as its most. Read in slices outside of any transaction, each
 * charged before it is read: what a count costs is what it looks at. Oldest first: what is let in anew meanwhile has a later moment then,
 * and is met again instead of missed.
 * @returns by the moment
 */
export async function countUses(
  { storage }: Pick<ServerContext, 'storage'>,
  { owner, keyId }: KeyName,
  starts: readonly CountStart[],
  charge: Charge,
): Promise<ReadonlyMap<number, number>> {
  const wanted = mostBySince(starts);
  const counts = new Map([...wanted.keys()].map((since) => [since, 0]));
  const isFull = (since: number) => counts.get(since)! >= wanted.get(since)!;
  let [from, limit] = [Number.NEGATIVE_INFINITY, SLICE];
  for (;;) {
    const next = [...wanted.keys()].find((since) => !isFull(since));
    if (next === undefined) return counts;
    from = Math.max(from, next);
    charge((limit / SLICE) * SLICE_MS);
    const page = await storage.read(({ requests }) => requests.usesOf(owner, keyId, from, limit));
    const whole = page.length < limit ? page : wholeSecondsOf(page);
    for (const { createdAt, isAttempted } of whole)
      if (isAttempted)
        for (const [since, count] of counts)
          if (createdAt > since && !isFull(since)) counts.set(since, count + 1);
    if (page.length < limit) return counts;
    // Of more requests in one second than a slice has, none is known to be the last.
    if (whole.length === 0) limit *= 2;
    else [from, limit] = [whole.at(-1)!.createdAt, SLICE];
    await setImmediate();
  }
}

/** The earliest first. */
function mostBySince(starts: readonly CountStart[]): ReadonlyMap<number, number> {
  const wanted = new Map<number, number>();
  for (const { since, most } of starts.toSorted((a, b) => a.since - b.since))
    wanted.set(since, Math.max(wanted.get(since) ?? 0, most));
  return wanted;
}

/** Without those of the last second, of which there may be more. */
function wholeSecondsOf(page: readonly RequestUse[]): readonly RequestUse[] {
  const last = page.at(-1)!.createdAt;
  return page.filter(({ createdAt }) => createdAt < last);
}
