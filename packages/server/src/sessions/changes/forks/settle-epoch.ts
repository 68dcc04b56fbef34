import { type Parameters, type Result, signIdentityStatement } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  encodeKeyParams,
  judgeSettlement,
  parseChangeCertificate,
  type PartyIndex,
  recoveryAckStatement,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import { rowChanged } from '../../../storage/codes.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import type { Reader, Transaction } from '../../../storage/storage.js';
import { readPublicEpoch, storePublicEpoch } from '../../keys/past-epochs.js';
import { provedBy } from '../../keys/stored/proved-epoch.js';
import { type KeyMarks, marksOf } from '../../keys/stored/key-head.js';
import { rewindHead } from '../../keys/stored/note-marks.js';
import { type ChangeRecord, type JoiningKey, openChange } from '../change-record.js';
import { type DecidingScope, ownEntry, settledOtherwise } from '../deciding.js';
import { checkEvidence, type Evidence } from './evidence.js';
import { isSameChange } from './fork.js';
import {
  type ForkedKey,
  judgeSettling,
  putForked,
  readForked,
  settledName,
  withSettled,
  withSettledInstead,
  writeForked,
} from './forked-key.js';
import type { ChangeMeans } from '../means.js';
import { destroyRoot } from '../receiver-seeds.js';
import { storeOrder } from './settle-order.js';

type Shown = Parameters<'fork.end'>;

/**
 * Takes in what was settled, by the votes of those who decided on it, at whatever server it is shown to: all that came of another certificate
 * of that epoch is destroyed here and comes back by nothing. A server that is in the epoch that counts answers again; every other one is where it was
 * before that epoch, answers nothing, and goes over by its certificate alone (`change.commit`). One that is two epochs or more behind the other certificate
 * goes on, and asks its operator, as does one that has been in that epoch for long, which is stopped: those who vote may have left the key long ago, and be anybody's by now.
 * @throws as `checkEvidence`; PeerFaultError `CHANGE_NOT_SETTLED`; StateError `CHANGE_SETTLED`, also where the operator has not agreed
 */
export async function endFork(means: ChangeMeans, call: Call, shown: Shown): Promise<Result<'fork.end'>> {
  const { context } = means;
  const { keyId, epoch, certificates, promises, yields } = shown;
  const scope = { owner: call.account.xid, keyId, epoch };
  const evidence = await checkEvidence(means, call, scope, certificates);
  const { before, epochs, parsed, names } = evidence;
  const { transcriptHash } = epochs[0]!;
  const { order } = parsed[0]!.change;
  const twice = evidence.twice.map((slot) => slot as PartyIndex);
  judgeSettlement(twice)({ promises, yields }, { before, order, transcriptHash });
  const settled = { certificates, names, promises, yields };
  const result = await repeatWhenRaced(() =>
    call.transact(async (transaction): Promise<Result<'fork.end'> | number> => {
      await transaction.keys.hold(scope.owner, keyId);
      const forked = await readForked(context, transaction, scope);
      assertNotOtherwise(forked, transcriptHash);
      const known = forked.record.settled;
      const isOn = await isOnCounting(context, transaction, scope, evidence);
      if (known !== null && isTakenIn(forked, isOn))
        return { goesOver: !isOn && !isOfNeither(context, evidence) };
      if (!isOn && isFarOn(forked, context.clock()) && !isAgreed(means, forked, evidence)) {
        await storeOrder(means, transaction, scope, { evidence, areReady: false, isShown: true });
        return forked.newest;
      }
      const record = { ...forked.record, settling: null, settled };
      if (isOn) await answerAgain(context, transaction, forked, record);
      else if (isOfNeither(context, evidence))
        await stayOut(context, transaction, { forked, record, evidence });
      else await goBack(context, transaction, { forked, record, evidence });
      await context.audit.append(transaction, {
        deed: 'fork.end',
        who: scope.owner,
        keyId,
        subject: transcriptHash,
        sentence: `One certificate of epoch ${epoch + 1} of a key counts: what came of another is destroyed here.`,
        verdict: 'done',
        policy: '',
        detail: `transcript ${encodeHex(transcriptHash).slice(0, 8)}${isOn ? '' : ', goes over to it'}`,
      });
      return { goesOver: !isOn && !isOfNeither(context, evidence) };
    }),
  );
  if (typeof result === 'number') throw farOn(result);
  return result;
}

/** So long an epoch is in use before it is destroyed by no votes alone: who may vote on it has left since, and may have been sold. Seconds. */
const LONG_IN_USE = 2_592_000;

