import { existsSync, mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CkmError, equalBytes } from '@ckm/foundation';
import { assertFolder, epochKeysFolder } from '../vault/epoch-keys.js';
import { fromFileSystem } from '../vault/file-error.js';
import { readPrivateFile, syncFolder } from '../vault/key-file.js';
import type { Vault } from '../vault/vault.js';
import { backupUsage } from './codes.js';
import type { OpenBackup } from './read-backup.js';
import { type BackupFile, EPOCH_KEY } from './records.js';

/** Files that are put on the disk at the same time: a disk does more of them together than one after the other. */
const TOGETHER = 32;

/**
 * Writes the keys of epochs where the server will look for them. In a folder that replicas share some may be already: those
 * stay as they are.
 * @throws UsageError `BACKUP_KEYS_USED` when there is one of another server, or of an epoch that was made anew; StorageError
 * `EPOCH_KEYS_UNUSABLE`, `FILE_…`
 */
export async function restoreEpochKeys(
  backup: OpenBackup,
  config: { readonly dataDir: string; readonly epochKeys: string | null },
  vault: Vault,
  read: (bytes: number, of: number) => void,
): Promise<void> {
  const folder = epochKeysFolder(config);
  if (config.epochKeys === null) mkdirSync(folder, { mode: 0o700 });
  assertFolder(folder);
  for await (const record of backup.records(read)) {
    if (record.kind !== 'files') continue;
    const keys = record.files.filter(({ name }) => EPOCH_KEY.test(name));
    const missing = keys.filter((file) => !isThere(folder, file, vault));
    for (let at = 0; at < missing.length; at += TOGETHER)
      await Promise.all(missing.slice(at, at + TOGETHER).map((file) => write(folder, file)));
  }
  syncFolder(folder);
}

function isThere(folder: string, { name, content }: BackupFile, vault: Vault): boolean {
  const path = join(folder, basename(name));
  if (!existsSync(path)) return false;
  const [there, ours] = [keyIn(vault, name, readPrivateFile(path)), keyIn(vault, name, content)];
  const isSame = there !== null && ours !== null && equalBytes(there, ours);
  there?.fill(0);
  ours?.fill(0);
  if (isSame) return true;
  throw backupUsage(
    'BACKUP_KEYS_USED',
    `${path} is not the key that the backup holds for it`,
    'let the server have a folder of its own for the keys of epochs',
  );
}

function keyIn(vault: Vault, name: string, sealed: Uint8Array): Uint8Array | null {
  try {
    return vault.openFile(name, sealed);
  } catch (error) {
    if (error instanceof CkmError && error.code === 'FILE_TAMPERED') return null;
    throw error;
  }
}

async function write(folder: string, { name, content }: BackupFile): Promise<void> {
  const path = join(folder, basename(name));
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.write(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}
