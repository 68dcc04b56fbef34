import { setImmediate } from 'node:timers/promises';
import { MOST_CHAIN_EPOCHS } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type CertifiedEpoch, encodeKeyParams, type KeyParams, parseKeyParams } from '@ckm/threshold';
import type { ServerContext } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import type { KeyRow, Reader, ShownEpochRow, Transaction } from '../../../storage/storage.js';
import { openRecord, sealRecord } from '../../../vault/sealed-record.js';
import { keyForked } from '../../keys/over.js';
import {
  type PublicEpoch,
  readPublicEpoch,
  storePublicEpoch,
  transcriptHashOf,
} from '../../keys/past-epochs.js';
import { type ProvedEpoch, provedBy } from '../../keys/stored/proved-epoch.js';
import { openHead } from '../../keys/stored/key-head.js';
import type { StoredHead } from '../deciding.js';

/** Whose key. */
export type KeyName = Pick<KeyRow, 'owner' | 'keyId'>;

/** Which epoch of it: by the transcript hash, in which all epochs before it are. */
export interface EpochName {
  readonly epoch: number;
  readonly transcriptHash: Uint8Array;
}

/** What is stored of an epoch that certificates proved: with it the next certificate is checked, and none before it once more. */
interface ShownEpoch extends PublicEpoch {
  readonly proved: ProvedEpoch;
  /** When it was shown. UnixSeconds. Absent: the row is older. */
  readonly at?: number;
}

/** An epoch on the way to another one. `shown`: it was shown to this server; null: its certificate is stored with the key. */
export interface LedEpoch extends EpochName, PublicEpoch {
  readonly shown: ShownEpoch | null;
  readonly params: KeyParams;
}

/** So many epochs are looked at, or taken in, before others get their turn. */
export const SLICE = 256;

type ReadContext = Pick<ServerContext, 'vault'>;

/** The head of a key here; null: there is none. */
export async function findOwn(
  context: ReadContext,
  reader: Reader,
  { owner, keyId }: KeyName,
): Promise<StoredHead | null> {
  const row = await reader.keys.find(owner, keyId);
  return row === null ? null : { row, head: openHead(context, row) };
}

/** The newest epoch of which the certificate is stored here; null: of none. */
export function newestOwn(own: StoredHead | null): EpochName | null {
  if (own === null || own.head.certified === null) return null;
  const { row, head } = own;
  return head.left ?? { epoch: row.epoch, transcriptHash: head.certified!.transcriptHash };
}

/**
 * The first epoch of which this server keeps another certificate than the one by which a way leads through it; null: of none, as far as it knows the key.
 * @param way its epochs, the newest first
 */
export async function firstOther<T extends EpochName>(
  context: ReadContext,
  reader: Reader,
  own: StoredHead | null,
  way: Iterable<T>,
): Promise<T | null> {
  const newest = newestOwn(own);
  if (own === null || newest === null) return null;
  let other: T | null = null;
  for (const one of way) {
    if (one.epoch > newest.epoch) continue;
    // A transcript hash holds all epochs before its own.
    if (await isOwnEpoch(context, reader, own, one)) break;
    other = one;
  }
  return other;
}

/** Whether it is the epoch in use here, one before it, or one up to that by which this server left: their certificates are stored. */
async function isOwnEpoch(
  context: ReadContext,
  reader: Reader,
  own: StoredHead | null,
  { epoch, transcriptHash }: EpochName,
): Promise<boolean> {
  const newest = newestOwn(own);
  if (own === null || newest === null || epoch < 0 || epoch > newest.epoch) return false;
  const { row, head } = own;
  return equalBytes(await transcriptHashOf(context, reader, row, head, epoch), transcriptHash);
}

/**
 * The epochs that lead to one, that one first, back to the first of all: what was shown, and from one of its own on what is stored with the
 * key. It ends early where one of them is not here.
 * @param own as its head was before any of them was stored with it
 */
