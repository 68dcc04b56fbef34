import type { LockedChange, SettlementView } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import {
  encodeLockCertificate,
  encodeStatement,
  encodeVotes,
  isSameLock,
  judgeSettlement,
  type LockName,
  parseLockCertificate,
  parseStatement,
  type PartyIndex,
  type PromiseStatement,
  type Signed,
  type Statement,
  verifyLockCertificate,
} from '@ckm/threshold';
import { serverFault } from '../../servers/faults.js';
import { settlersTooFew } from './settle-errors.js';
import type { SettlingVotes } from './settlement-record.js';
import {
  askEach,
  countingIn,
  orderOfCounting,
  saveSettleRun,
  type SettleMember,
  type SettleRun,
  settling,
} from './settle-run.js';

/** Most statements that are shown in one question. */
const MOST_SHOWN = 64;
/** Most lock certificates. */
const MOST_LOCKED = 4;

/** What a server answers that will not say in this try what is asked of it, ever. */
const SPENT: readonly unknown[] = [
  'said-otherwise',
  'bound-otherwise',
  'attempt-past',
  'own-promise-missing',
];

/**
 * Gets the decision of those who settle: promises, locks, yields. Where they are bound to another of the certificates already, it is that one.
 * @param views what each of them says of the order
 * @returns the votes; the record has the certificate that they settle on in front
 * @throws StateError `CHANGE_VOTES_TOO_FEW`
 */
export async function voteOnFork(
  run: SettleRun,
  views: ReadonlyMap<SettleMember, SettlementView>,
): Promise<SettlingVotes> {
  const { keyId, epoch } = run.record;
  const { settlers } = run;
  const attempt = await enterableAttempt(run, views);
  const shown = [...views.values()].flatMap((view) => spokenIn(run, view));
  const known = [...views.values()].flatMap(({ locked }) =>
    locked !== null && holds(run, locked) ? [locked] : [],
  );
  const locked = [...known];
  const promises = new Map<SettleMember, Signed<PromiseStatement>>();
  const ask = (members: readonly SettleMember[]) =>
    askEach(run, { step: 'promise', text: 'asking servers to settle' }, members, async (member, link) => {
      const answer = await link.call('change.promise', {
        keyId,
        epoch,
        orderHash: run.orderHash,
        attempt,
        recall: null,
        shown: shown
          .filter((one) => one.attempt >= attempt - 1)
          .slice(-MOST_SHOWN)
          .map(encodeStatement),
        locked: known.slice(0, MOST_LOCKED),
      });
      const statement = own(run, member, answer.statement, 'promise');
      if (statement.attempt !== attempt) throw strange(member);
      const { highest } = statement;
      if (highest !== null) {
        const all = answer.highest === null ? known : [answer.highest, ...known];
        const named = all.find((one) => locks(run, one, highest));
        if (named === undefined) throw strange(member);
        locked.push(named);
      }
      promises.set(member, statement);
      shown.push(statement);
    });
  let promised = await ask(settling(run));
  const behind = [...promised.failures].flatMap(([member, { facts }]) =>
    facts['reason'] === 'attempt-ahead' ? [member] : [],
  );
  if (behind.length > 0 && promises.size > 0) promised = await ask(behind);
  if (promises.size < settlers.needed) throw await givenUp(run, 'promised', promises.size, promised.failures);
  const { signed, next } = await boundTo(run, [...promises.values()], locked);

  const isFor = (statement: LockName) => isSameLock(statement, { attempt, next });
  const encoded = [...promises.values()].map(encodeStatement);
  const top = locked.slice(-MOST_LOCKED);
  const lockedBy = await askEach(
    run,
    { step: 'lock', text: 'asking servers to decide' },
    [...promises.keys()],
    async (member, link) => {
      const question = { keyId, epoch, attempt, signed, promises: encoded, locked: top };
      const statement = own(run, member, (await link.call('change.lock', question)).statement, 'lock');
      if (!isFor(statement)) throw strange(member);
      return statement;
    },
  );
  if (lockedBy.answers.size < settlers.needed)
    throw await givenUp(run, 'locked', lockedBy.answers.size, lockedBy.failures);
  const lockStatements = [...lockedBy.answers.values()];
  const certificate = encodeLockCertificate({ attempt, next, locks: lockStatements });
  const yielded = await askEach(
    run,
    { step: 'yield', text: 'asking servers to give way' },
    settling(run),
    async (member, link) => {
      const question = { keyId, epoch, locks: certificate, signed };
      const statement = own(run, member, (await link.call('change.yield', question)).statement, 'yield');
      if (!isFor(statement)) throw strange(member);
      return statement;
    },
  );
  if (yielded.answers.size < settlers.needed)
    throw await givenUp(run, 'gave way', yielded.answers.size, yielded.failures);
  const votes = encodeVotes({
    attempt,
    next,
    promises: [...promises.values()],
    locks: lockStatements,
    yields: [...yielded.answers.values()],
  });
  assertSettled(run, votes, run.record.certificates, next);
  await saveSettleRun(run, { votes });
  return votes;
}

