import {
  encodeReceipt,
  receiptStatement,
  signIdentityStatement,
  type Parameters,
  type Result,
  type ShareReceipt,
} from '@ckm/api';
import { equalBytes, wipe } from '@ckm/foundation';
import {
  createStaticKey,
  parseChangeCertificate,
  parseKeyParams,
  type KeyParams,
  type PartyIndex,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { demand, refusal } from '../../../refusals.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import type { KeyRow, Reader, Transaction } from '../../../storage/storage.js';
import { readPublicEpoch } from '../../keys/past-epochs.js';
import { type KeyHead, marksOf, openHead } from '../../keys/stored/key-head.js';
import { noteMarks } from '../../keys/stored/note-marks.js';
import { readEpoch, storedFrom } from '../../keys/stored/read-key.js';
import { ACKNOWLEDGEMENT_MS } from '../chain/acknowledged.js';
import {
  acknowledgedBy,
  assertAcknowledged,
  newestHere,
  readAcknowledged,
} from '../chain/acknowledged-epoch.js';
import { backupsHolding, type HoldingBackups } from '../backups-in.js';
import { type DecidingScope, ownEntry, type StoredHead } from '../deciding.js';
import { endTries } from '../end-tries.js';
import type { ChangeMeans } from '../means.js';
import { derivedReceiverSeed, destroyRoot, hasRoot } from '../receiver-seeds.js';
import { holdRecalled } from '../votes/forget-votes.js';

type Retired = Parameters<'change.retire'>;

/** Looking whether a share of one earlier epoch is stored. */
const LOOK_MS = 0.05;

/**
 * Destroys this server's shares of an epoch that is over and of all before it, and says so of that one, signed: once every server of a
 * later epoch, as a rule the next, has acknowledged that its certificate is stored there. One that stands ends all before it, whether or not all
 * servers of those were ever heard of. Said again, it says the same. What a backup holds it cannot destroy.
 * @throws AccessError `KEY_UNKNOWN`; StateError `EPOCH_IN_USE`, `ACKNOWLEDGEMENTS_TOO_FEW`; as `checkChain` for a chain that does not hold;
 * StorageError `STORAGE_…` when the key of an epoch cannot be destroyed
 */
export async function retireEpoch(
  means: ChangeMeans,
  call: Call,
  asked: Retired,
): Promise<Result<'change.retire'>> {
  const { context } = means;
  const looked = asked.epoch * LOOK_MS;
  means.charge(call.account, asked.acknowledgements.length * ACKNOWLEDGEMENT_MS + looked);
  const scope = { owner: call.account.xid, keyId: asked.keyId, epoch: asked.epoch };
  const over = await context.storage.read((reader) => readOver(context, reader, scope));
  // A server that joined has no share of the epoch before, and what opens its share by another certificate all the same.
  if (over.held.length > 0 || isAnythingLeft(context, scope)) {
    await assertEnded(means, call, scope, asked);
    await repeatWhenRaced(() =>
      call.transact((transaction) => removeShares(context, transaction, scope, over)),
    );
  }
  // After the commit, and again whenever this is asked: what is left of any of them after a crash goes then, whose rows are gone.
  for (let epoch = 0; epoch <= scope.epoch; epoch++) {
    const one = { ...scope, epoch };
    if (isLeft(context, one) || epoch === scope.epoch) destroyKeys(context, one);
  }
  const { lastBackupAt, backups } = await context.storage.read(async (reader) => ({
    lastBackupAt: await means.lastBackupAt(reader),
    backups: await backupsOf(means, reader, scope),
  }));
  const counted = backups === null ? {} : { backups: { ...backups } };
  const receipt = encodeReceipt({ ...receiptOf(context, scope, over), lastBackupAt, ...counted });
  return { receipt, signature: signIdentityStatement(context.identity, receiptStatement(receipt)) };
}

/** Whether a key of a share of that epoch is here, or a root behind it. */
function isLeft(context: ServerContext, scope: DecidingScope): boolean {
  return context.epochKeys.exists(scope) || hasRoot(context, scope);
}

function isAnythingLeft(context: ServerContext, scope: DecidingScope): boolean {
  for (let epoch = 0; epoch <= scope.epoch; epoch++) if (isLeft(context, { ...scope, epoch })) return true;
  return false;
}

/** @throws StateError `EPOCH_IN_USE`, `ACKNOWLEDGEMENTS_TOO_FEW`; as `checkChain` */
async function assertEnded(
  means: ChangeMeans,
  call: Call,
  { owner, keyId, epoch }: DecidingScope,
  { acknowledged = epoch + 1, certificates = [], acknowledgements }: Retired,
): Promise<void> {
  demand(acknowledged > epoch, 'EPOCH_IN_USE', `epoch ${acknowledged} is not behind ${epoch}`);
  const { context } = means;
  const stored = await context.storage.read(async (reader) => {
    const key = await findKey(context, reader, { owner, keyId });
    return readAcknowledged(context, reader, key, acknowledged);
  });
  const ended = stored ?? (await acknowledgedBy(means, call, keyId, acknowledged, certificates));
  assertAcknowledged(ended, acknowledgements);
}

/** Of backups that were made while its share of that epoch was here; null: not known. */
async function backupsOf(
  { context, backupLog }: ChangeMeans,
  reader: Reader,
  scope: DecidingScope,
): Promise<HoldingBackups | null> {
  const { head } = await findKey(context, reader, scope);
  const { after = null } = await storedFrom(context, reader, scope);
  const now = context.clock();
  const retired = head.retired?.find(({ epoch }) => epoch >= scope.epoch);
  const life = { after, before: retired?.entry ?? null, until: retired?.at ?? now };
  return backupsHolding(await backupLog(reader), life, now);
}

function destroyKeys(context: ServerContext, scope: DecidingScope): void {
  context.epochKeys.destroy(scope);
  for (const root of [rootScope(scope), scope]) destroyRoot(context, root);
}

/** An epoch that is over. */
interface OverEpoch {
  readonly params: KeyParams;
  readonly certificate: Uint8Array;
  readonly transcriptHash: Uint8Array;
  /** Of which epochs, up to this one, a share is stored here. */
  readonly held: readonly number[];
}

async function findKey(
  context: ServerContext,
  reader: Reader,
  { owner, keyId }: Pick<DecidingScope, 'owner' | 'keyId'>,
): Promise<StoredHead> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  return { row, head: openHead(context, row) };
}

