import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { CkmError, equalBytes, fromFileSystem, withFile } from '@ckm/foundation';
import { lockFile } from '../storage/sqlite/file-lock.js';
import { EPOCH_KEYS_FOLDER, isKeyFile } from '../vault/epoch-key-name.js';
import { assertFolder, epochKeysFolder } from '../vault/epoch-keys.js';
import { MARK_FILE } from '../vault/folder-mark.js';
import { readPrivateFile, syncFolder, writePrivateFile } from '../vault/key-file.js';
import type { Vault } from '../vault/vault.js';
import { backupUsage } from './codes.js';
import type { OpenBackup } from './read-backup.js';
import { type BackupFile, EPOCH_KEY } from './records.js';

/** Files that are put on the disk at the same time. */
const TOGETHER = 32;
/** Says which backup is being restored into a folder outside of the data directory; there until that is done. */
const UNDER_WAY = 'restoring';
/** Held by the restore that is writing there. */
const LOCK = 'restoring.lock';

/** What tells one restore. */
export interface KeyRestoreOptions {
  readonly config: { readonly dataDir: string; readonly epochKeys: string | null };
  /** Over the storage key of the backup. */
  readonly vault: Vault;
  /** Of the backup. */
  readonly id: Uint8Array;
}

/**
 * Refuses a folder outside of the data directory that a server may be using: one in which keys lie, or that is marked. What a
 * restore of the same backup left there when it was cut short is no reason.
 * @throws UsageError `BACKUP_KEYS_USED`; StorageError `EPOCH_KEYS_UNUSABLE`
 */
export function assertNoKeys({ config: { epochKeys: folder }, vault, id }: KeyRestoreOptions): void {
  if (folder === null) return;
  assertFolder(folder);
  const names = readdirSync(folder);
  const isMarked = names.includes(MARK_FILE);
  if (!isMarked && (!names.some(isKeyFile) || isCutShort(folder, vault, id))) return;
  throw keysUsed(`${folder} holds the epoch keys of a server`);
}

/**
 * Keeps other restores away from a folder outside of the data directory while one works on it: each would take what the other
 * writes for its own, and remove it when it fails.
 * @throws as {@link assertNoKeys}
 */
export async function withKeysAlone<T>(options: KeyRestoreOptions, work: () => Promise<T>): Promise<T> {
  const { epochKeys: folder } = options.config;
  if (folder === null) return work();
  const path = join(folder, LOCK);
  const release = lockFile(path);
  if (release === null) throw keysUsed(`another restore is writing to ${folder}`);
  try {
    // One that has ended meanwhile may have left keys there.
    assertNoKeys(options);
    return await work();
  } finally {
    // While it is still held: nobody else's is removed.
    rmSync(path, { force: true });
    release();
  }
}

/** The keys of epochs of one restore. */
export interface KeyRestore {
  /**
   * Writes them where the server will look for them, and never over another file; all are on the disk when it ends. In a folder outside
   * of the data directory each is there whole or not at all.
   * @throws UsageError `BACKUP_KEYS_USED`; StorageError `FILE_…`
   */
  write(backup: OpenBackup, read: (bytes: number, of: number) => void): Promise<void>;
  /** Removes what was written by this restore; what one that was cut short had left there is known for that still. */
  undo(): void;
  /** Called when all else is restored too. */
  finish(): void;
}

export function createKeyRestore({ config, vault, id }: KeyRestoreOptions): KeyRestore {
  const folder = epochKeysFolder(config);
  const underWay = join(folder, UNDER_WAY);
  const written: string[] = [];
  /** What a restore that was cut short had left there: then its note stays, too, when this one fails. */
  let isLeftThere = false;

  // A folder in the data directory is new, and no server before `config.json` is there: nobody reads what was cut short in it.
  const make = config.epochKeys === null ? makeFile : makeWhole;

  async function put({ name, content }: BackupFile): Promise<void> {
    const path = join(folder, basename(name));
    if (await unlessThere(path, () => make(path, content))) written.push(path);
    else if (!equalBytes(readPrivateFile(path), content))
      throw keysUsed(`${path} is not the key that the backup holds for it`);
  }

  return {
    async write(backup, read) {
      if (config.epochKeys === null) withFile(folder, () => mkdirSync(folder, { mode: 0o700 }));
      else {
        isLeftThere = readdirSync(folder).some(isKeyFile);
        writePrivateFile(underWay, vault.sealFile(fileName(UNDER_WAY), id), { replace: true });
      }
      for await (const record of backup.records(read)) {
        if (record.kind !== 'files') continue;
        const keys = record.files.filter(({ name }) => EPOCH_KEY.test(name));
        for (let at = 0; at < keys.length; at += TOGETHER)
          await allOf(keys.slice(at, at + TOGETHER).map(put));
      }
      syncFolder(folder);
    },
    undo() {
      for (const path of isLeftThere ? written : [...written, underWay]) rmSync(path, { force: true });
    },
    finish() {
      rmSync(underWay, { force: true });
      syncFolder(folder);
    },
  };
}

/** Fails when all have ended: none of them writes on while what was written is removed. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

function fileName(name: string): string {
  return `${EPOCH_KEYS_FOLDER}/${name}`;
}

function isCutShort(folder: string, vault: Vault, id: Uint8Array): boolean {
  const path = join(folder, UNDER_WAY);
  if (!existsSync(path)) return false;
  try {
    return equalBytes(vault.openFile(fileName(UNDER_WAY), readPrivateFile(path)), id);
  } catch (error) {
    if (error instanceof CkmError) return false;
    throw error;
  }
}

/** @returns false when there is a file already. @throws StorageError `FILE_…` */
async function unlessThere(path: string, make: () => Promise<void>): Promise<boolean> {
  try {
    await make();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fromFileSystem(error, path);
  }
}

const sync = promisify(fsync);

/** A new file, on the disk; whatever fails leaves none. Others are made while the disk works: it does more of them together. */
async function makeFile(path: string, content: Uint8Array): Promise<void> {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at);
    await sync(descriptor);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** The same, and under its name whole or not at all, also after a power cut. */
async function makeWhole(path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.new`;
  await makeFile(temporary, content);
  try {
    linkSync(temporary, path);
  } finally {
    unlinkSync(temporary);
  }
}

function keysUsed(message: string) {
  return backupUsage(
    'BACKUP_KEYS_USED',
    message,
    'name an empty folder in CKM_EPOCH_KEYS, for the restore and for the start',
  );
}
