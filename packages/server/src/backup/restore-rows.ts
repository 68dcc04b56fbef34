import type { AuditRow, Rows, Transaction } from '../storage/storage.js';
import type { OpenBackup } from './read-backup.js';
import type { BackedUp } from './records.js';

/** What has to be there before what refers to it. Each pass reads the backup from its beginning. */
const PASSES: readonly (readonly BackedUp[])[] = [
  ['meta', 'accounts', 'invites'],
  ['keys', 'devices', 'young_devices', 'deposits', 'key_devices', 'proven_devices', 'contacts', 'life'],
  ['key_epochs', 'shares', 'tightenings', 'terms', 'requests', 'audit'],
];

/** How often a backup is read for its rows. */
export const ROW_PASSES = PASSES.length;

/** What becomes of the rows of a table when they are restored: most stay as they were stored. */
export type RowChange = (table: BackedUp, rows: readonly Rows[BackedUp][]) => readonly Rows[BackedUp][];

/** Writes every row of a backup into an empty database. @throws StorageError `STORAGE_…` */
export async function restoreRows(
  backup: OpenBackup,
  transaction: Transaction,
  change: RowChange,
  read: (bytes: number, of: number) => void,
): Promise<void> {
  for (const [number, tables] of PASSES.entries()) {
    const records = backup.records((bytes, of) => read(number * of + bytes, of));
    // Kept back: it is written together with the head of the log.
    let last: AuditRow | null = null;
    for await (const record of records) {
      if (record.kind === 'end' && last !== null) await transaction.audit.append(last, record.end.log);
      if (record.kind !== 'rows' || !tables.includes(record.table)) continue;
      if (record.table === 'audit') {
        const rows = record.rows as readonly AuditRow[];
        await transaction.sealed.insertAll(
          'audit',
          last === null ? rows.slice(0, -1) : [last, ...rows.slice(0, -1)],
        );
        last = rows.at(-1) ?? last;
      } else await transaction.sealed.insertAll<BackedUp>(record.table, change(record.table, record.rows));
    }
  }
}
