import {
  encodeReceipt,
  receiptStatement,
  signIdentityStatement,
  verifyIdentityStatement,
  type Parameters,
  type Result,
  type ShareReceipt,
} from '@ckm/api';
import { equalBytes, wipe } from '@ckm/foundation';
import {
  createStaticKey,
  parseChangeCertificate,
  parseKeyParams,
  recoveryAckStatement,
  type KeyParams,
  type PartyIndex,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { readPublicEpoch } from '../keys/past-epochs.js';
import { openHead, readEpoch, type KeyHead } from '../keys/stored-key.js';
import { type DecidingScope, ownEntry } from './deciding.js';
import type { ChangeMeans } from './means.js';
import { derivedReceiverSeed, destroyRoot, hasRoot } from './receiver-seeds.js';

type Retired = Parameters<'change.retire'>;

/** Verifying one acknowledgement, in milliseconds of one core. */
const ACKNOWLEDGEMENT_MS = 0.2;

/**
 * Destroys this server's share of an epoch that is over, and says so, signed: once every server of the next epoch has
 * acknowledged that its certificate is stored there. Said again, it says the same. What a backup holds it cannot destroy.
 * @throws AccessError `KEY_UNKNOWN`; StateError `EPOCH_IN_USE`, `ACKNOWLEDGEMENTS_TOO_FEW`; StorageError `STORAGE_…` when the
 * key of the epoch cannot be destroyed
 */
export async function retireEpoch(
  means: ChangeMeans,
  call: Call,
  asked: Retired,
): Promise<Result<'change.retire'>> {
  const { context } = means;
  means.charge(call.account, asked.acknowledgements.length * ACKNOWLEDGEMENT_MS);
  const scope = { owner: call.account.xid, keyId: asked.keyId, epoch: asked.epoch };
  const over = await context.storage.read((reader) => readOver(context, reader, scope));
  if (over.hasShare) {
    assertAcknowledged(over, asked);
    await repeatWhenRaced(() =>
      call.transact((transaction) => removeShare(context, transaction, scope, over)),
    );
  }
  // After the commit, and again whenever this is asked: what is left of it after a crash goes then.
  context.epochKeys.destroy(scope);
  for (const root of [rootScope(scope), scope]) destroyRoot(context, root);
  const lastBackupAt = await context.storage.read((reader) => means.lastBackupAt(reader));
  const receipt = encodeReceipt({ ...receiptOf(context, scope, over), lastBackupAt });
  return { receipt, signature: signIdentityStatement(context.identity, receiptStatement(receipt)) };
}

/** An epoch that is over, and what followed it. */
interface OverEpoch {
  readonly params: KeyParams;
  readonly certificate: Uint8Array;
  readonly next: { readonly params: KeyParams; readonly transcriptHash: Uint8Array };
  readonly hasShare: boolean;
}

async function readOver(context: ServerContext, reader: Reader, scope: DecidingScope): Promise<OverEpoch> {
  const { owner, keyId, epoch } = scope;
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  const head = openHead(context, row);
  demand(head.forked === undefined, 'KEY_FORKED', 'two certificates of an epoch hold: nothing is deleted');
  const newest = head.left?.epoch ?? row.epoch;
  demand(newest > epoch, 'EPOCH_IN_USE', `no certificate of an epoch behind ${epoch} is stored here`);
  const { parameters, certificate } =
    row.epoch === epoch
      ? await readInUse(context, reader, row, head)
      : await readPublicEpoch(context, reader, row, epoch);
  const { parameters: following } = await readPublicEpoch(context, reader, row, epoch + 1);
  const transcriptHash = await hashOf(context, reader, row, head, epoch + 1);
  return {
    params: parseKeyParams(parameters),
    certificate,
    next: { params: parseKeyParams(following), transcriptHash },
    hasShare: (await reader.shares.find(owner, keyId, epoch)) !== null,
  };
}

/** Of a key that this server has left: its head names that epoch still. */
async function readInUse(context: ServerContext, reader: Reader, row: KeyRow, head: KeyHead) {
  const { parameters, certificate } = await readEpoch(context, reader, row, head);
  return { parameters, certificate: certificate! };
}

async function hashOf(
  context: ServerContext,
  reader: Reader,
  row: KeyRow,
  { left, certified }: KeyHead,
  epoch: number,
): Promise<Uint8Array> {
  if (left?.epoch === epoch) return left.transcriptHash;
  if (row.epoch === epoch) return certified!.transcriptHash;
  const { parameters } = await readPublicEpoch(context, reader, row, epoch + 1);
  return parseKeyParams(parameters).previous;
}

/** @throws StateError `ACKNOWLEDGEMENTS_TOO_FEW` with the slots that are missing */
function assertAcknowledged(
  { next: { params, transcriptHash } }: OverEpoch,
  { acknowledgements }: Pick<Retired, 'acknowledgements'>,
): void {
  const { keyId, epoch } = params;
  const missing = params.roster.filter(({ slot, identityKey }) => {
    const statement = recoveryAckStatement({ keyId, epoch, slot, transcriptHash });
    return !acknowledgements.some(
      (one) => one.slot === slot && verifyIdentityStatement(identityKey, statement, one.signature),
    );
  });
  if (missing.length === 0) return;
  const slots = missing.map(({ slot }) => slot).join(', ');
  throw refusal(
    'ACKNOWLEDGEMENTS_TOO_FEW',
    `not every server of the next epoch has acknowledged it: slot ${slots} is missing`,
    { slots },
  );
}

async function removeShare(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId, epoch }: DecidingScope,
  { params }: OverEpoch,
): Promise<void> {
  await transaction.shares.remove(owner, keyId, epoch);
  await context.audit.append(transaction, {
    deed: 'change.retire',
    who: owner,
    keyId,
    subject: null,
    sentence: `Destroy the share of epoch ${epoch} of a key (${params.suite}) for ${params.purpose}.`,
    verdict: 'done',
    policy: '',
    detail: `slot ${ownEntry(context, params)?.slot ?? 'none'}`,
  });
}

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
  const transcriptHash = over.next.params.previous;
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
