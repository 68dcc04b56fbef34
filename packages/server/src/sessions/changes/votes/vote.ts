import type { LockedChange, Parameters, Result } from '@ckm/api';
import {
  adoptLock,
  type ChangeVotes,
  isSameLock,
  lockNext,
  parseStatement,
  promiseAttempt,
  releaseByWords,
  rememberSaid,
  yieldTo,
  type Decided,
  type MemberState,
  type PromiseStatement,
  type Signed,
  type Statement,
} from '@ckm/threshold';
import { equalBytes } from '@ckm/foundation';
import type { Call } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import type { Transaction } from '../../../storage/storage.js';
import { costOfCertificate } from '../../session-cost.js';
import { findOrder, type StoredOrder, writeChange } from '../change-record.js';
import {
  asReleased,
  type Deciding,
  type DecidingScope,
  decidersOf,
  memoryOf,
  readDeciding,
} from '../deciding.js';
import { finishTry } from '../end-tries.js';
import { frozenUntil, isUnderTerms, judgeOrder } from '../guards.js';
import { assertKnown } from '../chain/known-members.js';
import type { ChangeMeans } from '../means.js';
import {
  checkLocked,
  checkSigned,
  encodeLocked,
  signStatement,
  type Locked,
  type SignedNext,
} from './statements.js';

/** Verifying a signature of a statement, in milliseconds of one core. */
const STATEMENT_MS = 0.2;

/** What a member says, and what it remembers from then on. */
interface Vote<S extends Statement> {
  readonly decided: Decided<S>;
  /** The signed change that the highest lock certificate of its state locks; null: it knows none. */
  readonly locked: Uint8Array | null;
}

/**
 * The first step of a decision. Before it promises, a member takes note of the lock certificates that it is shown; and one that
 * forgot what it said remembers by the promises that all others gave for it, if those are shown.
 * @throws StateError `CHANGE_REFUSED` with `facts.reason`; as `readDeciding`
 */
export async function promiseChange(
  means: ChangeMeans,
  call: Call,
  asked: Parameters<'change.promise'>,
): Promise<Result<'change.promise'>> {
  const { context } = means;
  const { orderHash, attempt, recall } = asked;
  means.charge(call.account, costOf(asked.shown, asked.locked));
  const shown = asked.shown.map(parseStatement);
  const scope = scopeOf(call, asked);
  const { locked } = await checkShown(means, call, scope, { locked: asked.locked });
  const { deciding, said, statement } = await vote(means, call, scope, (present, member) => {
    const order = findOrder(present.record, orderHash);
    const guards = judgeOrder(means.counting(), present, order).verdict;
    const heeding = guards === 'passed' ? heedWords(member, order) : member;
    const state = withoutWords(present, withLocks(present, heeding, { shown, locked }), { shown, locked });
    const request = { orderHash, attempt, shown, recall, guards, now: context.clock() };
    const decided = promiseAttempt(decidersOf(present, releasedBy(state)), state, request);
    return { decided, locked: lockedOf(present, state, locked) };
  });
  const { member, locked: bytes } = deciding.record;
  const named = said.highest;
  const known = member?.highest ?? null;
  const isNamed = named !== null && known !== null && isSameLock(named, known);
  return { statement, highest: isNamed ? encodeLocked(known, bytes) : null };
}

/** The second step. @throws StateError `CHANGE_REFUSED` with `facts.reason`; as `checkSigned`, `readDeciding` */
export async function lockChange(
  means: ChangeMeans,
  call: Call,
  asked: Parameters<'change.lock'>,
): Promise<Result<'change.lock'>> {
  const { attempt } = asked;
  means.charge(call.account, costOf(asked.promises, asked.locked) + costOfCertificate(asked.signed));
  const promises = asked.promises.map(parseStatement).filter(isPromise);
  const scope = scopeOf(call, asked);
  const { locked, complete } = await checkShown(means, call, scope, asked);
  const signed = complete[0]!;
  const certificates = locked.map((one) => one.certificate);
  const heed = (transaction: Transaction) => finishTry(means.context, transaction, scope, signed);
  const { statement } = await vote(
    means,
    call,
    scope,
    (present, member) => {
      const own = member.promise?.orderHash ?? null;
      const order = own === null ? null : findOrder(present.record, own);
      // What the words released it to promise is locked for nothing that they do not order any more.
      const stands = asReleased(present, member) === member;
      const isUnder = stands && isUnderTerms(present, signed.change);
      const guards = isUnder ? judgeOrder(means.counting(), present, order).verdict : 'over';
      const request = { attempt, next: signed.next, promises, certificates, complete, guards };
      const members = decidersOf(present, releasedBy(member));
      return { decided: lockNext(members, member, request), locked: present.record.locked };
    },
    heed,
  );
  return { statement };
}

