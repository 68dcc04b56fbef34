import { join } from 'node:path';
import { openSqlite } from '../storage/sqlite/sqlite.js';
import type { Storage } from '../storage/storage.js';

export interface StorageOptions {
  readonly dataDir: string;
  /** A postgres URL; null: SQLite in the data directory. */
  readonly databaseUrl: string | null;
}

export const SQLITE_FILE = 'ckm.sqlite';

/** Opens the database that the configuration names, migrated. */
export async function openStorage({ dataDir, databaseUrl }: StorageOptions): Promise<Storage> {
  if (databaseUrl === null) return openSqlite({ file: join(dataDir, SQLITE_FILE) });
  const { openPostgres } = await import('../storage/postgres/postgres.js');
  return openPostgres({ url: databaseUrl });
}
