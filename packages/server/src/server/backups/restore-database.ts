import { encodeHex, equalBytes, formatMoment, StorageError } from '@ckm/foundation';
import { createAuditLog } from '../../audit/create-audit-log.js';
import type { BackupContents } from '../../backup/check-backup.js';
import { backupUsage } from '../../backup/codes.js';
import type { OpenBackup } from '../../backup/read-backup.js';
import { restoreRows, type RowChange } from '../../backup/restore-rows.js';
import type { ServerConfig } from '../../config/config.js';
import { withoutApproval } from '../../requests/request-record.js';
import { withoutVotes } from '../../sessions/changes/votes/forget-votes.js';
import type { KeyRow, MetaRow, RequestRow, Storage } from '../../storage/storage.js';
import { FOLDER_MARK } from '../../vault/folder-mark.js';
import type { Vault } from '../../vault/vault.js';
import { openStorage } from '../database/open-storage.js';
import { putId } from '../database/own-database.js';
import { lastEntryOf, noteRestored, restoredFrom } from '../database/storage-marks.js';

/** What a restore is called in the audit log. */
export const RESTORE = 'server.restore';

/** A backup that was checked, and where it is to be restored. */
export interface RestoreTarget {
  readonly backup: OpenBackup;
  readonly contents: BackupContents;
  readonly config: ServerConfig;
  readonly vault: Vault;
  /** UnixSeconds. */
  readonly now: number;
  readonly random: (length: number) => Uint8Array;
}

/** A database to restore into: an empty one, or the one that an earlier try filled before it was cut short. */
export interface TargetStorage {
  readonly storage: Storage;
  readonly isFull: boolean;
}

/** @throws UsageError `BACKUP_DATABASE_USED` */
export async function openTarget({ config, vault, contents }: RestoreTarget): Promise<TargetStorage> {
  const storage = await openStorage(config);
  try {
    if (await isEmpty(storage)) return { storage, isFull: false };
    if (await isJustRestored(storage, vault, contents)) return { storage, isFull: true };
  } catch (error) {
    await storage.close();
    throw error;
  }
  await storage.close();
  throw backupUsage(
    'BACKUP_DATABASE_USED',
    'the database that CKM_DATABASE_URL names is one of a server already',
    'make an empty database, and name that one',
  );
}

function isEmpty(storage: Storage): Promise<boolean> {
  return storage.read(
    async ({ sealed, audit }) =>
      (await audit.head()) === null &&
      (await sealed.page('meta', null, 1)).length === 0 &&
      (await sealed.page('accounts', null, 1)).length === 0,
  );
}

/** Nobody has used it since: a start would be in its log. */
async function isJustRestored(storage: Storage, vault: Vault, { id }: BackupContents): Promise<boolean> {
  const from = await restoredFrom(storage, vault);
  if (from === null || !equalBytes(from, id)) return false;
  return (await lastEntryOf(storage, vault))?.deed === RESTORE;
}

/**
 * Fills the database, unless an earlier try did, and notes the restore: its moment, in the log too, and that this is another
 * database than the one in the backup. One transaction: a database that is cut short holds nothing.
 * @returns the id of the database
 */
export async function restoreDatabase(
  target: RestoreTarget,
  { storage, isFull }: TargetStorage,
  read: (bytes: number, of: number) => void,
): Promise<string> {
  const { backup, contents, vault, now, random } = target;
  const audit = createAuditLog({ vault, clock: () => now, random });
  return storage.transact(async (transaction) => {
    if (!isFull) await restoreRows(backup, transaction, asRestored({ vault, random, now }), read);
    await noteRestored(transaction, vault, now, contents);
    const id = await putId(transaction, vault, random);
    await audit.append(transaction, {
      deed: RESTORE,
      who: null,
      keyId: null,
      subject: null,
      sentence: 'Restore the server from a backup',
      verdict: 'done',
      policy: '',
      detail: describeBackup(contents),
    });
    return id;
  });
}

/**
 * What is not restored as it was stored: the folder of epoch keys is another one, approvals may have been taken back, and what this
 * server said of changes of its keys since is not known.
 */
function asRestored({ vault, random, now }: Pick<RestoreTarget, 'vault' | 'random' | 'now'>): RowChange {
  return (table, rows) => {
    if (table === 'keys')
      return (rows as readonly KeyRow[]).map((row) =>
        unlessTampered(row, () => withoutVotes({ vault, random, clock: () => now }, row)),
      );
    if (table === 'meta') return (rows as readonly MetaRow[]).filter(({ name }) => name !== FOLDER_MARK);
    if (table !== 'requests') return rows;
    return (rows as readonly RequestRow[]).map((row) =>
      unlessTampered(row, () => withoutApproval({ vault }, row)),
    );
  };
}

/** What somebody changed in the database is restored as it was backed up, and refused when it is used. */
function unlessTampered<R extends RequestRow | KeyRow>(row: R, change: () => R): R {
  try {
    return change();
  } catch (error) {
    if (error instanceof StorageError) return row;
    throw error;
  }
}

function describeBackup({ id, takenAt, from, log }: BackupContents): string {
  return `backup ${encodeHex(id).slice(0, 8)} of ${formatMoment(takenAt)}, begun at entry ${from}, ended at ${log.sequence}`;
}
