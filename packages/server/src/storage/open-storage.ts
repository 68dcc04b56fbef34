import { join } from 'node:path';
import { openSqlite } from './sqlite/sqlite.js';
import type { Storage } from './storage.js';

export interface StorageOptions {
  readonly dataDir: string;
  /** A postgres URL; null: SQLite in the data directory. */
  readonly databaseUrl: string | null;
  readonly random: (length: number) => Uint8Array;
}

export const SQLITE_FILE = 'ckm.sqlite';

/** Opens the database that the configuration names, migrated and free of dead instances' nonces. */
export async function openStorage({ dataDir, databaseUrl, random }: StorageOptions): Promise<Storage> {
  if (databaseUrl === null) return openSqlite({ file: join(dataDir, SQLITE_FILE), random });
  const { openPostgres } = await import('./postgres/postgres.js');
  return openPostgres({ url: databaseUrl, random });
}
