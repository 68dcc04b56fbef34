import { isDrillKeyId } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { encodeKeyParams } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { KeyRow, SessionRow, Transaction } from '../../storage/storage.js';
import { beginEpoch } from '../changes/epoch/begin-epoch.js';
import { epochBefore, paramsIn } from '../changes/chain/check-chain.js';
import type { StoredHead } from '../changes/deciding.js';
import { forgetVotesOf, holdRecalled } from '../changes/votes/forget-votes.js';
import { takeFreezes } from '../changes/epoch/joining-freezes.js';
import { isNewIn } from '../changes/forks/never-in.js';
import { findOwn, type KeyName, takeShown } from '../changes/chain/shown-epochs.js';
import { makeRoomForDrill } from '../drills/drill-keys.js';
import type { Decline, Help, Regain, RepairChange } from '../keys/change-key.js';
import { askFirst } from '../keys/counts/ask-first.js';
import { countAnew } from '../keys/counts/count-anew.js';
import type { EpochRecord } from '../keys/stored/epoch-record.js';
import { assertHeadKnown } from '../keys/head-memory.js';
import { storePublicEpoch } from '../keys/past-epochs.js';
import { helpedSlots, type KeyHead, type KeyMarks, marksOf, openHead } from '../keys/stored/key-head.js';
import { noteHelped, noteMarks } from '../keys/stored/note-marks.js';
import { isShareHere, readEpoch } from '../keys/stored/read-key.js';
import { writeKey } from '../keys/stored/write-key.js';
import { assertHelps } from './held-key.js';
import { passedBy } from './passed-epochs.js';
import { assertBehind, assertCounted, assertOfNobodyElse } from './same-key.js';

/**
 * Stores what a repair does to a key, in the transaction of the step that asks for it.
 * @throws StateError `SHARE_NOT_LOST`, `KEY_EPOCH_DIFFERS`, `CERTIFICATE_OF_ANOTHER_KEY`, `KEY_FORKED`, `CHANGE_SETTLED`, `REPAIR_SERVED`; PolicyError
 * `POLICY_KEY_STOPPED`, `POLICY_KEY_FROZEN`, `QUOTA_…`
 */
export async function storeRepair(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: Pick<SessionRow, 'owner' | 'keyId'>,
  change: RepairChange,
): Promise<void> {
  const existing = await holdRecalled(context, transaction, { owner, keyId });
  if (change.kind === 'regain') return regain(context, transaction, existing, { owner, keyId }, change);
  if (change.kind === 'help') return help(context, transaction, existing, change);
  return decline(context, transaction, existing, change);
}

/** Bytes of a key besides its certificates, and its parameters, which are in those too. */
const MOST_BESIDES = 2_048;

/**
 * Stores a share that came back, as `key.restore` does. What this server holds of that key is never written over: a share that
 * is there again by itself stays, and of an earlier epoch nothing comes back. Whoever has lost the rows too, or has those of an
 * earlier epoch, has forgotten what it may have decided, and is told all epochs by their certificates. Only who waits for what was settled, and was never
 * in that epoch, has nothing to forget.
 */
async function regain(
  context: ServerContext,
  transaction: Transaction,
  existing: KeyRow | null,
  { owner, keyId }: Pick<SessionRow, 'owner' | 'keyId'>,
  { record, chain }: Regain,
): Promise<void> {
  const { quota } = context.accounts;
  const account = { xid: owner, quota: context.config.quota };
  const name = { owner, keyId };
  const { transcriptHash } = record.certified!;
  const passed = await passedBy(context, transaction, name, chain, transcriptHash);
  await assertOfNobodyElse(context, transaction, { owner, keyId, passed });
  const isOfEpoch = existing !== null && existing.epoch === record.epoch;
  if (existing !== null) await assertCounted(context, transaction, existing, passed);
  if (isOfEpoch) {
    if (existing.state === 'active' && (await isShareHere(context, transaction, existing))) return;
    await assertSameParameters(context, transaction, existing, record);
  } else {
    if (existing === null) {
      if (isDrillKeyId(keyId)) await makeRoomForDrill(context, transaction, owner);
      await quota.key(transaction, account);
    } else await assertBehind(context, transaction, existing, passed);
    const length = chain.reduce((sum, one) => sum + one.length, 0);
    await quota.bytes(transaction, account, 2 * length + MOST_BESIDES);
  }
  const before = await findOwn(context, transaction, name);
  const isNew = before !== null && isNewIn(before.head, record);
  const marks = isNew ? marksOfBefore(before.head) : undefined;
  const row = await writeKey(
    context,
    transaction,
    existing,
    { owner, keyId, state: 'active' },
    record,
    marks,
  );
  if (!isOfEpoch && passed.length > 1) {
    await noteChanged(context, transaction, row, passed[0]!.transcriptHash);
    await storePast(context, transaction, name, before, chain);
  } else await transaction.shownEpochs.removeAll(owner, keyId);
  await takeFreezes(context, transaction, row, null);
  if (!isOfEpoch) await beginEpoch(context, transaction, { owner, keyId });
  if (existing !== null && !isNew) await forgetVotesOf(context, transaction, { owner, keyId });
  await beginAnew(context, transaction, name, existing);
  if (existing?.state === 'pending') await quota.keyComesIntoUse(transaction, account);
}