function assertNotForked({ forked }: KeyHead): void {
  demand(forked === undefined, 'KEY_FORKED', 'two certificates of an epoch hold: nothing is deleted');
}

async function readOver(context: ServerContext, reader: Reader, scope: DecidingScope): Promise<OverEpoch> {
  const { epoch } = scope;
  const { row, head } = await findKey(context, reader, scope);
  assertNotForked(head);
  const isOver = newestHere(row, head) > epoch;
  demand(isOver, 'EPOCH_IN_USE', `no certificate of an epoch behind ${epoch} is stored here`);
  const { parameters, certificate } =
    row.epoch === epoch
      ? await readInUse(context, reader, row, head)
      : await readPublicEpoch(context, reader, row, epoch);
  const { parameters: following } = await readPublicEpoch(context, reader, row, epoch + 1);
  return {
    params: parseKeyParams(parameters),
    certificate,
    transcriptHash: parseKeyParams(following).previous,
    held: await heldUpTo(reader, scope),
  };
}

async function heldUpTo(reader: Reader, { owner, keyId, epoch }: DecidingScope): Promise<number[]> {
  const held: number[] = [];
  for (let number = 0; number <= epoch; number++)
    if ((await reader.shares.find(owner, keyId, number)) !== null) held.push(number);
  return held;
}

/** Of a key that this server has left: its head names that epoch still. */
async function readInUse(context: ServerContext, reader: Reader, row: KeyRow, head: KeyHead) {
  const { parameters, certificate } = await readEpoch(context, reader, row, head);
  return { parameters, certificate: certificate! };
}

async function removeShares(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId, epoch }: DecidingScope,
  { params, held }: OverEpoch,
): Promise<void> {
  await holdRecalled(context, transaction, { owner, keyId });
  assertNotForked((await findKey(context, transaction, { owner, keyId })).head);
  const slot = ownEntry(context, params)?.slot ?? 'none';
  await endTries(context, transaction, { owner, keyId, epoch });
  const note = (sentence: string, detail: string) =>
    context.audit.append(transaction, {
      deed: 'change.retire',
      who: owner,
      keyId,
      subject: null,
      sentence: `${sentence} of a key (${params.suite}) for ${params.purpose}.`,
      verdict: 'done',
      policy: '',
      detail,
    });
  for (const number of held) {
    await transaction.shares.remove(owner, keyId, number);
    const detail = number === epoch ? `slot ${slot}` : `by what ended epoch ${epoch}`;
    await note(`Destroy the share of epoch ${number}`, detail);
  }
  if (held.length === 0)
    await note(`Destroy what is left of epoch ${epoch}`, 'no share of it is stored here');
  const { row, head } = await findKey(context, transaction, { owner, keyId });
  const others = head.retired?.filter((one) => one.epoch !== epoch) ?? [];
  // Behind its own entry: a backup with a later one is begun behind this commit, at whichever replica.
  const entry = (await transaction.audit.head())!.sequence;
  const all = [...others, { epoch, at: context.clock(), entry }].sort((a, b) => a.epoch - b.epoch);
  const retired = all.slice(-MOST_RETIRED);
  await noteMarks(context, transaction, row, { ...marksOf(head), retired });
}

/** Of so many epochs it is known when their shares went; those before went with the earliest of them, or sooner. */
const MOST_RETIRED = 16;

/** Of the root that the share of an epoch came from: as good as the share, and gone since the commit unless a crash or the disk kept it. */
function rootScope({ owner, keyId, epoch }: DecidingScope): DecidingScope {
  return { owner, keyId, epoch: epoch - 1 };
}

function receiptOf(
  context: ServerContext,
  scope: DecidingScope,
  over: OverEpoch,
): Omit<ShareReceipt, 'lastBackupAt'> {
  const { keyId, epoch } = scope;
  const slot: PartyIndex | null = ownEntry(context, over.params)?.slot ?? null;
  const mode = canBeRebuilt(context, scope, over) ? 'static' : 'epoch';
  const shareDeleted = !context.epochKeys.exists(scope) && !hasRoot(context, rootScope(scope));
  const { transcriptHash } = over;
  return { keyId, epoch, transcriptHash, slot, mode, shareDeleted };
}

/** Whether this server's identity and the certificate give the share back, whatever is deleted. */
function canBeRebuilt(
  context: ServerContext,
  { owner, keyId, epoch }: DecidingScope,
  { params, certificate }: OverEpoch,
): boolean {
  const own = ownEntry(context, params);
  if (own === null) return false;
  const { suite } = params;
  const seed =
    epoch === 0
      ? context.staticSeeds.derive({ owner, suite, keyId, epoch })
      : derivedReceiverSeed(
          context,
          { owner, suite, keyId, epoch: epoch - 1 },
          parseChangeCertificate(certificate).change.nonces[own.slot - 1]!,
        );
  const { staticKey, staticSecret } = createStaticKey(suite, keyId, epoch, seed);
  wipe(staticSecret);
  seed.fill(0);
  return equalBytes(staticKey, own.staticKey);
}
