import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { decodeUtf8, encodeHex, formatMoment, type Secret, wipe } from '@ckm/foundation';
import { createAuditLog } from '../audit/create-audit-log.js';
import { type BackupContents, checkBackup } from '../backup/check-backup.js';
import { backupUsage } from '../backup/codes.js';
import { type OpenBackup, openBackup } from '../backup/read-backup.js';
import { restoreEpochKeys } from '../backup/restore-epoch-keys.js';
import { restoreRows, ROW_PASSES } from '../backup/restore-rows.js';
import type { ServerConfig } from '../config/config.js';
import { readEnv } from '../config/env.js';
import { CONFIG_FILE, parseConfig } from '../config/load-config.js';
import { createRandom } from '../random.js';
import type { Storage } from '../storage/storage.js';
import { createVault } from '../vault/create-vault.js';
import { withFile } from '../vault/file-error.js';
import { encodeKeyFile, syncFolder, writePrivateFile } from '../vault/key-file.js';
import { KEY_FILE, SEALED_KEY_FILE } from '../vault/key-source.js';
import { copyStorageKey } from '../vault/storage-key.js';
import type { Vault } from '../vault/vault.js';
import { noteAnchor } from './audit-anchor.js';
import { assertUnused, createDataDir } from './data-dir.js';
import { guardSecrets } from './guard-secrets.js';
import { openStorage } from './open-storage.js';
import { takeOverDatabase } from './own-database.js';
import { noteRestored } from './storage-marks.js';

/** What a restore is called in the audit log. */
export const RESTORE = 'server.restore';

const MS_PER_SECOND = 1_000;

/** How far the reading or the writing of a backup is. */
export type RestoreProgress = (step: 'check' | 'write', bytes: number, of: number) => void;

export interface RestoreOptions {
  /** The backup. */
  readonly file: string;
  /** An empty directory, or none yet. */
  readonly dataDir: string;
  /** Of the backup; wiped. */
  readonly passphrase: Secret<Uint8Array>;
  /** Instead of `process.env`. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly progress?: RestoreProgress;
  /** For tests: milliseconds since 1970. */
  readonly nowMs?: () => number;
}

/**
 * Reads all of a backup and says what a restore would restore; writes nothing.
 * @throws as {@link restoreServer}, but for what only writing finds out
 */
export function previewRestore(options: RestoreOptions): Promise<BackupContents> {
  return withBackup(options, async (_backup, contents) => contents);
}

/**
 * Makes the data directory of a server, and its database, out of a backup, all of which is read and checked before anything is
 * written. `config.json` is written last: without it there is no server in the directory. The audit log says that it was
 * restored, from which backup, and when. Ends in the next second, so that what is sent from then on is of after the restore.
 * @throws UsageError `DATA_DIR_USED`, `BACKUP_DATABASE_USED`, `BACKUP_KEYS_USED`, `BACKUP_FROM_LATER`, `CONFIG_INVALID`;
 * EncodingError `BACKUP_…`; AccessError `PASSPHRASE_WRONG`; StorageError `BACKUP_UNREADABLE`, `FILE_…`, `STORAGE_…`
 */
export function restoreServer(options: RestoreOptions): Promise<BackupContents> {
  const { dataDir, nowMs = Date.now, progress = () => undefined } = options;
  return withBackup(options, async (backup, contents, config) => {
    const random = createRandom();
    const vault = createVault(copyStorageKey(backup.storageKey), random);
    const now = Math.floor(nowMs() / 1000);
    const target = { backup, contents, config, vault, now, random };
    try {
      // Elsewhere: before the folder is made, so that nothing is left in it when there is another server's.
      const elsewhere = config.databaseUrl === null ? null : await openEmpty(config);
      try {
        // Refused when somebody else was faster: then nothing in it is ours to remove.
        createDataDir(dataDir);
        await restoreInto(target, elsewhere, (bytes, of) => progress('write', bytes, of)).catch((error) => {
          emptyFolder(dataDir);
          throw error;
        });
      } finally {
        await elsewhere?.close();
      }
      await pause(MS_PER_SECOND - (nowMs() % MS_PER_SECOND));
      return contents;
    } finally {
      vault.wipe();
    }
  });
}