/** The third step. @throws StateError `CHANGE_REFUSED` with `facts.reason`; as `checkLocked`, `readDeciding` */
export async function yieldChange(
  means: ChangeMeans,
  call: Call,
  asked: Parameters<'change.yield'>,
): Promise<Result<'change.yield'>> {
  means.charge(call.account, costOf([], [asked]));
  const scope = scopeOf(call, asked);
  const { locked } = await checkShown(means, call, scope, { locked: [asked] });
  const { certificate, signed } = locked[0]!;
  // What is locked is stopped by nothing: who promised for it by the words gives way to it, though the order has come to nothing since.
  const { statement } = await vote(means, call, scope, (present, member) => {
    const isFrozen = frozenUntil(present, means.context.clock()) !== null;
    const request = { certificate, complete: [signed], isFrozen };
    const decided = yieldTo(decidersOf(present, releasedBy(member)), member, request);
    const isBound = decided.kind === 'says' && decided.state.highest === certificate;
    return { decided, locked: isBound ? signed.bytes : present.record.locked };
  });
  return { statement };
}

/**
 * Lets this server's member decide, stores what it remembers from then on, and only then signs what it says. Asked for
 * the same again it says the same, and nothing is stored.
 * @param heed what else becomes of it, in the same transaction
 */
async function vote<S extends Statement>(
  { context }: ChangeMeans,
  call: Call,
  scope: DecidingScope,
  decide: (deciding: Deciding, member: MemberState) => Vote<S>,
  heed: (transaction: Transaction) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly deciding: Deciding; readonly said: S; readonly statement: Uint8Array }> {
  const { deciding, said } = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      await transaction.keys.hold(scope.owner, scope.keyId);
      const present = await readDeciding(context, transaction, scope);
      const member = demandMember(present);
      const { decided, locked } = decide(present, member);
      if (decided.kind === 'refuses') throw refused(decided.reason);
      const { state, statement } = decided;
      if (isSaid(member, statement)) return { deciding: present, said: statement };
      const recalled = present.key?.head.forgot ?? null;
      const record = { ...present.record, member: state, recalled, locked };
      await heed(transaction);
      await store({ context }, call, transaction, present, record, statement);
      return { deciding: { ...present, record }, said: statement };
    }),
  );
  return { deciding, said, statement: signStatement(context, deciding, said) };
}

/** Whether it is the very statement that is stored already. */
export function isSaid({ promise, lock, yielded }: MemberState, statement: Statement): boolean {
  return statement === promise || statement === lock || statement === yielded;
}

async function store(
  { context }: Pick<ChangeMeans, 'context'>,
  call: Call,
  transaction: Transaction,
  { owner, keyId, epoch, key, changeRow, before }: Deciding,
  record: Deciding['record'],
  { kind, attempt, mayFork }: Statement,
): Promise<void> {
  await writeChange(context, transaction, { owner, keyId, epoch }, key!.row, changeRow, record);
  const { suite, purpose } = before.params;
  await context.audit.append(transaction, {
    deed: `change.${kind}`,
    who: call.account.xid,
    keyId,
    subject: record.member?.promise?.orderHash ?? null,
    sentence: `Decide who holds a key (${suite}) for ${purpose} after epoch ${epoch}.`,
    verdict: 'done',
    policy: '',
    detail: `attempt ${attempt}${mayFork ? ', by the words' : ''}`,
  });
}