/** Whether what it entered behind the forked epoch would be destroyed with that, or what has been in use for long. */
function isFarOn({ newest, epoch, head: { left, since } }: ForkedKey, now: number): boolean {
  const isInUse = newest === epoch + 1 && left === undefined;
  return newest > epoch + 1 || (isInUse && since !== undefined && now - since >= LONG_IN_USE);
}

/** Whether the operator has said yes to going back, and the delay of the key is over. */
function isAgreed(means: ChangeMeans, forked: ForkedKey, { hash }: Evidence): boolean {
  const { settling } = forked.record;
  if (settling?.isShown !== true || settling.operator !== 'yes' || !equalBytes(settling.hash, hash))
    return false;
  return judgeSettling(means.counting(), forked).verdict === 'passed';
}

function farOn(epoch: number) {
  const what = `this server is in epoch ${epoch} by another certificate, and goes back only when its operator agrees`;
  return refusal('CHANGE_SETTLED', what, { epoch });
}

/** @throws StateError `CHANGE_SETTLED` */
function assertNotOtherwise(forked: ForkedKey, transcriptHash: Uint8Array): void {
  const known = settledName(forked);
  if (known !== null && !equalBytes(known, transcriptHash)) throw settledOtherwise();
}

/** Whether nothing is left of another certificate: this server is in the epoch that counts and answers, or waits for it in the one before. */
function isTakenIn({ head, newest, epoch }: ForkedKey, isOn: boolean): boolean {
  return isOn ? head.forked !== epoch + 1 : newest <= epoch && head.counts !== undefined;
}

/** Whether this server went on by the certificate that counts. @throws StateError `ROW_CHANGED` where it went on by one that is not shown */
async function isOnCounting(
  context: ServerContext,
  reader: Reader,
  scope: DecidingScope,
  { parsed }: Evidence,
): Promise<boolean> {
  const { newest } = await readForked(context, reader, scope);
  if (newest <= scope.epoch) return false;
  const { certificate } = await readPublicEpoch(context, reader, scope, scope.epoch + 1);
  const own = parseChangeCertificate(certificate);
  // Entered since the evidence was checked: nothing was settled of it, and nothing of it is dead.
  if (!parsed.some((one) => isSameChange(one, own))) throw rowChanged('keys');
  return isSameChange(parsed[0]!, own);
}

/** It does, unless a later epoch is forked, which an earlier one came before. */
async function answerAgain(
  context: ServerContext,
  transaction: Transaction,
  forked: ForkedKey,
  record: ChangeRecord,
): Promise<void> {
  const { epoch, head } = forked;
  const isLater = head.forked !== undefined && head.forked > epoch + 1;
  const later = isLater ? {} : await laterFork(context, transaction, forked);
  const kept = isLater ? withoutAwaits(marksOf(head), epoch) : withoutFork(marksOf(head), epoch);
  const said = withSettled(head, epoch + 1, record.settled!.names[0]!);
  await writeForked(context, transaction, forked, record, { ...kept, ...later, ...said });
}

/** What its head says of a fork behind this one that is not settled. */
async function laterFork(
  context: ServerContext,
  reader: Reader,
  { owner, keyId, epoch, newest }: ForkedKey,
): Promise<Pick<KeyMarks, 'forked' | 'settling'>> {
  for (let later = epoch + 1; later <= newest; later++) {
    const row = await reader.changes.find(owner, keyId, later);
    if (row === null) continue;
    const { fork, settled, settling } = openChange(context, row);
    const hasStopped = later + 1 >= newest || (settling?.member ?? null) !== null;
    if (fork !== null && settled === null && hasStopped) return { forked: later + 1, settling: row.version };
  }
  return {};
}

function withoutFork(marks: KeyMarks, epoch: number): KeyMarks {
  const { forked: _forked, settling: _settling, counts: _counts, ...kept } = marks;
  return withoutAwaits(kept, epoch);
}

function withoutAwaits({ awaits, ...marks }: KeyMarks, epoch: number): KeyMarks {
  return awaits === undefined || awaits.epoch === epoch ? marks : { ...marks, awaits };
}

/** Whether this server had a part in the key by a dead certificate only. */
function isOfNeither(context: ServerContext, { before, epochs }: Evidence): boolean {
  return [before.params, epochs[0]!.params].every((params) => ownEntry(context, params) === null);
}

