import { encodeHex } from '@ckm/foundation';
import type { AuditLog } from '../../audit/audit.js';
import type { Storage } from '../../storage/storage.js';
import type { Vault } from '../../vault/vault.js';
import { lastBackupAt, noteBackup, noteDestroyed } from '../database/backup-marks.js';

/** A backup that was read back, opened like a restore would, and lies under its name. */
export interface GoodBackup {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** UnixSeconds. */
  readonly takenAt: number;
}

interface NotingMeans {
  readonly storage: Storage;
  readonly audit: AuditLog;
  readonly vault: Vault;
  readonly clock: () => number;
}

/** Notes it in the database and in its log; an earlier one never takes the place of a later one. @throws StorageError `STORAGE_…` */
export async function noteGoodBackup(
  { storage, audit, vault, clock }: NotingMeans,
  { id, takenAt }: GoodBackup,
): Promise<void> {
  await storage.transact(async (transaction) => {
    const now = clock();
    const last = (await lastBackupAt(transaction, vault)) ?? 0;
    // Also the last one: a clock that was ahead would hide for as long that there are no more of them.
    await noteBackup(transaction, vault, Math.min(Math.max(last, takenAt), now));
    await audit.append(transaction, {
      deed: 'operator.backup.kept',
      who: null,
      keyId: null,
      subject: null,
      sentence: 'A backup was read back and found good',
      verdict: 'done',
      policy: '',
      detail: `backup ${encodeHex(id).slice(0, 8)}`,
    });
  });
}

/**
 * Notes in the database and in its log what the operator has said of his backups: what a server signs about old shares counts on it.
 * @param before all that were begun before are destroyed; UnixSeconds
 * @throws StorageError `STORAGE_…`
 */
export async function noteBackupsDestroyed(
  { storage, audit, vault, clock }: NotingMeans,
  before: number,
): Promise<void> {
  // Of those that are not made yet nobody can say it.
  const until = Math.min(before, clock());
  await storage.transact(async (transaction) => {
    await noteDestroyed(transaction, vault, until);
    await audit.append(transaction, {
      deed: 'operator.backup.destroyed',
      who: null,
      keyId: null,
      subject: null,
      sentence: `All backups begun before ${new Date(until * 1000).toISOString()} are said to be destroyed`,
      verdict: 'done',
      policy: '',
      detail: '',
    });
  });
}
