import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { concatBytes, secret, StorageError, withFile } from '@ckm/foundation';
import { vaultError } from './codes.js';
import { createVault } from './create-vault.js';
import {
  EPOCH_KEYS_FOLDER,
  epochKeyName,
  type EpochScope,
  FILE_NAME,
  fileName,
  type KeyScope,
  nameOf,
  OF_EPOCH,
  OF_SESSION,
  type SessionScope,
  UNFINISHED,
} from './epoch-key-name.js';
import { type FolderMark, folderMark } from './folder-mark.js';
import { type HeadCounts, openHeadCounts } from './head-counts.js';
import { destroyFile, readPrivateFile, readSmallFile, writeNewFile, writePrivateFile } from './key-file.js';
import { STORAGE_KEY_BYTES } from './storage-key.js';
import type { Vault } from './vault.js';

/**
 * The keys under which shares are sealed: one for each epoch of each key, 32 random bytes in a small file of its own outside
 * the database, itself sealed under the storage key. A database keeps what was deleted (dead rows, its log, archives, dumps),
 * so that a share in it is gone only when the key of its epoch is: the file is overwritten and removed, and whoever has the
 * storage key and every dump ever made opens nothing of that epoch. What a server
 * must remember of a ceremony under way is as good as the share that comes of it, and has a key until the ceremony ends.
 */
export interface EpochKeys {
  /** The vault of an epoch or ceremony, whose key is made and on the disk when this returns, unless there is one. Wipe it. */
  create(scope: KeyScope): Vault;
  /**
   * As `create`; a key whose file is damaged opens nothing, and another one takes its place: the caller seals anew whatever it sealed. Wipe it.
   * @throws StorageError `FILE_…`, `KEY_FILE_EXPOSED`
   */
  renew(scope: KeyScope): Vault;
  /**
   * The vault of an epoch or ceremony. Wipe it.
   * @throws StorageError `EPOCH_KEY_MISSING`, `FILE_TAMPERED`
   */
  find(scope: KeyScope): Vault;
  exists(scope: KeyScope): boolean;
  /**
   * The file of an epoch's key as it lies there, sealed, under its name in the data directory; null: there is none.
   * @throws StorageError `KEY_FILE_DAMAGED`, `FILE_…`
   */
  fileOf(scope: EpochScope): KeyFile | null;
  /** Overwrites and removes a key: nothing sealed under it is ever opened again. @throws StorageError `STORAGE_…` */
  destroy(scope: KeyScope): void;
  /**
   * Ceremonies whose key has lain here for so many milliseconds or longer, whatever became of them. Files that do not open
   * are left out.
   */
  sessionsOlderThan(ms: number): readonly SessionScope[];
  /**
   * Destroys copies of keys that a process which ended in the middle left behind, if they have lain here for so many
   * milliseconds: younger ones another process may be writing. Files that cannot be removed are left out.
   */
  destroyLeftovers(ms: number): void;
  /** What tells this folder from a copy of it. */
  readonly mark: FolderMark;
  /** How far the heads of keys are, as this server has said outside of its database. */
  readonly counts: HeadCounts;
  /** Seals every file anew that is sealed under an earlier storage key. */
  reseal(): Promise<void>;
}

/** A sealed key as it lies in its file. */
export interface KeyFile {
  readonly name: string;
  readonly content: Uint8Array;
  /** Whether others than the server may read it; the server itself does not use it then. */
  readonly isExposed: boolean;
}

const ID_BYTES = 32;

/** Where the keys of epochs lie. */
export function epochKeysFolder(config: {
  readonly dataDir: string;
  readonly epochKeys: string | null;
}): string {
  return config.epochKeys ?? join(config.dataDir, EPOCH_KEYS_FOLDER);
}

/** How many keys of epochs lie there: each is that of one share, or was. */
export function countEpochKeys(config: Parameters<typeof epochKeysFolder>[0]): number {
  const folder = epochKeysFolder(config);
  const names = existsSync(folder) ? withFile(folder, () => readdirSync(folder)) : [];
  return names.filter((name) => OF_EPOCH.test(name)).length;
}

/**
 * @param configured a folder that replicas share; null: one in the data directory, made when it is missing
 * @throws StorageError `EPOCH_KEYS_UNUSABLE` when a configured folder is not there, or others may enter it
 */