/** It is as one that left the key. */
async function stayOut(
  context: ServerContext,
  transaction: Transaction,
  { forked, record, evidence: { epochs, certificates } }: GoingBack,
): Promise<void> {
  const { params, transcriptHash } = epochs[0]!;
  const { epoch } = forked;
  destroyDead(context, forked);
  await removeDead(transaction, forked);
  const shown = {
    parameters: encodeKeyParams(params),
    certificate: certificates[0]!,
    proved: provedBy(epochs[0]!),
  };
  await storePublicEpoch(context, transaction, forked, params.epoch, shown);
  const marks = withoutFork(marksOf(forked.head), epoch);
  const left = { epoch: params.epoch, transcriptHash };
  const said = withSettledInstead(forked.head, params.epoch, transcriptHash);
  await writeForked(context, transaction, forked, record, { ...marks, ...said, left });
}

/**
 * The keys of shares that came of a certificate that is dead, before the rows: the key never comes back to them. Those
 * of its later epochs too, and what was kept for the next. Only while the key is held: an epoch has one file, whichever certificate
 * it was entered by.
 */
function destroyDead(context: ServerContext, { owner, keyId, epoch, row }: ForkedKey): void {
  for (let dead = row.epoch; dead > epoch; dead--) {
    context.epochKeys.destroy({ owner, keyId, epoch: dead });
    destroyRoot(context, { owner, keyId, epoch: dead });
  }
}

interface GoingBack {
  readonly forked: ForkedKey;
  readonly record: ChangeRecord;
  readonly evidence: Evidence;
}

/** Leaves the key stopped, in the epoch before the one that is forked; whoever joined by the dead certificate has never been in. */
async function goBack(
  context: ServerContext,
  transaction: Transaction,
  { forked, record, evidence }: GoingBack,
): Promise<void> {
  const { before, names } = evidence;
  const { owner, keyId, epoch, row, head } = forked;
  destroyDead(context, forked);
  await removeDead(transaction, forked);
  const own = ownEntry(context, before.params);
  const joining = own === null ? joiningOf(forked, evidence) : null;
  const version = await putForked(context, transaction, forked, { ...record, joining, decided: null });
  const {
    left,
    change: _change,
    decided: _decided,
    helped: _helped,
    awaits: _awaits,
    ...kept
  } = marksOf(head);
  const said = withSettledInstead(head, epoch + 1, names[0]!);
  const stopped = { ...kept, ...said, forked: epoch + 1, settling: version, counts: names[0]! };
  const marks: KeyMarks =
    own === null ? { ...stopped, left: leftSince(before) } : { ...stopped, change: version };
  const isBehind = left !== undefined && row.epoch < epoch;
  const epochRow = await transaction.epochs.find(owner, keyId, isBehind ? row.epoch : epoch);
  const at = isBehind
    ? { epoch: row.epoch, quorum: head.quorum, slot: head.slot, certified: head.certified }
    : {
        epoch,
        quorum: before.params.quorum,
        slot: own?.slot ?? head.slot,
        certified: certifiedAs(context, before, own?.slot ?? null),
      };
  await rewindHead(context, transaction, row, { ...at, material: epochRow?.version ?? 1 }, marks);
}

function leftSince({ params, transcriptHash }: CertifiedEpoch) {
  return { epoch: params.epoch, transcriptHash };
}

/** What the head says of an epoch that it was in, or, of one that it never was in, what everybody may know. */
function certifiedAs(
  { identity }: Pick<ServerContext, 'identity'>,
  { params, transcriptHash, public: known }: CertifiedEpoch,
  slot: PartyIndex | null,
) {
  const { keyId, epoch } = params;
  const { groupKey, commitment, verifyingShares, chainCode } = known;
  const acknowledgement =
    slot === null
      ? new Uint8Array(64)
      : signIdentityStatement(identity, recoveryAckStatement({ keyId, epoch, slot, transcriptHash }));
  return { transcriptHash, acknowledgement, groupKey, commitment, verifyingShares, chainCode };
}

/** With what was said of changes behind it: the epoch of that number that counts is another one. */
async function removeDead(
  transaction: Transaction,
  { owner, keyId, epoch, newest }: ForkedKey,
): Promise<void> {
  for (let dead = epoch + 1; dead <= newest; dead++) {
    await transaction.shares.remove(owner, keyId, dead);
    await transaction.epochs.remove(owner, keyId, dead);
    await transaction.changes.remove(owner, keyId, dead);
  }
}

/** What a server that joined by another certificate knows of the key. Its certificates up to there are stored with the key. */
function joiningOf({ head }: ForkedKey, { before }: Evidence): JoiningKey {
  return {
    policy: head.policy,
    chain: [],
    first: head.first ?? before.transcriptHash,
    parameters: encodeKeyParams(before.params),
    ...provedBy(before),
  };
}
