import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SQLITE_FILE } from '@ckm/server/testing';
import type { PostgresCluster } from '../postgres.js';

/** The database of one server. Copied and put back only while nobody has it open. */
export interface Database {
  /** What `openStorage` is told; null: SQLite in the data folder. */
  url(): string | null;
  /** Copies it. @returns what puts the copy in its place, as often as one likes */
  backup(): Promise<() => Promise<void>>;
  /** With all copies; those of SQLite go with the folder. */
  remove(): Promise<void>;
}

const SQLITE_FILES = [SQLITE_FILE, `${SQLITE_FILE}-wal`, `${SQLITE_FILE}-shm`];

export function sqliteDatabase(dataDir: string): Database {
  let copies = 0;
  return {
    url: () => null,
    backup: async () => {
      const folder = `${dataDir}-backup-${++copies}`;
      mkdirSync(folder);
      copyFiles(dataDir, folder);
      return async () => copyFiles(folder, dataDir);
    },
    remove: async () => undefined,
  };
}

function copyFiles(from: string, to: string): void {
  for (const file of SQLITE_FILES) {
    rmSync(join(to, file), { force: true });
    if (existsSync(join(from, file))) copyFileSync(join(from, file), join(to, file));
  }
}

export async function postgresDatabase(cluster: PostgresCluster): Promise<Database> {
  const all = [await cluster.createDatabase()];
  const copy = async (from: string) => {
    const made = await cluster.copyDatabase(from);
    all.push(made);
    return made;
  };
  let current = all[0]!;
  return {
    url: () => current,
    backup: async () => {
      const kept = await copy(current);
      return async () => {
        current = await copy(kept);
      };
    },
    remove: async () => {
      for (const url of all) await cluster.dropDatabase(url);
    },
  };
}