export async function* ledTo(
  context: ReadContext,
  reader: Reader,
  name: KeyName,
  own: StoredHead | null,
  to: EpochName,
): AsyncGenerator<LedEpoch, void> {
  let at = to;
  for (let isOwn = false; ;) {
    isOwn ||= await isOwnEpoch(context, reader, own, at);
    const shown = isOwn ? null : await findShown(context, reader, name, at);
    if (shown === null && !isOwn) return;
    const found = shown ?? (await readPublicEpoch(context, reader, name, at.epoch));
    const { parameters, certificate } = found;
    const params = parseKeyParams(parameters);
    yield { ...at, parameters, params, certificate, shown };
    if (at.epoch === 0) return;
    at = { epoch: at.epoch - 1, transcriptHash: params.previous };
  }
}

/** @throws StorageError `ROW_TAMPERED` */
async function findShown(
  { vault }: ReadContext,
  reader: Reader,
  { owner, keyId }: KeyName,
  { epoch, transcriptHash }: EpochName,
): Promise<ShownEpoch | null> {
  const row = await reader.shownEpochs.find(owner, keyId, epoch, transcriptHash);
  return row === null ? null : openRecord<ShownEpoch>(vault, 'shown_epochs', row);
}

/** The error where certificates follow on an epoch that this server does not have, or not with all before it. */
export async function notShown(reader: Reader, { owner, keyId }: KeyName, own: StoredHead | null) {
  const newest = await reader.shownEpochs.newest(owner, keyId);
  if (newest === null && own === null) return refusal('KEY_UNKNOWN', 'there is no such key');
  const epoch = Math.max(newest ?? 0, newestOwn(own)?.epoch ?? 0);
  return refusal('CHAIN_NOT_SHOWN', 'this server was not shown what these certificates follow on', { epoch });
}

/** Stores an epoch that a certificate proved; one that is there stays. @throws PolicyError `CHAIN_TOO_LONG` */
export async function storeShown(
  { vault, clock }: Pick<ServerContext, 'vault' | 'clock'>,
  transaction: Transaction,
  { owner, keyId }: KeyName,
  { certificate, epoch }: Pick<ShownEpoch, 'certificate'> & { readonly epoch: CertifiedEpoch },
): Promise<void> {
  const { params } = epoch;
  if (params.epoch >= MOST_CHAIN_EPOCHS)
    throw refusal('CHAIN_TOO_LONG', `a key of more than ${MOST_CHAIN_EPOCHS} epochs is not taken in`);
  const proved = provedBy(epoch);
  const shown: ShownEpoch = { parameters: encodeKeyParams(params), certificate, proved, at: clock() };
  const columns = { owner, keyId, epoch: params.epoch, name: proved.transcriptHash };
  await transaction.shownEpochs.insert(sealRecord(vault, 'shown_epochs', columns, shown));
}

/** When an epoch was shown; 0: long ago, as far as is known. UnixSeconds. @throws StorageError `ROW_TAMPERED` */
export function shownAt({ vault }: ReadContext, row: ShownEpochRow): number {
  return openRecord<ShownEpoch>(vault, 'shown_epochs', row).at ?? 0;
}

/**
 * Makes what was shown of a key this server's own: the certificates up to that epoch are stored with the key, as far as they are not, and what
 * was shown goes.
 * @param own as its head was before
 * @throws StateError `CHAIN_NOT_SHOWN`, `KEY_FORKED` where another certificate is stored of one of them; AccessError `KEY_UNKNOWN`; StorageError `ROW_TAMPERED`
 */
export async function takeShown(
  context: ReadContext,
  transaction: Transaction,
  name: KeyName,
  own: StoredHead | null,
  to: EpochName,
): Promise<void> {
  const { owner, keyId } = name;
  let reached: number | null = null;
  let taken = 0;
  for await (const { epoch, shown } of ledTo(context, transaction, name, own, to)) {
    reached = epoch;
    if (++taken % SLICE === 0) await setImmediate();
    if (shown !== null && epoch <= (newestOwn(own)?.epoch ?? -1)) throw keyForked(epoch);
    if (shown !== null && (await transaction.epochs.find(owner, keyId, epoch)) === null)
      await storePublicEpoch(context, transaction, name, epoch, shown);
  }
  if (reached !== 0) throw await notShown(transaction, name, own);
  await transaction.shownEpochs.removeAll(owner, keyId);
}