/** Whoever has lost the rows too knows of no terms since those that are certified. The key of a drill has no others, and is asked about by nobody. */
async function beginAnew(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: KeyName,
  existing: KeyRow | null,
): Promise<void> {
  const row = existing?.state === 'active' ? null : await transaction.keys.hold(owner, keyId);
  if (row === null || isDrillKeyId(keyId)) return countAnew(context, transaction, { owner, keyId });
  return askFirst(context, transaction, row);
}

/** Without when its epoch came into use: nothing says since when a share that others gave back may lie in backups. */
function marksOfBefore(head: KeyHead): KeyMarks {
  const { since: _since, ...marks } = marksOf(head);
  return marks;
}

/** What its head says of a key that changes have led to its epoch. A fork that was settled is behind it then. */
async function noteChanged(
  context: ServerContext,
  transaction: Transaction,
  row: KeyRow,
  first: Uint8Array,
): Promise<void> {
  const { change: _change, decided: _decided, left: _left, ...kept } = marksOf(openHead(context, row));
  const { forked: _forked, settling: _settling, counts: _counts, neverIn: _neverIn, ...marks } = kept;
  await noteMarks(context, transaction, row, { ...marks, first, since: context.clock() });
}

/**
 * The certificates of the epochs before: those of the chain, and where it begins behind epochs that were shown before, those.
 * @param before the head as it was before
 */
async function storePast(
  context: ServerContext,
  transaction: Transaction,
  name: KeyName,
  before: StoredHead | null,
  chain: readonly Uint8Array[],
): Promise<void> {
  const shown = epochBefore(chain[0]!);
  if (shown !== null) await takeShown(context, transaction, name, before, shown);
  for (const certificate of chain.slice(0, -1)) {
    const params = paramsIn(certificate);
    if ((await transaction.epochs.find(name.owner, name.keyId, params.epoch)) !== null) continue;
    const past = { parameters: encodeKeyParams(params), certificate };
    await storePublicEpoch(context, transaction, name, params.epoch, past);
  }
}

/** A slot is helped once in an epoch; once more only where the operator of this server has agreed (L6). */
async function help(
  context: ServerContext,
  transaction: Transaction,
  existing: KeyRow | null,
  { epoch, slot, isAgreed }: Help,
): Promise<void> {
  if (existing === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  assertSameEpoch(existing, epoch);
  const head = openHead(context, existing);
  assertHelps(context, head, existing.keyId);
  assertHeadKnown(context, existing, head);
  const isFirst = !helpedSlots(head, epoch).includes(slot);
  if (!isFirst && !isAgreed) throw repairServed(slot);
  if (isFirst) await noteHelped(context, transaction, existing, slot);
}

async function decline(
  context: ServerContext,
  transaction: Transaction,
  existing: KeyRow | null,
  { epoch, slot }: Decline,
): Promise<void> {
  if (existing?.epoch !== epoch || existing.state !== 'active') return;
  if (helpedSlots(openHead(context, existing), epoch).includes(slot)) return;
  await noteHelped(context, transaction, existing, slot);
}

function assertSameEpoch(existing: KeyRow, epoch: number): void {
  if (existing.epoch === epoch) return;
  const { epoch: held } = existing;
  throw refusal('KEY_EPOCH_DIFFERS', `this server holds epoch ${held} of the key, not ${epoch}`, {
    epoch: held,
  });
}

function repairServed(slot: number) {
  return refusal('REPAIR_SERVED', `this server has helped slot ${slot} in this epoch of the key before`);
}

/** With two certificates of one epoch neither is written over the other. */
async function assertSameParameters(
  context: ServerContext,
  transaction: Transaction,
  existing: KeyRow,
  record: EpochRecord,
): Promise<void> {
  const { parameters } = await readEpoch(context, transaction, existing, openHead(context, existing));
  if (equalBytes(parameters, record.parameters)) return;
  throw refusal('CERTIFICATE_OF_ANOTHER_KEY', 'this server has another key of this id');
}
