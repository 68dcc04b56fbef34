import type { Parameters, Result } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { encodeKeyParams, judgeSettlement, parseChangeCertificate, type PartyIndex } from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import { rowChanged } from '../../../storage/codes.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import type { Reader, Transaction } from '../../../storage/storage.js';
import { readPublicEpoch, storePublicEpoch } from '../../keys/past-epochs.js';
import { provedBy } from '../../keys/stored/proved-epoch.js';
import { type KeyMarks, marksOf } from '../../keys/stored/key-head.js';
import { storedFrom } from '../../keys/stored/read-key.js';
import { type ChangeRecord, openChange } from '../change-record.js';
import { type DecidingScope, ownEntry, settledOtherwise } from '../deciding.js';
import { restSettling } from './asked-people.js';
import { checkEvidence, type Evidence } from './evidence.js';
import { isSameChange } from './fork.js';
import {
  type ForkedKey,
  isBoundTo,
  isOvertaken,
  judgeSettling,
  readForked,
  settledName,
  withoutStand,
  withSettled,
  withSettledInstead,
  writeForked,
} from './forked-key.js';
import { destroyDead, goBack, type GoingBack, removeDead } from './go-back.js';
import type { ChangeMeans } from '../means.js';
import { costOfVotes } from '../votes/vote.js';
import { storeOrder } from './settle-order.js';

type Shown = Parameters<'fork.end'>;

/**
 * Takes in what was settled, by the votes of those who decided on it, at whatever server it is shown to: all that came of another certificate
 * of that epoch is destroyed here and comes back by nothing. A server that is in the epoch that counts answers again; every other one is where it was
 * before that epoch, answers nothing, and goes over by its certificate alone (`change.commit`). One that is two epochs or more behind the other certificate
 * goes on, and asks its operator. So does one that has been in that epoch for long, or came to the key or got its share back by it, which is stopped: those who vote may have left the key, and be anybody's by now.
 * @throws as `checkEvidence`; PeerFaultError `CHANGE_NOT_SETTLED`; StateError `CHANGE_SETTLED`, also where the operator has not agreed
 */
export async function endFork(means: ChangeMeans, call: Call, shown: Shown): Promise<Result<'fork.end'>> {
  const { context } = means;
  const { keyId, epoch, certificates, promises, yields } = shown;
  means.charge(call.account, costOfVotes({ promises, yields }));
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
      const isFar = !isOn && (await isFarOn(context, transaction, forked, evidence));
      if (isFar && !isAgreed(means, forked, evidence)) {
        await storeOrder(means, transaction, scope, { evidence, areReady: false, isShown: true });
        return forked.newest;
      }
      const record = { ...forked.record, settling: null, settled };
      if (isOn) await answerAgain(context, transaction, forked, record);
      else if (isOfNeither(context, evidence))
        await stayOut(context, transaction, { forked, record, evidence });
      else await goBack(context, transaction, { forked, record, evidence });
      await restSettling(context, transaction, forked, forked.record.settling);
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

/**
 * Whether what it entered behind the forked epoch would be destroyed with that, or has acknowledged, by which others enter; or what has been in use for long, or the share by which it came to the key: a server
 * that was no member of the epoch whose members settle knows of them that they let others in, and they may have left by that very change. Where others gave
 * the share back, nobody here knows for how long it has been in use, nor what was settled meanwhile.
 */
async function isFarOn(
  context: ServerContext,
  reader: Reader,
  { newest, epoch, row, head }: ForkedKey,
  { before }: Evidence,
): Promise<boolean> {
  if (newest > epoch + 1) return true;
  if (newest <= epoch || head.left !== undefined) return false;
  if (head.decided !== undefined) return true;
  const { since } = await storedFrom(context, reader, row);
  const isLong = since === undefined || context.clock() - since >= LONG_IN_USE;
  return isLong || ownEntry(context, before.params) === null;
}

/** Whether the operator has said yes to going back, or to the order to which this server is bound by its own vote, and the delay of the key is over. */
function isAgreed(means: ChangeMeans, forked: ForkedKey, { hash, names }: Evidence): boolean {
  const { settling } = forked.record;
  if (settling === null || settling.operator !== 'yes' || !equalBytes(settling.hash, hash)) return false;
  const isToThis = settling.isShown === true || isBoundTo(settling, names[0]!);
  return isToThis && judgeSettling(means.counting(), forked).verdict === 'passed';
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

/** What its head says of a fork behind this one that is not settled, and stopped it: none that it went on in spite of, but by its own vote. */
export async function laterFork(
  context: ServerContext,
  reader: Reader,
  { owner, keyId, epoch, newest, head }: ForkedKey,
): Promise<Pick<KeyMarks, 'forked' | 'settling'>> {
  for (let later = epoch + 1; later <= newest; later++) {
    const row = await reader.changes.find(owner, keyId, later);
    if (row === null) continue;
    const { fork, settled, settling } = openChange(context, row);
    const hasStopped = !isOvertaken({ newest, epoch: later, head }) || (settling?.member ?? null) !== null;
    if (fork !== null && settled === null && hasStopped) return { forked: later + 1, settling: row.version };
  }
  return {};
}

function withoutFork(marks: KeyMarks, epoch: number): KeyMarks {
  const { forked: _forked, settling: _settling, counts: _counts, neverIn: _neverIn, ...kept } = marks;
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
  const marks = withoutFork(withoutStand(marksOf(forked.head), epoch), epoch);
  const left = { epoch: params.epoch, transcriptHash };
  const said = withSettledInstead(forked.head, params.epoch, transcriptHash);
  await writeForked(context, transaction, forked, record, { ...marks, ...said, left });
}