/** What a member knows after it was shown these. One that forgot remembers by them, or goes on knowing nothing. */
function withLocks(
  deciding: Deciding,
  member: MemberState,
  { shown, locked }: { readonly shown: readonly Signed<Statement>[]; readonly locked: readonly Locked[] },
): MemberState {
  const members = decidersOf(deciding, releasedBy(member));
  const complete = locked.map(({ signed }) => signed);
  const certificates = locked.map(({ certificate }) => certificate);
  if (member.forgot !== null) {
    const promises = shown.filter(isPromise);
    const remembered = rememberSaid(members, member, { promises, certificates, complete });
    return remembered.kind === 'remembers' ? remembered.state : member;
  }
  return certificates.reduce((state, one) => adoptLock(members, state, one, complete), member);
}

/** An order by the words releases a member once it has waited and nobody has said no: what it says from then on is marked. */
function heedWords(member: MemberState, order: StoredOrder | null): MemberState {
  if (order?.byWords !== true) return member;
  const known = releasedBy(member);
  if (known !== null && equalBytes(known, order.hash)) return member;
  return releaseByWords(member, { orderHash: order.hash, voided: null });
}

/** A member that is released no more; one that had forgotten before the words released it remembers by what is shown, or goes on knowing nothing. */
function withoutWords(
  deciding: Deciding,
  member: MemberState,
  shown: { readonly shown: readonly Signed<Statement>[]; readonly locked: readonly Locked[] },
): MemberState {
  const plain = asReleased(deciding, member);
  return plain === member ? member : withLocks(deciding, plain, shown);
}

function releasedBy({ released }: MemberState): Uint8Array | null {
  return released?.orderHash ?? null;
}

/** The signed change behind the highest lock certificate of a state. */
function lockedOf(
  { record }: Deciding,
  { highest }: MemberState,
  locked: readonly Locked[],
): Uint8Array | null {
  return locked.find(({ certificate }) => certificate === highest)?.signed.bytes ?? record.locked;
}

/** Changes that are said to be signed by their whole rosters: one, or none, and those that are locked. */
interface ShownChanges {
  readonly signed?: Uint8Array;
  readonly locked: readonly LockedChange[];
}

/** The same, checked. */
interface CheckedChanges {
  readonly locked: readonly Locked[];
  /** All of them, the one that is not locked first. */
  readonly complete: readonly SignedNext[];
}

/** What is long to check is checked against the epoch that decides before a transaction is opened, and only where this server has a say. */
async function checkShown(
  means: ChangeMeans,
  call: Call,
  scope: DecidingScope,
  shown: ShownChanges,
): Promise<CheckedChanges> {
  if (shown.signed === undefined && shown.locked.length === 0) return { locked: [], complete: [] };
  const { context } = means;
  const deciding = await context.storage.read((reader) => readDeciding(context, reader, scope));
  demandMember(deciding);
  const against = { epoch: deciding.before, memory: context.checkedChanges };
  const alone = shown.signed === undefined ? [] : [checkSigned(against, shown.signed)];
  const locked = shown.locked.map((one) => checkLocked(against, one));
  const complete = [...alone, ...locked.map((one) => one.signed)];
  await assertKnown(
    means,
    call,
    deciding,
    complete.map(({ change }) => change),
  );
  return { locked, complete };
}

/** @throws StateError `CHANGE_NOT_MEMBER`, `CHANGE_SETTLED`, `CHANGE_REFUSED` where what follows is decided */
function demandMember(deciding: Deciding): MemberState {
  if (deciding.record.decided !== null) throw refused('decided');
  return memoryOf(deciding);
}

function scopeOf(
  { account }: Call,
  { keyId, epoch }: { readonly keyId: Uint8Array; readonly epoch: number },
): DecidingScope {
  return { owner: account.xid, keyId, epoch };
}

export function isPromise(statement: Signed<Statement>): statement is Signed<PromiseStatement> {
  return statement.kind === 'promise';
}

/** Of those behind a decision, told from their lengths alone. */
export function costOfVotes({ promises, yields }: ChangeVotes): number {
  return ((promises.length + yields.length) / 64) * STATEMENT_MS;
}

/** Told from lengths alone. */
export function costOf(statements: readonly Uint8Array[], locked: readonly LockedChange[]): number {
  const locks = locked.reduce(
    (sum, one) => sum + (one.locks.length / 64) * STATEMENT_MS + costOfCertificate(one.signed),
    0,
  );
  return statements.length * STATEMENT_MS + locks;
}

export function refused(reason: string) {
  return refusal('CHANGE_REFUSED', `this server does not say so: ${reason}`, { reason });
}
