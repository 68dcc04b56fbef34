import { signIdentityStatement, type Parameters, type Result } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import {
  adoptLock,
  type CompleteNext,
  type Decided,
  encodeStatement,
  lockNext,
  type MemberState,
  newMember,
  type OldMembers,
  parseChangeCertificate,
  parseLockCertificate,
  parseStatement,
  type PartyIndex,
  promiseAttempt,
  settlersOf,
  settlingHash,
  type Statement,
  statementBytes,
  yieldTo,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import type { Reader } from '../../../storage/storage.js';
import { costOfCertificate } from '../../session-cost.js';
import type { Settling } from '../change-record.js';
import { type DecidingScope, notMember, ownEntry, settledOtherwise } from '../deciding.js';
import { isSameChange } from './fork.js';
import {
  type ForkedKey,
  judgeSettling,
  namesOfOrders,
  readForked,
  readSettlingEpoch,
  settlingIn,
  writeForked,
} from './forked-key.js';
import { frozenUntil } from '../guards.js';
import type { ChangeMeans } from '../means.js';
import { encodeLocked } from '../votes/statements.js';
import { costOf, isPromise, isSaid, refused } from '../votes/vote.js';

/** One of those who settle, with what it goes by. */
interface Settler {
  readonly forked: ForkedKey;
  readonly settling: Settling;
  readonly settlers: OldMembers;
  readonly member: MemberState;
  /** What can be settled on: the certificates that the order names. */
  readonly complete: readonly CompleteNext[];
}

/** The first step: as of a change. @throws StateError `CHANGE_REFUSED` with `facts.reason`, `CHANGE_SETTLED`; as `readForked` */
export async function promiseSettlement(
  means: ChangeMeans,
  call: Call,
  asked: Parameters<'change.promise'>,
): Promise<Result<'change.promise'>> {
  const { context } = means;
  const { orderHash, attempt } = asked;
  means.charge(call.account, costOf(asked.shown, asked.locked));
  const shown = asked.shown.map(parseStatement);
  const certificates = asked.locked.map(({ locks }) => parseLockCertificate(locks));
  const { settler, said, statement } = await settle(means, call, asked, (one) => {
    settlingIn(one.forked, orderHash);
    const { settlers, complete } = one;
    const member = certificates.reduce(
      (state, certificate) => adoptLock(settlers, state, certificate, complete),
      one.member,
    );
    const guards = guardsOf(means, one);
    const request = { orderHash, attempt, shown, recall: null, guards, now: context.clock() };
    return promiseAttempt(settlers, member, request);
  });
  const { highest } = said;
  const known = settler.member.highest;
  return {
    statement,
    highest: highest === null ? null : encodeLocked(known, bytesOf(settler, highest.next)),
  };
}

/** The second step. @throws as {@link promiseSettlement} */
export async function lockSettlement(
  means: ChangeMeans,
  call: Call,
  asked: Parameters<'change.lock'>,
): Promise<Result<'change.lock'>> {
  means.charge(call.account, costOf(asked.promises, asked.locked) + costOfCertificate(asked.signed));
  const promises = asked.promises.map(parseStatement).filter(isPromise);
  const certificates = asked.locked.map(({ locks }) => parseLockCertificate(locks));
  const { statement } = await settle(means, call, asked, (one) => {
    const next = nameOf(one, asked.signed);
    const guards = guardsOf(means, one);
    const { complete } = one;
    const request = { attempt: asked.attempt, next, promises, certificates, complete, guards };
    return lockNext(one.settlers, one.member, request);
  });
  return { statement };
}

/** The third step. @throws as {@link promiseSettlement} */
export async function yieldSettlement(
  means: ChangeMeans,
  call: Call,
  asked: Parameters<'change.yield'>,
): Promise<Result<'change.yield'>> {
  means.charge(call.account, costOf([], [asked]));
  const certificate = parseLockCertificate(asked.locks);
  const { statement } = await settle(means, call, asked, (one) => {
    const key = { head: one.forked.head };
    const isFrozen = frozenUntil({ ...one.forked, key }, means.context.clock()) !== null;
    return yieldTo(one.settlers, one.member, { certificate, complete: one.complete, isFrozen });
  });
  return { statement };
}

/** As `vote` of a change: what is remembered is stored before anything is signed. */
async function settle<S extends Statement>(
  means: ChangeMeans,
  call: Call,
  { keyId, epoch }: Pick<DecidingScope, 'keyId' | 'epoch'>,
  decide: (settler: Settler) => Decided<S>,
): Promise<{ readonly settler: Settler; readonly said: S; readonly statement: Uint8Array }> {
  const { context } = means;
  const scope = { owner: call.account.xid, keyId, epoch };
  const { settler, said, transcriptHash } = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      await transaction.keys.hold(scope.owner, keyId);
      const { settler: present, transcriptHash: before } = await readSettler(context, transaction, scope);
      const decided = decide(present);
      if (decided.kind === 'refuses') throw refused(decided.reason);
      const { state, statement } = decided;
      const after = { settler: { ...present, member: state }, said: statement, transcriptHash: before };
      if (isSaid(present.member, statement)) return after;
      const { forked, settling } = present;
      await writeForked(context, transaction, forked, {
        ...forked.record,
        settling: { ...settling, member: state },
      });
      await context.audit.append(transaction, {
        deed: `fork.${statement.kind}`,
        who: scope.owner,
        keyId,
        subject: settling.hash,
        sentence: `Settle which certificate of epoch ${epoch + 1} of a key counts.`,
        verdict: 'done',
        policy: '',
        detail: `attempt ${statement.attempt}`,
      });
      return after;
    }),
  );
  return { settler, said, statement: signSettling(context, scope, transcriptHash, said) };
}