/** @throws PeerFaultError `CHANGE_NOT_SETTLED` */
export function assertSettled(
  { before, twice }: Pick<SettleRun, 'before' | 'twice'>,
  votes: SettlingVotes,
  certificates: readonly Uint8Array[],
  transcriptHash: Uint8Array,
): void {
  const slots = twice.map((slot) => slot as PartyIndex);
  const { promises, yields } = votes;
  const order = orderOfCounting(certificates);
  judgeSettlement(slots)({ promises, yields }, { before, order, transcriptHash });
}

/** The certificate that the promises bind the try to: the one that was ordered, or another one that was locked before, which is put in front then. */
async function boundTo(
  run: SettleRun,
  promises: readonly Signed<PromiseStatement>[],
  locked: readonly LockedChange[],
): Promise<{ readonly signed: Uint8Array; readonly next: Uint8Array }> {
  const names = promises.flatMap(({ highest }) => (highest === null ? [] : [highest]));
  const [top] = names.toSorted((a, b) => b.attempt - a.attempt);
  const ordered = run.epochs[0]!.transcriptHash;
  if (top === undefined || equalBytes(top.next, ordered)) return { signed: countingIn(run), next: ordered };
  const at = run.epochs.findIndex(({ transcriptHash }) => equalBytes(transcriptHash, top.next));
  const { certificates } = run.record;
  const signed = certificates[at] ?? locked.find((one) => locks(run, one, top))!.signed;
  const others = certificates.filter((_, i) => i !== at);
  await saveSettleRun(run, { certificates: [signed, ...others] });
  return { signed, next: top.next };
}

/** As of a change: the try that this client was in, or the one behind what as many as it takes have reached. */
async function enterableAttempt(
  run: SettleRun,
  views: ReadonlyMap<SettleMember, SettlementView>,
): Promise<number> {
  const highest = new Map<number, number>();
  for (const { slot, attempt } of [...views.values()].flatMap((view) => spokenIn(run, view)))
    highest.set(slot, Math.max(highest.get(slot) ?? 0, attempt));
  const needed = run.settlers.quorum.needed;
  const reached = [...highest.values()].toSorted((a, b) => b - a)[needed - 1] ?? 0;
  const { attempt } = run.record;
  if (attempt > 0 && (attempt === reached || attempt === reached + 1)) return attempt;
  await saveSettleRun(run, { attempt: reached + 1 });
  return reached + 1;
}

function spokenIn({ settlers }: SettleRun, { spoken }: SettlementView): Signed<Statement>[] {
  return spoken
    .flatMap((bytes) => readable(() => parseStatement(bytes)))
    .filter((statement) => settlers.isSigned(statement));
}

/** Whether a lock certificate holds, of that name, over one of the certificates. */
function locks(run: SettleRun, { locks: bytes }: LockedChange, name: LockName): boolean {
  const [isSo = false] = readable(() => {
    const certificate = parseLockCertificate(bytes);
    return isSameLock(certificate, name) && verifyLockCertificate(run.settlers, certificate);
  });
  return isSo && run.epochs.some(({ transcriptHash }) => equalBytes(transcriptHash, name.next));
}

function holds(run: SettleRun, one: LockedChange): boolean {
  return readable(() => parseLockCertificate(one.locks)).some((name) => locks(run, one, name));
}

function own<K extends Statement['kind']>(
  { settlers }: SettleRun,
  member: SettleMember,
  bytes: Uint8Array,
  kind: K,
): Signed<Extract<Statement, { readonly kind: K }>> {
  const [statement] = readable(() => parseStatement(bytes));
  const isOwn = statement?.kind === kind && statement.slot === member.oldSlot && settlers.isSigned(statement);
  if (!isOwn) throw strange(member);
  return statement as Signed<Extract<Statement, { readonly kind: K }>>;
}

/** What was read; nothing where it cannot be: what one server shows of itself must not stop the others. */
function readable<T>(read: () => T): readonly T[] {
  try {
    return [read()];
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return [];
    throw error;
  }
}

function strange(member: SettleMember) {
  return serverFault(
    'FAULT_PACKET_INVALID',
    [member],
    'gave a statement that is not its own, or of another try',
  );
}

async function givenUp(
  run: SettleRun,
  what: 'promised' | 'locked' | 'gave way',
  said: number,
  failures: ReadonlyMap<SettleMember, CkmError>,
): Promise<CkmError> {
  const isOver = [...failures.values()].some(({ facts }) => SPENT.includes(facts['reason']));
  if (isOver) await saveSettleRun(run, { attempt: run.record.attempt + 1 });
  return settlersTooFew(run, what, said, failures);
}