export function openEpochKeys(
  { dataDir, epochKeys: configured }: { readonly dataDir: string; readonly epochKeys: string | null },
  vault: Vault,
  random: (length: number) => Uint8Array,
): EpochKeys {
  const folder = epochKeysFolder({ dataDir, epochKeys: configured });
  if (configured === null && !existsSync(folder)) withFile(folder, () => mkdirSync(folder, { mode: 0o700 }));
  assertFolder(folder);
  const pathOf = (scope: KeyScope) => join(folder, nameOf(scope));
  const unfinished = () => readdirSync(folder).filter((name) => UNFINISHED.test(name));
  const open = (name: string) => vault.openFile(fileName(name), readPrivateFile(join(folder, name)));

  function read(scope: KeyScope): Vault {
    const content = open(nameOf(scope));
    const key = content.slice(0, STORAGE_KEY_BYTES);
    content.fill(0);
    return createVault({ epoch: 1, key: secret(key) }, random);
  }

  function create(scope: KeyScope): Vault {
    const path = pathOf(scope);
    if (!existsSync(path)) {
      const content = contentFor(scope, random(STORAGE_KEY_BYTES));
      withFile(path, () => writeNewFile(path, vault.sealFile(fileName(nameOf(scope)), content)));
      content.fill(0);
    }
    return read(scope);
  }

  return {
    mark: folderMark(folder),
    counts: openHeadCounts(folder, vault, fileName),
    create,
    renew(scope) {
      try {
        return create(scope);
      } catch (error) {
        if (!isDamaged(error)) throw error;
        const path = pathOf(scope);
        withFile(path, () => destroyFile(path));
        return create(scope);
      }
    },
    find(scope) {
      if (!existsSync(pathOf(scope))) throw keyMissing(scope);
      return read(scope);
    },
    exists: (scope) => existsSync(pathOf(scope)),
    fileOf(scope) {
      const path = pathOf(scope);
      if (!existsSync(path)) return null;
      const { bytes, isExposed } = readSmallFile(path);
      return { name: epochKeyName(scope), content: bytes, isExposed };
    },
    destroy(scope) {
      const path = pathOf(scope);
      const copies = unfinished().filter((name) => name.startsWith(`${nameOf(scope)}.`));
      // The copies first: as long as the key is there it is found again.
      for (const file of [...copies.map((name) => join(folder, name)), path]) {
        if (existsSync(file)) withFile(file, () => destroyFile(file));
      }
    },
    sessionsOlderThan: (ms) =>
      readdirSync(folder)
        .filter((name) => OF_SESSION.test(name) && isOlder(join(folder, name), ms))
        .flatMap((name) => scopeIn(() => open(name))),
    destroyLeftovers(ms) {
      for (const path of unfinished().map((name) => join(folder, name))) {
        if (isOlder(path, ms)) destroyIfPossible(path);
      }
    },
    async reseal() {
      for (const name of readdirSync(folder).filter((file) => FILE_NAME.test(file))) {
        // A ceremony may have ended since the list was made.
        if (!existsSync(join(folder, name))) continue;
        const sealed = readPrivateFile(join(folder, name));
        if (!vault.isOfEarlierKey(sealed)) continue;
        const key = vault.openFile(fileName(name), sealed);
        writePrivateFile(join(folder, name), vault.sealFile(fileName(name), key), { replace: true });
        key.fill(0);
        await setImmediate();
      }
    },
  };
}

/** Whether a key is there in a file that opens no more. One that may not be read, or a disk that fails, says nothing of it. */
export function isDamaged(error: unknown): error is StorageError {
  return error instanceof StorageError && ['FILE_TAMPERED', 'KEY_FILE_DAMAGED'].includes(error.code);
}

/** The key; behind that of a ceremony whose it is, so that one whose ceremony is gone is found. Wipes `key`. */
function contentFor(scope: KeyScope, key: Uint8Array): Uint8Array {
  if (!('sessionId' in scope)) return key;
  const content = concatBytes(key, scope.owner, scope.sessionId);
  key.fill(0);
  return content;
}

function isOlder(path: string, ms: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.mtimeMs <= Date.now() - ms;
}

/** What cannot be removed now is found the next time. */
function destroyIfPossible(path: string): void {
  try {
    destroyFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

/** None: the file opens no more, or has gone meanwhile; the others are found all the same. */
function scopeIn(open: () => Uint8Array): readonly SessionScope[] {
  try {
    return [sessionIn(open())];
  } catch (error) {
    if (error instanceof StorageError) return [];
    throw error;
  }
}

function sessionIn(content: Uint8Array): SessionScope {
  const owner = content.slice(STORAGE_KEY_BYTES, STORAGE_KEY_BYTES + ID_BYTES);
  const sessionId = content.slice(STORAGE_KEY_BYTES + ID_BYTES);
  content.fill(0);
  return { owner, sessionId };
}

/** @throws StorageError `EPOCH_KEYS_UNUSABLE` */
export function assertFolder(folder: string): void {
  const found = withFile(folder, () => statSync(folder, { throwIfNoEntry: false }));
  if (found?.isDirectory() === true && (found.mode & 0o077) === 0) return;
  throw vaultError(
    'EPOCH_KEYS_UNUSABLE',
    found === undefined
      ? `the folder of epoch keys, ${folder}, is not there`
      : `the folder of epoch keys, ${folder}, is not a folder that only this server’s user may enter`,
    'make the folder, mode 0700, or mount it, then start the server again',
  );
}

function keyMissing(scope: KeyScope) {
  if ('sessionId' in scope) {
    return vaultError(
      'EPOCH_KEY_MISSING',
      'this server does not find the key that seals what it must remember of this ceremony',
      'the operator brings the folder of epoch keys back, or the ceremony is cancelled and begun again',
    );
  }
  return vaultError(
    'EPOCH_KEY_MISSING',
    'this server does not find the key that seals its share of this key',
    'the operator brings the file of the epoch key from the backup or the replica that has it, or the owner has the share repaired',
  );
}
