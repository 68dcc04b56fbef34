import { setImmediate } from 'node:timers/promises';
import { equalBytes } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  encodeKeyParams,
  judgeVotes,
  parseCertificate,
  parseChangeCertificate,
  parseKeyParams,
  verifyChange,
  verifyFirstEpoch,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { openRecord, sealRecord } from '../../vault/sealed-record.js';
import { certifiedBy, provedBy } from './stored/proved-epoch.js';
import type { KeyHead } from './stored/key-head.js';
import { type KeyEpoch, putBack } from './stored/read-key.js';

type KeyName = Pick<KeyRow, 'owner' | 'keyId'>;

/** What everybody may know of an epoch that is over, or that this server has no share in. Its head does not name it. */
export interface PublicEpoch extends Pick<KeyEpoch, 'parameters' | 'proved'> {
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
  const { parameters, certificate, proved } = openRecord<KeyEpoch>(vault, 'key_epochs', row);
  if (certificate === null) throw putBack('key_epochs');
  return { parameters, certificate, ...(proved === undefined ? {} : { proved }) };
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

/** An epoch of a key as it is stored here: the newest up to it that was checked, and the certificates behind that, which lead to it. */
export interface StoredWay {
  /** Null: none was; the certificates begin with the first one. */
  readonly base: CertifiedEpoch | null;
  readonly certificates: readonly Uint8Array[];
}

/** @throws StorageError `ROW_TAMPERED` */
export async function readWay(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  key: KeyName,
  epoch: number,
): Promise<StoredWay> {
  const certificates: Uint8Array[] = [];
  for (let number = epoch; number >= 0; number--) {
    const { parameters, certificate, proved } = await readPublicEpoch(context, reader, key, number);
    if (proved !== undefined) return { base: certifiedBy(parameters, proved), certificates };
    certificates.unshift(certificate);
  }
  return { base: null, certificates };
}

/**
 * The epoch at the end of a way; others get their turn between one certificate and the next.
 * @throws as `verifyFirstEpoch`, `verifyChange`
 */
export async function verifyWay(way: StoredWay): Promise<CertifiedEpoch> {
  return (await verifyEach(way)).at(-1) ?? way.base!;
}

/** What each certificate of a way proves. */
async function verifyEach({ base, certificates }: StoredWay): Promise<readonly CertifiedEpoch[]> {
  const proved: CertifiedEpoch[] = [];
  let newest = base;
  for (const certificate of certificates) {
    if (proved.length > 0) await setImmediate();
    newest =
      newest === null
        ? verifyFirstEpoch(parseCertificate(certificate))
        : verifyChange(newest, parseChangeCertificate(certificate), judgeVotes);
    proved.push(newest);
  }
  return proved;
}

/** So many certificates are checked, and what they prove is stored, in one transaction. */
const PROVED_AT_ONCE = 16;

/**
 * The same; what is proved is stored, part by part, so that it is checked once: what was paid for stays where the rest is too dear.
 * Opens transactions.
 * @param charge called with what is checked next
 * @throws as {@link verifyWay} and `charge`
 */
export async function proveWay(
  { vault, storage }: Pick<ServerContext, 'vault' | 'storage'>,
  key: KeyName,
  way: StoredWay,
  charge: (certificates: readonly Uint8Array[]) => void,
  atOnce = PROVED_AT_ONCE,
): Promise<CertifiedEpoch> {
  let { base } = way;
  for (let at = 0; at < way.certificates.length; at += atOnce) {
    const certificates = way.certificates.slice(at, at + atOnce);
    charge(certificates);
    const proved = await verifyEach({ base, certificates });
    const checked = proved.map((epoch, i) => ({ epoch, certificate: certificates[i]! }));
    await repeatWhenRaced(() =>
      storage.transact(async (transaction) => {
        const inUse = await transaction.keys.hold(key.owner, key.keyId);
        for (const one of checked)
          if (one.epoch.params.epoch !== inUse?.epoch) await noteProved({ vault }, transaction, key, one);
      }),
    );
    base = proved.at(-1)!;
  }
  return base!;
}

/** Of an epoch without a share: where there is one, the versions of both rows say that they belong together. */
async function noteProved(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId }: KeyName,
  { epoch, certificate }: { readonly epoch: CertifiedEpoch; readonly certificate: Uint8Array },
): Promise<void> {
  const number = epoch.params.epoch;
  const row = await transaction.epochs.find(owner, keyId, number);
  if (row === null || (await transaction.shares.find(owner, keyId, number)) !== null) return;
  const stored = openRecord<KeyEpoch>(vault, 'key_epochs', row);
  const isIt = stored.certificate !== null && equalBytes(stored.certificate, certificate);
  if (!isIt || stored.proved !== undefined) return;
  const columns = { owner, keyId, epoch: number, version: row.version + 1 };
  const shown: KeyEpoch = { ...stored, proved: provedBy(epoch) };
  await transaction.epochs.put(sealRecord(vault, 'key_epochs', columns, shown));
}

/** Stores an epoch without a share: its certificate is shown to others. */
export async function storePublicEpoch(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId }: KeyName,
  epoch: number,
  { parameters, certificate, proved }: PublicEpoch,
): Promise<void> {
  const columns = { owner, keyId, epoch, version: 1 };
  const shown: KeyEpoch = { parameters, certificate, ...(proved === undefined ? {} : { proved }) };
  await transaction.epochs.put(sealRecord(vault, 'key_epochs', columns, shown));
}

/** The epochs of a chain, by number; what was checked before. */
export function epochsOfChain(chain: readonly Uint8Array[]): readonly PublicEpoch[] {
  return chain.map((certificate, epoch) => {
    const params =
      epoch === 0 ? parseCertificate(certificate).params : parseChangeCertificate(certificate).change.next;
    return { parameters: encodeKeyParams(params), certificate };
  });
}
