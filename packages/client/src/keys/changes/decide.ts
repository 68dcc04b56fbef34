import type { ChangeView, LockedChange } from '@ckm/api';
import { type CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import {
  type ChangeCertificate,
  encodeChangeCertificate,
  encodeLockCertificate,
  encodeStatement,
  encodeVotes,
  isSameLock,
  judgeVotes,
  type LockName,
  type LockStatement,
  parseChangeCertificate,
  parseLockCertificate,
  parseStatement,
  type PromiseStatement,
  type Signed,
  type Statement,
  verifyChange,
  verifyLockCertificate,
  verifySignedChange,
  type YieldStatement,
} from '@ckm/threshold';
import type { Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import {
  type ChangeMember,
  type ChangeRun,
  type Gathered,
  gatherFrom,
  oldMembers,
  saveChangeRun,
} from './change-run.js';
import { enterableAttempt, isTryOver, nextTry, readable, spokenIn } from './attempts.js';
import { votesTooFew } from './change-errors.js';
import { moveShares } from './move-shares.js';

/** Old members that have entered a try, with what each promised and what is shown with that. */
interface Entered {
  readonly attempt: number;
  readonly promises: ReadonlyMap<ChangeMember, Signed<PromiseStatement>>;
  /** The lock certificates that promises name, with the changes that they lock. */
  readonly locked: readonly LockedChange[];
}

/** Most statements that are shown in one question. */
const MOST_SHOWN = 64;

/**
 * Gets the old members' decision: promises, then shares for the next epoch where nothing else is locked, then locks, then yields.
 * Each of them says the same again when it is asked again, so that a try is gone on with after anything.
 * @param views what each member says of the order
 * @returns the certificate of the next epoch, checked; by another order where members were bound to that
 * @throws StateError `CHANGE_VOTES_TOO_FEW`; whatever keeps the session from its end
 */
export async function decideChange(
  run: ChangeRun,
  views: ReadonlyMap<ChangeMember, ChangeView>,
): Promise<Uint8Array> {
  const attempt = await enterableAttempt(run, views);
  const entered = await enter(run, attempt, views);
  const signed = boundTo(run, entered) ?? run.record.signed ?? (await moveShares(run, entered));
  await saveChangeRun(run, { signed });
  return vote(run, entered, signed);
}

/** Asks every old member to enter a try: those that are behind again, once others have spoken. */
async function enter(
  run: ChangeRun,
  attempt: number,
  views: ReadonlyMap<ChangeMember, ChangeView>,
): Promise<Entered> {
  const { keyId, epoch } = run.record.order;
  const promises = new Map<ChangeMember, Signed<PromiseStatement>>();
  const locked: LockedChange[] = [];
  const shown: Signed<Statement>[] = [...views.values()].flatMap((view) => spokenIn(run, view));
  const asked = oldMembers(run);
  // A member that knows a lock certificate names it; one that was not there when it came about is shown it.
  const known = distinct(
    [...views].flatMap(([{ oldSlot }, view]) =>
      oldSlot === null || view.locked === null || !holds(run, view.locked) ? [] : [view.locked],
    ),
  );
  const forgot = [...views].find(([{ oldSlot }, view]) => oldSlot !== null && view.forgot !== null)?.[1]
    .forgot;
  // Who has promised in this try says the same again to the same question only.
  const recallOf = ({ oldSlot }: ChangeMember) => {
    const said = shown.find(
      ({ kind, slot, attempt: its }) => kind === 'promise' && slot === oldSlot && its === attempt,
    );
    if (said?.kind === 'promise') return said.recall;
    return forgot ?? null;
  };
  const ask = (members: readonly ChangeMember[]) =>
    gatherFrom(
      run,
      { step: 'promise', text: 'asking servers to take part' },
      members,
      run.deciders.needed,
      async (member, link) => {
        const answer = await link.call('change.promise', {
          keyId,
          epoch,
          attempt,
          recall: recallOf(member),
          orderHash: run.orderHash,
          shown: shown
            .filter((one) => one.attempt >= attempt - 1)
            .slice(-MOST_SHOWN)
            .map(encodeStatement),
          locked: known,
        });
        const statement = own(run, member, answer.statement, 'promise');
        if (statement.attempt !== attempt) throw strange(member);
        // A promise that names a lock certificate which nobody can show is none.
        const { highest } = statement;
        if (highest !== null) {
          const all = answer.highest === null ? known : [answer.highest, ...known];
          const named = all.find((one) => locks(run, one, highest));
          if (named === undefined) throw strange(member);
          locked.push(named);
        }
        promises.set(member, statement);
        shown.push(statement);
      },
    );
  let gathered = await ask(asked);
  const behind = [...gathered.failures].flatMap(([member, { facts }]) =>
    facts['reason'] === 'attempt-ahead' ? [member] : [],
  );
  if (behind.length > 0 && promises.size > 0) gathered = await ask(behind);
  if (promises.size < run.deciders.needed) {
    const all = { answers: promises, failures: gathered.failures };
    if (isTryOver(run, all)) await nextTry(run);
    throw votesTooFew(run, 'promised', all);
  }
  return { attempt, promises, locked };
}

/** At most so many lock certificates are shown in one question: those of the highest tries. */
const MOST_LOCKED = 4;

function distinct(all: readonly LockedChange[]): LockedChange[] {
  const byName = new Map<string, { readonly attempt: number; readonly one: LockedChange }>();
  for (const one of all) {
    for (const { attempt, next } of readable(() => parseLockCertificate(one.locks)))
      byName.set(`${attempt} ${encodeHex(next)}`, { attempt, one });
  }
  const sorted = [...byName.values()].toSorted((a, b) => b.attempt - a.attempt);
  return sorted.slice(0, MOST_LOCKED).map(({ one }) => one);
}

/** A statement of the kind that was asked for, signed by the member that gave it. @throws PeerFaultError */
function own<K extends Statement['kind']>(
  { deciders }: ChangeRun,
  member: ChangeMember,
  bytes: Uint8Array,
  kind: K,
): Signed<Extract<Statement, { readonly kind: K }>> {
  const statement = parsed(member, bytes);
  const isOwn = statement.kind === kind && statement.slot === member.oldSlot && deciders.isSigned(statement);
  if (!isOwn) throw strange(member);
  return statement as Signed<Extract<Statement, { readonly kind: K }>>;
}

function parsed(member: ChangeMember, bytes: Uint8Array): Signed<Statement> {
  const [statement] = readable(() => parseStatement(bytes));
  if (statement === undefined) throw strange(member);
  return statement;
}

function strange(member: Participant) {
  return serverFault(
    'FAULT_PACKET_INVALID',
    [member],
    'gave a statement that is not its own, or of another try',
  );
}

/** The signed change that the promises bind the try to, each of which is there with what it names; null: they bind it to nothing. */
function boundTo(run: ChangeRun, { promises, locked }: Entered): Uint8Array | null {
  const names = [...promises.values()].flatMap(({ highest }) => (highest === null ? [] : [highest]));
  const [top] = names.toSorted((a, b) => b.attempt - a.attempt);
  if (top === undefined) return null;
  return locked.find((one) => locks(run, one, top))!.signed;
}

/** Whether a lock certificate holds that a member shows of itself: one that does not would be refused by all that are shown it. */
function holds(run: ChangeRun, one: LockedChange): boolean {
  return readable(() => parseLockCertificate(one.locks)).some((name) => locks(run, one, name));
}

/** Whether a lock certificate of that name holds, and stands over a change that its whole roster signed. */
function locks(run: ChangeRun, { locks: bytes, signed }: LockedChange, name: LockName): boolean {
  const [isSo = false] = readable(() => {
    const certificate = parseLockCertificate(bytes);
    const change = parseChangeCertificate(signed);
    const { transcriptHash } = verifySignedChange(run.before, change, run.context.checkedChanges);
    return (
      isSameLock(certificate, name) &&
      equalBytes(transcriptHash, name.next) &&
      verifyLockCertificate(run.deciders, certificate)
    );
  });
  return isSo;
}

async function vote(run: ChangeRun, entered: Entered, signed: Uint8Array): Promise<Uint8Array> {
  const { attempt } = entered;
  const { keyId, epoch } = run.record.order;
  const change = parseChangeCertificate(signed);
  const { checkedChanges } = run.context;
  const next = verifySignedChange(run.before, change, checkedChanges).transcriptHash;
  const promises = [...entered.promises.values()];
  const isFor = (statement: LockStatement | YieldStatement) => isSameLock(statement, { attempt, next });
  const { needed } = run.deciders;

  const shown = promises.map(encodeStatement);
  const locked = await gatherFrom(
    run,
    { step: 'lock', text: 'asking servers to decide' },
    [...entered.promises.keys()],
    needed,
    async (member, link) => {
      const question = { keyId, epoch, attempt, signed, promises: shown, locked: distinct(entered.locked) };
      const statement = own(run, member, (await link.call('change.lock', question)).statement, 'lock');
      if (!isFor(statement)) throw strange(member);
      return statement;
    },
  );
  if (locked.answers.size < needed) throw await givenUp(run, locked, 'locked');
  const lockStatements = [...locked.answers.values()];
  const certificate = encodeLockCertificate({ attempt, next, locks: lockStatements });
  const yielded = await gatherFrom(
    run,
    { step: 'yield', text: 'asking servers to give way to the new epoch' },
    oldMembers(run),
    needed,
    async (member, link) => {
      const question = { keyId, epoch, locks: certificate, signed };
      const statement = own(run, member, (await link.call('change.yield', question)).statement, 'yield');
      if (!isFor(statement)) throw strange(member);
      return statement;
    },
  );
  if (yielded.answers.size < needed) throw await givenUp(run, yielded, 'gave way');
  const decision = { attempt, next, promises, locks: lockStatements, yields: [...yielded.answers.values()] };
  const decided: ChangeCertificate = { ...change, ...encodeVotes(decision) };
  verifyChange(run.before, decided, judgeVotes, checkedChanges);
  return encodeChangeCertificate(decided);
}

/** Why a vote came to nothing. Where somebody's word stands against it, the next time is the next try. */
async function givenUp(
  run: ChangeRun,
  gathered: Gathered<unknown>,
  what: 'locked' | 'gave way',
): Promise<CkmError> {
  if (isTryOver(run, gathered)) await nextTry(run);
  return votesTooFew(run, what, gathered);
}
