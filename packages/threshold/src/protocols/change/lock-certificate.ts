import { encodeHex, equalBytes } from '@ckm/foundation';
import { areEnough, counted, isOfReleasedOrder, type OldMembers } from './members.js';
import type { LockName, LockStatement, PromiseStatement, Signed, YieldStatement } from './statements.js';

/** Enough members locked one transcript in one attempt. Whoever is shown it may yield. */
export interface LockCertificate extends LockName {
  readonly locks: readonly Signed<LockStatement>[];
}

/**
 * What old members add to the certificate of a change: yields that decide, and the promises and locks before them, out of
 * which a fork shows who signed twice.
 */
export interface Decision extends LockCertificate {
  readonly promises: readonly Signed<PromiseStatement>[];
  readonly yields: readonly Signed<YieldStatement>[];
}

/** Whether enough different members signed locks of this attempt for this transcript. */
export function verifyLockCertificate(members: OldMembers, certificate: LockCertificate): boolean {
  return areEnough(members, counted(members, certificate.locks.filter(isFor('lock', certificate))));
}

/** The same without marked statements: it binds every member, released or not. */
export function isPlainLock(members: OldMembers, certificate: LockCertificate): boolean {
  return verifyLockCertificate({ ...members, released: null }, certificate);
}

/**
 * Whether the old members decided: enough promises, locks and yields of one attempt, and no promise among them that
 * binds the attempt to another transcript.
 */
export function verifyDecision(members: OldMembers, decision: Decision): boolean {
  const promises = counted(members, decision.promises.filter(isPromiseOf(members, decision.attempt)));
  const bound = highestNamed(promises);
  return (
    areEnough(members, promises) &&
    (bound === null || equalBytes(bound.next, decision.next)) &&
    verifyLockCertificate(members, decision) &&
    areEnough(members, counted(members, decision.yields.filter(isFor('yield', decision))))
  );
}

/**
 * Whether the old members decided, for whoever has not heard the owner's words himself: without them, or by a quorum of members each of whom says that the
 * words have released it for one order. If fewer than the quorum lie, one of those has heard the words, and waited.
 */
export function verifyDecisionOrRelease(members: OldMembers, decision: Decision): boolean {
  const plain = { ...members, released: null };
  if (verifyDecision(plain, decision)) return true;
  return releasedOrders(members, decision).some((released) =>
    verifyDecision({ ...members, released }, decision),
  );
}

/** The orders that a quorum of marked promises name. Which stands first says nothing: one liar may mark whatever it likes. */
function releasedOrders(
  { quorum }: OldMembers,
  { promises }: Pick<Decision, 'promises'>,
): readonly Uint8Array[] {
  const named = new Map<string, { readonly orderHash: Uint8Array; readonly slots: Set<number> }>();
  for (const { mayFork, orderHash, slot } of promises) {
    if (!mayFork) continue;
    const name = encodeHex(orderHash);
    const known = named.get(name) ?? { orderHash, slots: new Set() };
    named.set(name, known);
    known.slots.add(slot);
  }
  return [...named.values()].flatMap(({ orderHash, slots }) =>
    slots.size >= quorum.needed ? [orderHash] : [],
  );
}

/** Whether a decision rests on what the owner's words released, so that another may stand beside it. */
export function mayFork({ promises, locks, yields }: Decision): boolean {
  return [...promises, ...locks, ...yields].some((statement) => statement.mayFork);
}

/** The lock certificate of the highest attempt that any of the promises names. */
export function highestNamed(promises: readonly PromiseStatement[]): LockName | null {
  return promises.reduce<LockName | null>(
    (top, { highest }) =>
      highest !== null && (top === null || highest.attempt > top.attempt) ? highest : top,
    null,
  );
}

/** Whether two lock certificates lock the same in the same attempt. */
export function isSameLock(one: LockName, other: LockName): boolean {
  return one.attempt === other.attempt && equalBytes(one.next, other.next);
}

/** For filters: promises of an attempt, marked ones only of the order that was released. */
export function isPromiseOf(members: OldMembers, attempt: number) {
  return (promise: PromiseStatement): boolean =>
    promise.kind === 'promise' &&
    promise.attempt === attempt &&
    isOfReleasedOrder(members, promise.mayFork, promise.orderHash);
}

function isFor(kind: 'lock' | 'yield', name: LockName) {
  return (statement: LockStatement | YieldStatement): boolean =>
    statement.kind === kind && isSameLock(statement, name);
}
