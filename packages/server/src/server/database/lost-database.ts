import { CkmError, StorageError } from '@ckm/foundation';
import type { AuditAnchor } from '../../audit/audit.js';
import type { ServerConfig } from '../../config/config.js';
import { ENV_NAMES } from '../../config/env.js';
import type { StorageCode } from '../../storage/codes.js';
import { countEpochKeys } from '../../vault/epoch-keys.js';
import type { Vault } from '../../vault/vault.js';
import { readAnchor } from '../folder/audit-anchor.js';
import { furthest, readLastEntry } from '../folder/last-entry.js';

export type OwnFolder = Pick<ServerConfig, 'dataDir' | 'databaseUrl' | 'epochKeys'>;

const LOST: readonly string[] = ['STORAGE_MISSING', 'STORAGE_CORRUPT'] satisfies StorageCode[];

/**
 * Opens a database; where it is gone, empty or damaged, the error says what was in it, as far as that is known outside of it.
 * @throws StorageError as `open`; `STORAGE_MISSING`, `STORAGE_CORRUPT` with what is lost
 */
export async function openOrSayLost<T>(folder: OwnFolder, vault: Vault, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof CkmError) || !LOST.includes(error.code)) throw error;
    const contents = describeContents(folder, vault);
    throw contents === null ? error : lost(error, folder, contents);
  }
}

/** What was in the database of a server, in words; null: nothing is known, as of a server that never ran. */
function describeContents(folder: OwnFolder, vault: Vault): string | null {
  const { dataDir } = folder;
  const end = furthest(anchorOf(dataDir, vault), readLastEntry(dataDir, vault));
  const shares = countEpochKeys(folder);
  if (end === null && shares === 0) return null;
  return `its accounts, ${counted(shares, 'share')} (as many keys of shares lie beside it) and ${entriesTo(end)}`;
}

/** One that is damaged tells nothing; the loss of the database is what has to be said first. */
function anchorOf(dataDir: string, vault: Vault): AuditAnchor | null {
  try {
    return readAnchor(dataDir, vault);
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

function entriesTo(end: AuditAnchor | null): string {
  return end === null || end.sequence === 0
    ? 'its audit log'
    : `${counted(end.sequence, 'entry', 'entries')} of its audit log`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function lost(error: CkmError, { databaseUrl }: OwnFolder, contents: string): StorageError {
  const which = databaseUrl === null ? 'the database of this server, ckm.sqlite in its folder,' : NAMED;
  const fault = error.code === 'STORAGE_CORRUPT' ? 'is damaged, or was cut short' : 'is gone, or empty';
  const other = databaseUrl === null ? '' : ' If it is not another one,';
  return new StorageError(`${which} ${fault}.${other} lost with it: ${contents}`, {
    code: error.code,
    hint: 'stop whatever else uses this folder, and make the server again out of its newest backup in a new folder',
    remedy: { kind: 'restoreServer' },
    cause: error,
  });
}

const NAMED = `the database that ${ENV_NAMES.databaseUrl} names`;
