import type { LockedChange } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { isSameLock, type LockName, parseLockCertificate, verifyLockCertificate } from '@ckm/threshold';
import type { Ballot, Voter } from './ballot.js';
import { readable } from './statements.js';

/** Most lock certificates that are shown in one question: those of the highest tries. */
const MOST_LOCKED = 4;

/** Whether a lock certificate of that name holds, and stands over what the members may decide on. */
export function isLock<M extends Voter>(
  { members, isOutcome }: Pick<Ballot<M>, 'members' | 'isOutcome'>,
  { locks, signed }: LockedChange,
  name: LockName,
): boolean {
  const [isSo = false] = readable(() => {
    const certificate = parseLockCertificate(locks);
    return (
      isSameLock(certificate, name) &&
      isOutcome({ signed, next: name.next }) &&
      verifyLockCertificate(members, certificate)
    );
  });
  return isSo;
}

/** Of what members show of themselves: one that does not hold would be refused by all that are shown it. */
export function standingLocks<M extends Voter>(
  ballot: Pick<Ballot<M>, 'members' | 'isOutcome' | 'shown'>,
): LockedChange[] {
  const isStanding = (one: LockedChange) =>
    readable(() => parseLockCertificate(one.locks)).some((name) => isLock(ballot, one, name));
  return distinctLocks(ballot.shown.filter(isStanding));
}

/** One of each name, of the highest tries, as many as one question takes. */
export function distinctLocks(all: readonly LockedChange[]): LockedChange[] {
  const byName = new Map<string, { readonly attempt: number; readonly one: LockedChange }>();
  for (const one of all) {
    for (const { attempt, next } of readable(() => parseLockCertificate(one.locks)))
      byName.set(`${attempt} ${encodeHex(next)}`, { attempt, one });
  }
  const sorted = [...byName.values()].toSorted((a, b) => b.attempt - a.attempt);
  return sorted.slice(0, MOST_LOCKED).map(({ one }) => one);
}
