import { existsSync, linkSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromFileSystem, type Secret } from '@ckm/foundation';
import { syncFolder } from '../vault/key-file.js';
import { type BackupContents, checkBackup } from './check-backup.js';
import { backupUsage } from './codes.js';
import { openBackup } from './read-backup.js';

/** How far the writing of a backup is. While it is opened, to be read back, no bytes are counted. */
export type BackupProgress = (step: 'write' | 'open' | 'check', bytes: number, of: number | null) => void;

/**
 * Whether a backup can be written there, as far as can be known before.
 * @throws UsageError `BACKUP_EXISTS`, `BACKUP_LEFT_OVER`, `BACKUP_FOLDER_MISSING`
 */
export function assertBackupPath(path: string): void {
  if (!existsSync(dirname(path)))
    throw backupUsage(
      'BACKUP_FOLDER_MISSING',
      `there is no folder ${dirname(path)}`,
      'make it, or name another file',
    );
  assertNew(path);
  if (existsSync(partOf(path))) {
    const hint = `see whether a backup is being made just now; if not, remove ${partOf(path)}`;
    throw backupUsage('BACKUP_LEFT_OVER', `${partOf(path)} is the beginning of another backup`, hint);
  }
}

/**
 * Writes a backup to a file that only its owner may read: first under another name, then to the disk, then read back and
 * opened like a restore does, and only then under its own name. Whatever fails leaves nothing there.
 * @param passphrase the one it was made with; not wiped
 * @throws as {@link assertBackupPath}, {@link openBackup}, {@link checkBackup}; StorageError `FILE_NO_ROOM`, `FILE_IN_THE_WAY`
 */
export async function writeBackupFile(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  passphrase: Secret<Uint8Array>,
  progress: BackupProgress = () => undefined,
): Promise<BackupContents> {
  assertBackupPath(path);
  const part = partOf(path);
  const handle = await create(part);
  try {
    await writeAll(handle, part, pieces, progress);
    const contents = await readBack(part, passphrase, progress);
    giveName(part, path);
    return contents;
  } finally {
    rmSync(part, { force: true });
    syncFolder(dirname(path));
  }
}

function partOf(path: string): string {
  return `${path}.new`;
}

function assertNew(path: string): void {
  if (existsSync(path))
    throw backupUsage('BACKUP_EXISTS', `${path} exists already`, 'name a file that does not exist');
}

/** Never over a file that was made there meanwhile. */
function giveName(part: string, path: string): void {
  try {
    linkSync(part, path);
  } catch (error) {
    assertNew(path);
    throw fromFileSystem(error, path);
  }
}

async function create(part: string): Promise<FileHandle> {
  try {
    return await open(part, 'wx', 0o600);
  } catch (error) {
    throw fromFileSystem(error, part);
  }
}

async function writeAll(
  handle: FileHandle,
  part: string,
  pieces: AsyncIterable<Uint8Array>,
  progress: BackupProgress,
): Promise<void> {
  let written = 0;
  try {
    for await (const piece of pieces) {
      for (let done = 0; done < piece.length;) done += (await handle.write(piece, done)).bytesWritten;
      written += piece.length;
      progress('write', written, null);
    }
    await handle.sync();
  } catch (error) {
    throw fromFileSystem(error, part);
  } finally {
    await handle.close();
  }
}

async function readBack(
  part: string,
  passphrase: Secret<Uint8Array>,
  progress: BackupProgress,
): Promise<BackupContents> {
  progress('open', 0, null);
  const backup = await openBackup(part, passphrase);
  try {
    return await checkBackup(backup, (bytes, of) => progress('check', bytes, of));
  } finally {
    await backup.close();
  }
}
