import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { missingStorage } from '../../storage/codes.js';
import { openSqlite } from '../../storage/sqlite/sqlite.js';
import type { Storage } from '../../storage/storage.js';

export interface StorageOptions {
  readonly dataDir: string;
  /** A postgres URL; null: SQLite in the data directory. */
  readonly databaseUrl: string | null;
  /** Whether one that is not there, or has no tables, is refused instead of made. */
  readonly mustExist?: boolean;
}

export const SQLITE_FILE = 'ckm.sqlite';

/** Opens the database that the configuration names, migrated. @throws StorageError `STORAGE_MISSING`, `STORAGE_…` */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { dataDir, databaseUrl, mustExist = false } = options;
  if (databaseUrl === null) {
    const file = join(dataDir, SQLITE_FILE);
    if (mustExist && !existsSync(file)) throw missingStorage(`there is no ${file}`);
    return openSqlite({ file, mustExist });
  }
  const { openPostgres } = await import('../../storage/postgres/postgres.js');
  return openPostgres({ url: databaseUrl, mustExist });
}
