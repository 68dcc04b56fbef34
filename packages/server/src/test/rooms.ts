import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { openSqlite } from '../storage/sqlite/sqlite.js';
import type { Storage } from '../storage/storage.js';
import { createVault } from '../vault/create-vault.js';
import type { Vault } from '../vault/vault.js';
import { type DatabaseFile, openDatabaseFile } from './database-file.js';

/** The time of these tests until they move it. */
export const NOON = 1_800_000_000;

export const random = (length: number) => new Uint8Array(randomBytes(length));

/** Somebody, always the same for the same number. */
export function person(number: number): Identity {
  return createIdentity(secret(new Uint8Array(32).fill(number)));
}

/** A database and a vault, without the rest of a server. */
export interface Rooms {
  storage: Storage;
  readonly vault: Vault;
  readonly file: string;
  /** The clock of the test. */
  now: number;
  /** Closes the database, lets somebody change it behind the server's back, and opens it again. */
  tamper(sql: (database: DatabaseFile) => void): Promise<void>;
  close(): Promise<void>;
}

export async function openRooms(): Promise<Rooms> {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-rooms-'));
  const file = join(folder, 'ckm.sqlite');
  const vault = createVault({ epoch: 1, key: secret(random(32)) }, random);
  const rooms: Rooms = {
    storage: await openSqlite({ file }),
    vault,
    file,
    now: NOON,
    tamper: async (sql) => {
      await rooms.storage.close();
      tamperWith(file, sql);
      rooms.storage = await openSqlite({ file });
    },
    close: async () => {
      await rooms.storage.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return rooms;
}

/** Changes a database file as somebody with access to the disk could. */
export function tamperWith(file: string, sql: (database: DatabaseFile) => void): void {
  const database = openDatabaseFile(file);
  try {
    database.exec('pragma foreign_keys = OFF');
    sql(database);
  } finally {
    database.close();
  }
}
