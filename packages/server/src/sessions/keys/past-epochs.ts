import {
  type CertifiedEpoch,
  encodeKeyParams,
  judgeVotes,
  parseCertificate,
  parseChangeCertificate,
  parseKeyParams,
  verifyChain,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { openRecord, sealRecord } from '../../vault/sealed-record.js';
import { putBack, type KeyEpoch, type KeyHead } from './stored-key.js';

type KeyName = Pick<KeyRow, 'owner' | 'keyId'>;

/** What everybody may know of an epoch that is over, or that this server has no share in. Its head does not name it. */
export interface PublicEpoch {
  readonly parameters: Uint8Array;
  readonly certificate: Uint8Array;
}

/** @throws StorageError `ROW_TAMPERED`, also where the epoch has no certificate */
export async function readPublicEpoch(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: KeyName,
  epoch: number,
): Promise<PublicEpoch> {
  const row = await reader.epochs.find(owner, keyId, epoch);
  if (row === null) throw putBack('key_epochs');
  const { parameters, certificate } = openRecord<KeyEpoch>(vault, 'key_epochs', row);
  if (certificate === null) throw putBack('key_epochs');
  return { parameters, certificate };
}

/** Of the certificate of an epoch that this server has, in use or over. @throws StorageError `ROW_TAMPERED` */
export async function transcriptHashOf(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  row: KeyRow,
  { left, certified }: Pick<KeyHead, 'left' | 'certified'>,
  epoch: number,
): Promise<Uint8Array> {
  if (left?.epoch === epoch) return left.transcriptHash;
  if (row.epoch === epoch) return certified!.transcriptHash;
  const { parameters } = await readPublicEpoch(context, reader, row, epoch + 1);
  return parseKeyParams(parameters).previous;
}

/** The certificates that are stored here, from the first one to that of an epoch. @throws StorageError `ROW_TAMPERED` */
export async function readCertificates(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  key: KeyName,
  epoch: number,
): Promise<Uint8Array[]> {
  const certificates: Uint8Array[] = [];
  for (let number = 0; number <= epoch; number++)
    certificates.push((await readPublicEpoch(context, reader, key, number)).certificate);
  return certificates;
}

/**
 * An epoch of a key as the certificates that are stored here prove it, from the first one on.
 * @throws StorageError `ROW_TAMPERED`; as `verifyChain`
 */
export async function verifyStoredEpoch(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  key: KeyName,
  epoch: number,
): Promise<CertifiedEpoch> {
  const [first, ...changes] = await readCertificates(context, reader, key, epoch);
  const epochs = verifyChain(parseCertificate(first!), changes.map(parseChangeCertificate), judgeVotes);
  return epochs.at(-1)!;
}

/** Stores an epoch without a share: its certificate is shown to others. */
export async function storePublicEpoch(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId }: KeyName,
  epoch: number,
  { parameters, certificate }: PublicEpoch,
): Promise<void> {
  const columns = { owner, keyId, epoch, version: 1 };
  await transaction.epochs.put(sealRecord(vault, 'key_epochs', columns, { parameters, certificate }));
}

/** The epochs of a chain, by number; what was checked before. */
export function epochsOfChain(chain: readonly Uint8Array[]): readonly PublicEpoch[] {
  return chain.map((certificate, epoch) => {
    const params =
      epoch === 0 ? parseCertificate(certificate).params : parseChangeCertificate(certificate).change.next;
    return { parameters: encodeKeyParams(params), certificate };
  });
}
