import { equalBytes } from '@ckm/foundation';
import {
  isPlainLock,
  isPromiseOf,
  isSameLock,
  type LockCertificate,
  verifyLockCertificate,
} from './lock-certificate.js';
import { counted, type OldMembers } from './members.js';
import {
  type CompleteNext,
  isComplete,
  type MemberState,
  newMember,
  refuses,
  type Release,
  withHighest,
} from './member-state.js';
import type { PromiseStatement, Signed } from './statements.js';

/**
 * The state of a member that was restored from a backup, or repaired: it may have said what it does not know of. It says nothing
 * in this epoch until {@link remember} or {@link releaseByWords}.
 * @param old what the backup holds; a repaired member has a new one
 * @param drawn 32 random bytes, fresh for every restore: the others put them into a promise, which then is no old one
 */
export function restored(old: MemberState, drawn: Uint8Array): MemberState {
  const { slot, attempt, highest } = old;
  return { ...newMember(slot), attempt, highest, forgot: drawn };
}

export interface Reminder {
  /** The promises that were given for this member: with what it drew. */
  readonly promises: readonly Signed<PromiseStatement>[];
  /** The lock certificates that they name. */
  readonly certificates: readonly LockCertificate[];
  readonly complete: readonly CompleteNext[];
}

/**
 * Lets a member that forgot speak again: all others have promised in one attempt, after it drew, so that none of them speaks
 * below that attempt any more and each has named the highest lock certificate it knew. It takes the highest of
 * those, and speaks in attempts above: in this very one it may have spoken already.
 */
export function remember(
  members: OldMembers,
  state: MemberState,
  { promises, certificates, complete }: Reminder,
): { readonly kind: 'remembers'; readonly state: MemberState } | ReturnType<typeof refuses> {
  const drawn = state.forgot;
  const attempt = promises[0]?.attempt;
  if (drawn === null || attempt === undefined) return refuses('reminders-too-few');
  const standing = certificates.filter(
    (one) => isComplete(complete, one.next) && verifyLockCertificate(members, one),
  );
  const holds = ({ slot, recall, highest }: PromiseStatement) =>
    slot !== state.slot &&
    equalBytes(recall, drawn) &&
    (highest === null || standing.some((one) => isSameLock(one, highest)));
  const reminding = counted(members, promises.filter(isPromiseOf(members, attempt)).filter(holds));
  if (reminding.length < members.quorum.of - 1) return refuses('reminders-too-few');
  const arrived = { ...state, attempt: Math.max(attempt, state.attempt), ladder: reminding, forgot: null };
  return { kind: 'remembers', state: standing.reduce(withHighest, arrived) };
}

/**
 * The way out by the owner's words (or the votes of `change`) after their delay: a member that forgot speaks again, a lock
 * whose roster is dead binds no longer, and fewer members decide. Everything it says from now on in this epoch is
 * marked `mayFork`, and for the order that the words name only.
 */
export function releaseByWords(
  state: MemberState,
  { orderHash, voided }: Omit<Release, 'plain'>,
): MemberState {
  const { forgot, highest, released: earlier } = state;
  // Released once more it goes back to where it was before the first time, and what the order before voided binds it again.
  const plain = earlier === null ? { forgot, highest } : earlier.plain;
  const released = { ...state, released: { orderHash, voided, ...(plain && { plain }) }, forgot: null };
  const known = [highest, plain?.highest ?? null].filter((one) => one !== null);
  return known.reduce(withHighest, { ...released, highest: null });
}

/**
 * The member as it is where the order that released it has come to nothing: it speaks unmarked again, in tries above those in which it spoke by the words, as one that
 * knows what it knew without them. One that forgot has forgotten still.
 * @returns null where it cannot go back: it knows a lock certificate that stands by the words, which is stopped by nothing any more
 */
export function endRelease(members: OldMembers, state: MemberState): MemberState | null {
  const { released, highest } = state;
  if (released?.plain === undefined) return null;
  if (highest !== null && !isPlainLock(members, highest)) return null;
  return { ...state, ...released.plain, released: null };
}
