import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex, encodeUtf8, withFile } from '@ckm/foundation';
import { z } from 'zod';
import { ENV_NAMES } from '../../config/env.js';
import type { Random } from '../../context.js';
import { storageError } from '../../storage/codes.js';
import type { Reader, Storage, Transaction } from '../../storage/storage.js';
import { lostFile, vaultError } from '../../vault/codes.js';
import { writePrivateFile } from '../../vault/key-file.js';
import type { Vault } from '../../vault/vault.js';
import { ANCHOR_FILE, DATABASE_FILE } from '../folder/data-dir.js';
import { openOrSayLost, type OwnFolder } from './lost-database.js';
import { openStorage, type StorageOptions } from './open-storage.js';
import { assertHere } from './place.js';
import { assertStorageKey } from './storage-marks.js';

/** The row of `meta` with the random number of a database, and the one that is written to keep others away from it. */
export const ID = 'id of the database';
const ID_HELD = 'id of the database, held';
const ID_BYTES = 16;

/** What a data directory knows of the database it was used with. Nothing in it opens anything, or says where that is. */
const schema = z.strictObject({
  kind: z.enum(['sqlite', 'postgres']),
  id: z.string().regex(/^[0-9a-f]{32}$/),
});
type DatabaseNote = z.infer<typeof schema>;

/**
 * Refuses a database that cannot be the one that the directory was used with: before the storage key is there, and before
 * anything is opened.
 * @throws StorageError `STORAGE_OTHER`, `FILE_TAMPERED`
 */
export function assertDatabaseKind({ dataDir, databaseUrl }: StorageOptions): void {
  const note = readNote(dataDir);
  if (note === null || note.kind === kindOf(databaseUrl)) return;
  throw note.kind === 'postgres'
    ? storageError(
        'STORAGE_OTHER',
        `this server keeps its data in PostgreSQL, and ${ENV_NAMES.databaseUrl} is not set here`,
        `set ${ENV_NAMES.databaseUrl} as it is where the server runs, in its unit say, and do the same again`,
      )
    : storageError(
        'STORAGE_OTHER',
        `this server keeps its data in its folder, and ${ENV_NAMES.databaseUrl} names another database`,
        `unset ${ENV_NAMES.databaseUrl}; a server gets to PostgreSQL by being moved there`,
      );
}

/** How a server opens its database when it starts: only one that was never used may make a new one. @throws as {@link assertDatabaseKind} */
export function startOptions(options: StorageOptions): StorageOptions {
  assertDatabaseKind(options);
  const { dataDir, databaseUrl } = options;
  // Both are written after the tables.
  const mustExist = [DATABASE_FILE, ANCHOR_FILE].some((name) => existsSync(join(dataDir, name)));
  return { dataDir, databaseUrl, mustExist };
}

/**
 * Opens the database of a server that does not run, and makes nothing: neither a database nor a table nor a note.
 * @throws StorageError `STORAGE_OTHER`, `STORAGE_MISSING`, `STORAGE_IN_USE`, `STORAGE_KEY_WRONG`, `STORAGE_MOVED`, `STORAGE_MOVE_BEGUN`
 */
export async function openStoppedStorage(
  options: StorageOptions & OwnFolder,
  vault: Vault,
): Promise<Storage> {
  const storage = await openNotedStorage(options, vault);
  try {
    await assertHere(storage, vault);
    return storage;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** The same, also of a database that its server does not run on any more, or not yet. @throws as {@link openStoppedStorage} */
export async function openNotedStorage(options: StorageOptions & OwnFolder, vault: Vault): Promise<Storage> {
  assertDatabaseKind(options);
  const storage = await openOrSayLost(options, vault, () => openStorage({ ...options, mustExist: true }));
  try {
    await assertStorageKey(storage, vault);
    await assertNoted(storage, vault, readNote(options.dataDir));
    return storage;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** The kind of the database that a directory was used with; null: it was used with none. @throws StorageError `FILE_TAMPERED` */
export function notedKind(dataDir: string): DatabaseNote['kind'] | null {
  return readNote(dataDir)?.kind ?? null;
}

/**
 * Makes sure that this is the database that the directory was used with, and notes which it is when there was none yet.
 * @throws StorageError `STORAGE_OTHER`, `FILE_TAMPERED`
 */
export async function claimDatabase(
  storage: Storage,
  vault: Vault,
  { dataDir, random }: { readonly dataDir: string; readonly random: Random },
): Promise<void> {
  const note = readNote(dataDir);
  if (note !== null) return assertNoted(storage, vault, note);
  const id = await storage.transact(async (transaction) => {
    // Whoever has written this row is alone with the other until it commits: replicas start at the same moment.
    await transaction.meta.put(vault.sealRow('meta', { name: ID_HELD }, Uint8Array.of(1)));
    return (await findId(transaction, vault)) ?? (await putId(transaction, vault, random));
  });
  writeNote(dataDir, { kind: storage.kind, id });
}

/** Notes in the directory that this is its database. @param id as of {@link putId} */
export function noteDatabase(dataDir: string, { kind }: Pick<Storage, 'kind'>, id: string): void {
  writeNote(dataDir, { kind, id });
}

async function assertNoted(storage: Storage, vault: Vault, note: DatabaseNote | null): Promise<void> {
  if (note === null) return;
  if ((await storage.read((reader) => findId(reader, vault))) === note.id) return;
  throw storage.kind === 'sqlite'
    ? lostFile(
        'STORAGE_OTHER',
        'ckm.sqlite is another database than the one this server keeps its data in',
        'bring the right one back, or make the server again out of its backup in a new folder',
      )
    : storageError(
        'STORAGE_OTHER',
        'this is another database than the one this server keeps its data in',
        `name the right one in ${ENV_NAMES.databaseUrl}; one out of a backup comes with a folder of its own`,
      );
}

/** The random number of a database; null: no server has run on it. */
export async function findId({ meta }: Pick<Reader, 'meta'>, vault: Vault): Promise<string | null> {
  const row = await meta.find(ID);
  return row === null ? null : encodeHex(vault.openRow('meta', row));
}

/** Makes it another database than any before: no directory that was used with one takes it for its own. */
export async function putId(
  { meta }: Pick<Transaction, 'meta'>,
  vault: Vault,
  random: Random,
): Promise<string> {
  const id = random(ID_BYTES);
  await meta.put(vault.sealRow('meta', { name: ID }, id));
  return encodeHex(id);
}

function kindOf(databaseUrl: string | null): DatabaseNote['kind'] {
  return databaseUrl === null ? 'sqlite' : 'postgres';
}

function readNote(dataDir: string): DatabaseNote | null {
  const path = join(dataDir, DATABASE_FILE);
  if (!existsSync(path)) return null;
  const text = withFile(path, () => readFileSync(path, 'utf8'));
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const hint = `see that ${ENV_NAMES.databaseUrl} is as ever, then remove that file: the next start makes it anew`;
    throw vaultError('FILE_TAMPERED', `${path} is damaged`, hint, cause);
  }
}

function writeNote(dataDir: string, note: DatabaseNote): void {
  writePrivateFile(join(dataDir, DATABASE_FILE), encodeUtf8(`${JSON.stringify(note)}\n`), { replace: true });
}