/** Everything that can be refused without writing is refused here. */
async function withBackup<T>(
  options: RestoreOptions,
  work: (backup: OpenBackup, contents: BackupContents, config: ServerConfig) => Promise<T>,
): Promise<T> {
  const { file, dataDir, passphrase, nowMs = Date.now, progress = () => undefined } = options;
  const env = readEnv(options.variables);
  try {
    guardSecrets(options.variables);
    assertUnused(dataDir);
    const backup = await openBackup(file, passphrase);
    try {
      const contents = await checkBackup(backup, (bytes, of) => progress('check', bytes, of));
      assertNotFromLater(contents, Math.floor(nowMs() / 1000));
      const config = parseConfig(dataDir, decodeUtf8(contents.config), env);
      return await work(backup, contents, config);
    } finally {
      await backup.close();
    }
  } finally {
    wipe(passphrase);
  }
}

interface RestoreTarget {
  readonly backup: OpenBackup;
  readonly contents: BackupContents;
  readonly config: ServerConfig;
  readonly vault: Vault;
  /** UnixSeconds. */
  readonly now: number;
  readonly random: (length: number) => Uint8Array;
}

/** @param elsewhere the database, if it is not to be in the directory */
async function restoreInto(
  target: RestoreTarget,
  elsewhere: Storage | null,
  read: (bytes: number, of: number) => void,
): Promise<void> {
  const { backup, contents, config, vault, random } = target;
  const { dataDir } = config;
  // The backup is read once for its files, and some times more for its rows.
  const passes = 1 + ROW_PASSES;
  await restoreEpochKeys(backup, config, vault, (bytes, of) => read(bytes, passes * of));
  writeKeyFile(dataDir, backup, contents.isSealed);
  writePrivateFile(join(dataDir, 'identity'), contents.identity);
  const storage = elsewhere ?? (await openEmpty(config));
  try {
    const end = await fill(target, storage, (bytes, of) => read(of + bytes, passes * of));
    await takeOverDatabase(storage, vault, { dataDir, random });
    noteAnchor(dataDir, vault, end, null);
  } finally {
    if (elsewhere === null) await storage.close();
  }
  const path = join(dataDir, CONFIG_FILE);
  withFile(path, () => writeFileSync(path, contents.config, { mode: 0o600, flag: 'wx', flush: true }));
  syncFolder(dataDir);
}

/** One transaction: a database that is cut short holds nothing. @returns the end of the log then */
async function fill(
  { backup, contents, vault, now, random }: RestoreTarget,
  storage: Storage,
  read: (bytes: number, of: number) => void,
) {
  const audit = createAuditLog({ vault, clock: () => now, random });
  await storage.transact(async (transaction) => {
    await restoreRows(backup, transaction, read);
    await noteRestored(transaction, vault, now);
    await audit.append(transaction, {
      deed: RESTORE,
      who: null,
      keyId: null,
      subject: null,
      sentence: 'Restore the server from a backup',
      verdict: 'done',
      policy: '',
      detail: describeBackup(contents),
    });
  });
  return audit.seen();
}

function describeBackup({ id, takenAt, from, log }: BackupContents): string {
  return `backup ${encodeHex(id).slice(0, 8)} of ${formatMoment(takenAt)}, begun at entry ${from}, ended at ${log.sequence}`;
}

function writeKeyFile(dataDir: string, { header, storageKey }: OpenBackup, isSealed: boolean): void {
  if (isSealed) return writePrivateFile(join(dataDir, SEALED_KEY_FILE), header.key);
  const bytes = encodeKeyFile(storageKey);
  writePrivateFile(join(dataDir, KEY_FILE), bytes);
  bytes.fill(0);
}

/** @throws UsageError `BACKUP_DATABASE_USED` */
async function openEmpty(config: ServerConfig): Promise<Storage> {
  const storage = await openStorage(config);
  const isUsed = await storage.read(
    async ({ sealed, audit }) =>
      (await audit.head()) !== null ||
      (await sealed.page('meta', null, 1)).length > 0 ||
      (await sealed.page('accounts', null, 1)).length > 0,
  );
  if (!isUsed) return storage;
  await storage.close();
  throw backupUsage(
    'BACKUP_DATABASE_USED',
    'the database that CKM_DATABASE_URL names is one of a server already',
    'make an empty database, and name that one',
  );
}

function assertNotFromLater({ takenAt }: BackupContents, now: number): void {
  if (now >= takenAt) return;
  throw backupUsage(
    'BACKUP_FROM_LATER',
    `the clock of this machine is at least ${takenAt - now} s behind the one of the backup`,
    'correct the clock, then restore again',
  );
}

/** It was empty, and all that is in it was made here. */
function emptyFolder(dataDir: string): void {
  for (const name of readdirSync(dataDir)) rmSync(join(dataDir, name), { recursive: true, force: true });
}
