import { StorageError } from '@ckm/foundation';
import { ENV_NAMES } from '../../config/env.js';
import { storageError } from '../../storage/codes.js';
import type { Reader, Storage, Transaction } from '../../storage/storage.js';
import type { Vault } from '../../vault/vault.js';
import { openStorage, type StorageOptions } from '../database/open-storage.js';
import { ID } from '../database/own-database.js';
import { PLACE, readPlace } from '../database/place.js';
import { assertStorageKey } from '../database/storage-marks.js';

/** Rows that belong to one database, and not to what is moved. */
export const OWN_ROWS: readonly string[] = [ID, PLACE];

/** The database to move to, made where there is none. @throws StorageError `STORAGE_TARGET_USED`, `STORAGE_…` */
export async function openMoveTarget(options: StorageOptions, vault: Vault): Promise<Storage> {
  const { dataDir, databaseUrl } = options;
  const storage = await openStorage({ dataDir, databaseUrl });
  try {
    // Of another server it is not even looked at.
    if (!(await isEmpty(storage))) await assertStorageKey(storage, vault);
    return storage;
  } catch (error) {
    await storage.close();
    if (error instanceof StorageError && error.code === 'STORAGE_KEY_WRONG') throw used(storage.kind);
    throw error;
  }
}

/**
 * Refuses to put anything in the place of what is there, unless that is an earlier copy of the same database, or what that one was
 * made of: then it is of no use any more.
 * @param fromId of the database that is to be moved
 * @throws StorageError `STORAGE_TARGET_USED`
 */
export async function assertReplaceable(
  transaction: Transaction,
  vault: Vault,
  fromId: string,
): Promise<void> {
  if (await isEmptyFor(transaction)) return;
  const place = await readPlace(transaction, vault);
  const isOurs =
    (place.state === 'arriving' && place.from === fromId) || (place.state === 'gone' && place.to === fromId);
  if (!isOurs) throw used(null);
}

function isEmpty(storage: Storage): Promise<boolean> {
  return storage.read(isEmptyFor);
}

async function isEmptyFor({ sealed }: Pick<Reader, 'sealed'>): Promise<boolean> {
  for (const table of ['meta', 'accounts', 'audit'] as const)
    if ((await sealed.page(table, null, 1)).length > 0) return false;
  return true;
}

function used(kind: Storage['kind'] | null) {
  const which = kind === 'sqlite' ? 'ckm.sqlite in the folder' : 'the database to move to';
  return storageError(
    'STORAGE_TARGET_USED',
    `${which} is one of a server already, or was moved somewhere else`,
    `make an empty database and name that one in ${ENV_NAMES.databaseUrl}; a ckm.sqlite that nobody needs any more is removed by hand`,
  );
}
