import { encodeHex } from '@ckm/foundation';
import { asXid, encodeData, type Xid } from '@ckm/gordian';
import { DEVICE_SLOTS } from '../owner/device-secrets.js';
import { corrupt, readRecord } from '../store/record-reader.js';
import { listRecords, type RecordStore } from '../store/record-store.js';

/** An account that is wanted back at one server, and with which key of this device. */
export interface RecoveryRecord {
  readonly server: Xid;
  /** Of the keys of this device: the same one as long as this goes on. */
  readonly slot: number;
  /** UnixSeconds. */
  readonly begunAt: number;
}

export const RECOVERY_FOLDER = 'recoveries';

function recoveryPath(server: Uint8Array): string {
  return `${RECOVERY_FOLDER}/${encodeHex(server)}`;
}

export async function listRecoveries(store: RecordStore): Promise<RecoveryRecord[]> {
  return listRecords(store, RECOVERY_FOLDER, parseRecovery);
}

export async function saveRecovery(
  store: RecordStore,
  { server, slot, begunAt }: RecoveryRecord,
): Promise<void> {
  await store.put(recoveryPath(server), encodeData({ version: 1, server, slot, begunAt }));
}

export async function removeRecovery(store: RecordStore, { server }: RecoveryRecord): Promise<void> {
  await store.delete(recoveryPath(server));
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseRecovery(path: string, bytes: Uint8Array): RecoveryRecord {
  const record = readRecord(path, bytes);
  const server = asXid(record.bytes('server', 32));
  const slot = record.integer('slot');
  if (recoveryPath(server) !== path || slot < 0 || slot >= DEVICE_SLOTS) throw corrupt(path);
  return { server, slot, begunAt: record.integer('begunAt') };
}
