export { type Contradiction, findContradictions } from './contradictions.js';
export { endRelease, releaseByWords, type Reminder, remember, restored } from './forgetting.js';
export { lock, type LockRequest } from './lock.js';
export {
  type Decision,
  highestNamed,
  isSameLock,
  type LockCertificate,
  mayFork,
  verifyDecision,
  verifyDecisionOrRelease,
  verifyLockCertificate,
} from './lock-certificate.js';
export { encodeLockCertificate, MAX_LOCK_CERTIFICATE_BYTES, parseLockCertificate } from './lock-layout.js';
export {
  type CompleteNext,
  type Decided,
  type GuardVerdict,
  type MemberState,
  newMember,
  type PlainMemory,
  type RefusalReason,
  type Release,
} from './member-state.js';
export { membersNeeded, membersOf, type OldMembers } from './members.js';
export { hashByWords, hashOrder, type OrderCore, type OrderMember } from './order.js';
export { promise, PROMISE_INTERVAL, type PromiseRequest } from './promise.js';
export { hashSettlement, settlersAmong, settlersOf, settlingHash } from './settling.js';
export { encodeStatement, MAX_STATEMENT_BYTES, parseStatement } from './statement-layout.js';
export { encodeMemberState, MAX_MEMBER_STATE_BYTES, parseMemberState } from './state-layout.js';
export {
  type DecidingEpoch,
  type LockName,
  type LockStatement,
  NO_RECALL,
  type PromiseStatement,
  type Signed,
  type Statement,
  statementBytes,
  type YieldStatement,
} from './statements.js';
export { adopt, type YieldRequest, yieldTo } from './yield.js';