/**
 * One that may have said what it does not know of says nothing: whose head came back from an older state, or who has no row of the time
 * when that epoch was changed, which is in no backup.
 */
async function readSettler(
  context: ServerContext,
  reader: Reader,
  scope: DecidingScope,
): Promise<{ readonly settler: Settler; readonly transcriptHash: Uint8Array }> {
  const forked = await readForked(context, reader, scope);
  if (forked.record.settled !== null) throw settledOtherwise();
  const settling = settlingIn(forked);
  const { params, transcriptHash } = await readSettlingEpoch(context, reader, scope, settling);
  const own = ownEntry(context, params);
  if (own === null) throw notMember();
  if (forked.head.forgot !== undefined || forked.record.drawn === null) throw refused('forgot');
  const twice = settling.twice.map((slot) => slot as PartyIndex);
  const settlers = settlersOf(params, transcriptHash, twice);
  const orders = namesOfOrders(scope, transcriptHash, settling.names);
  const complete = settling.names.map((next, i) => ({ next, orderHash: orders[i]! }));
  const member = settling.member ?? newMember(own.slot);
  return { settler: { forked, settling, settlers, member, complete }, transcriptHash };
}

function guardsOf({ counting }: Pick<ChangeMeans, 'counting'>, { forked, settling }: Settler) {
  const { verdict } = judgeSettling(counting(), forked);
  return verdict === 'passed' && !settling.areReady ? 'early' : verdict;
}

/** The transcript hash of the certificate that is shown, which is one of those that the order names. */
function nameOf({ settling: { certificates, names } }: Settler, signed: Uint8Array): Uint8Array {
  const shown = parseChangeCertificate(signed);
  const at = certificates.findIndex((one) => isSameChange(parseChangeCertificate(one), shown));
  if (at < 0) throw refused('next-incomplete');
  return names[at]!;
}

function bytesOf({ settling: { certificates, names } }: Settler, next: Uint8Array): Uint8Array | null {
  return certificates[names.findIndex((name) => equalBytes(name, next))] ?? null;
}

/** What a settler says, signed; only after its state is stored. */
export function signSettling(
  { identity }: Pick<ServerContext, 'identity'>,
  { keyId, epoch }: Pick<DecidingScope, 'keyId' | 'epoch'>,
  transcriptHash: Uint8Array,
  statement: Statement,
): Uint8Array {
  const bytes = statementBytes({ keyId, epoch, transcriptHash: settlingHash(transcriptHash) }, statement);
  return encodeStatement({ ...statement, signature: signIdentityStatement(identity, bytes) });
}
