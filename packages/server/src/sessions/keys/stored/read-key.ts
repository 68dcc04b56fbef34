import { CkmError, equalBytes, StorageError } from '@ckm/foundation';
import type { ServerContext } from '../../../context.js';
import type { KeyRow, Reader } from '../../../storage/storage.js';
import { vaultError } from '../../../vault/codes.js';
import { isDamaged } from '../../../vault/epoch-keys.js';
import { openRecord } from '../../../vault/sealed-record.js';
import type { EpochRecord } from './epoch-record.js';
import type { ProvedEpoch } from './proved-epoch.js';
import { type KeyHead, openHead } from './key-head.js';
import { publicHalfOf } from './public-half.js';

/** What everybody may know of one epoch. */
export interface KeyEpoch {
  readonly parameters: Uint8Array;
  readonly certificate: Uint8Array | null;
  /** What the certificate proves, as this server checked it; absent: it has none yet, came with others in one message, or the row is older. */
  readonly proved?: ProvedEpoch;
  /** When this server first stored its share of it; absent: not known, as where it was given back. UnixSeconds. */
  readonly since?: number;
  /** The last entry of its audit log before that; absent as `since` is. */
  readonly after?: number;
}

/** From when on a share was here. */
export type StoredFrom = Pick<KeyEpoch, 'since' | 'after'>;

/** The secrets of one epoch. All that is sealed under its key: the seed too, which with the certificate is the share. */
export interface KeySecrets extends Pick<EpochRecord, 'pending' | 'staticSeed'> {
  readonly share: Uint8Array | null;
}

/** @throws StorageError `ROW_TAMPERED`, also when the row of the epoch is not the one that its head names */
export async function readEpoch(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId, epoch }: KeyRow,
  { material }: KeyHead,
): Promise<KeyEpoch> {
  const row = await reader.epochs.find(owner, keyId, epoch);
  if (row?.version !== material) throw putBack('key_epochs');
  return openRecord<KeyEpoch>(vault, 'key_epochs', row);
}

/**
 * The secrets of the epoch in use; the caller wipes them.
 * @throws StorageError `EPOCH_KEY_MISSING`, `ROW_TAMPERED`
 */
export async function readSecrets(
  { epochKeys }: Pick<ServerContext, 'epochKeys'>,
  reader: Reader,
  { owner, keyId, epoch }: KeyRow,
  { material }: KeyHead,
): Promise<KeySecrets> {
  const row = await reader.shares.find(owner, keyId, epoch);
  if (row?.version !== material) throw putBack('shares');
  const vault = epochKeys.find({ owner, keyId, epoch });
  try {
    return openRecord<KeySecrets>(vault, 'shares', row);
  } finally {
    vault.wipe();
  }
}

/**
 * Whether the secrets of the epoch in use open here, and the share among them is the one that was certified: any other, as a fault of memory
 * left it when it was stored, is as good as none. The key of the epoch alone says nothing: it is on the disk before the row that
 * it seals, and stays where that row could not be written. Where its file is damaged, or the share another one, the operator is told: when the
 * share comes back, it takes the place of that.
 * @throws StorageError `FILE_…`
 */
export async function isShareHere(
  context: Pick<ServerContext, 'epochKeys' | 'vault' | 'events'>,
  reader: Reader,
  row: KeyRow,
): Promise<boolean> {
  if (!context.epochKeys.exists(row)) return false;
  try {
    const head = openHead(context, row);
    const { share, pending, staticSeed } = await readSecrets(context, reader, row, head);
    const isIt = share === null || isCertified(head, share);
    for (const secret of [share, pending, staticSeed]) secret?.fill(0);
    if (!isIt) context.events.storageFailed(notCertified());
    return isIt;
  } catch (error) {
    if (isDamaged(error)) context.events.storageFailed(error);
    else if (!(error instanceof CkmError) || !DOES_NOT_OPEN.includes(error.code)) throw error;
    return false;
  }
}

/** Whether a share is that of its slot. What waits for its certificate is compared with none. */
function isCertified({ suite, slot, certified }: KeyHead, share: Uint8Array): boolean {
  if (certified === null) return true;
  const half = publicHalfOf(suite, share);
  return half !== null && equalBytes(half, certified.verifyingShares[slot - 1] ?? new Uint8Array());
}

function notCertified(): StorageError {
  return new StorageError('the share of a key is not the one that was certified for this server', {
    code: 'SHARE_NOT_CERTIFIED',
    hint: 'nothing is computed with it; its owner has the other servers of the key give it back',
  });
}

/**
 * Whether the share of the epoch in use, which is here, was given back by others, and this server has nothing that deals it.
 * @throws as {@link readSecrets}
 */
export async function cannotDeal(
  context: Pick<ServerContext, 'epochKeys' | 'vault'>,
  reader: Reader,
  row: KeyRow,
): Promise<boolean> {
  const { share, pending, staticSeed } = await readSecrets(context, reader, row, openHead(context, row));
  for (const secret of [share, pending, staticSeed]) secret?.fill(0);
  return share !== null && staticSeed === null;
}

const DOES_NOT_OPEN = ['ROW_TAMPERED', 'EPOCH_KEY_MISSING'];

/** All of a key, secrets included; the caller wipes it (`wipeKey`). @throws as {@link readSecrets} */
export async function readKey(context: ServerContext, reader: Reader, row: KeyRow): Promise<EpochRecord> {
  const head = openHead(context, row);
  const { parameters, certificate } = await readEpoch(context, reader, row, head);
  const { pending, staticSeed, share } = await readSecrets(context, reader, row, head);
  const { suite, purpose, quorum, policy, slot, sessionId } = head;
  const isWhole = head.certified !== null && share !== null && certificate !== null;
  const certified = isWhole ? { ...head.certified, share, certificate } : null;
  const { epoch } = row;
  return {
    suite,
    purpose,
    quorum,
    policy,
    slot,
    epoch,
    sessionId,
    parameters,
    pending,
    staticSeed,
    certified,
  };
}

/** From when on the share of an epoch has been here, as its row says; nothing where it does not, or is not what was stored. */
export async function storedFrom(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId, epoch }: Pick<KeyRow, 'owner' | 'keyId' | 'epoch'>,
): Promise<StoredFrom> {
  const row = await reader.epochs.find(owner, keyId, epoch);
  if (row === null) return {};
  try {
    const { since, after } = openRecord<KeyEpoch>(vault, 'key_epochs', row);
    return { ...(since === undefined ? {} : { since }), ...(after === undefined ? {} : { after }) };
  } catch (error) {
    if (error instanceof CkmError && error.code === 'ROW_TAMPERED') return {};
    throw error;
  }
}

/** A row that is not the one its head names. */
export function putBack(table: string): StorageError {
  return vaultError(
    'ROW_TAMPERED',
    `a row of ${table} is not what this server stored`,
    'stop the server, keep a copy of the database and restore it from a backup',
  );
}
