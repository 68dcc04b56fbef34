import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { decodeUtf8, type Secret, wipe } from '@ckm/foundation';
import { type BackupContents, checkBackup } from '../../backup/check-backup.js';
import { backupUsage } from '../../backup/codes.js';
import { type OpenBackup, openBackup } from '../../backup/read-backup.js';
import { assertNoKeys, createKeyRestore, withKeysAlone } from '../../backup/restore-epoch-keys.js';
import { ROW_PASSES } from '../../backup/restore-rows.js';
import { readEnv } from '../../config/env.js';
import { CONFIG_FILE, parseConfig } from '../../config/load-config.js';
import { createRandom } from '../../random.js';
import { createVault } from '../../vault/create-vault.js';
import { encodeKeyFile, writePrivateFile } from '../../vault/key-file.js';
import { KEY_FILE, SEALED_KEY_FILE } from '../../vault/key-source.js';
import { copyStorageKey } from '../../vault/storage-key.js';
import { noteAnchor } from '../folder/audit-anchor.js';
import { type ForeignSetting, foreignSettings } from '../setup/check-config.js';
import { assertUnused, createDataDir } from '../folder/data-dir.js';
import { guardSecrets } from '../process/guard-secrets.js';
import { noteDatabase } from '../database/own-database.js';
import { openTarget, restoreDatabase, type RestoreTarget, type TargetStorage } from './restore-database.js';

const MS_PER_SECOND = 1_000;

/** How far a restore is. While the backup is opened no bytes are counted. */
export type RestoreProgress = (step: 'open' | 'check' | 'write', bytes: number, of: number | null) => void;

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

/** What a restore would restore. */
export interface RestorePreview {
  readonly contents: BackupContents;
  /** What this machine's clock says. UnixSeconds. */
  readonly now: number;
  /** Settings in it by which the server reaches outside of its directory. */
  readonly settings: readonly ForeignSetting[];
}

/**
 * Reads all of a backup and says what a restore would restore; writes nothing. A clock that is wrong is shown, not refused.
 * @throws as {@link restoreServer}, but for what only writing finds out
 */
export function previewRestore(options: RestoreOptions): Promise<RestorePreview> {
  return withBackup(options, async ({ contents, config, now }) => ({
    contents,
    now,
    settings: foreignSettings(config),
  }));
}

/**
 * Makes the data directory of a server, and its database, out of a backup, all of which is read and checked before anything is
 * written. `config.json` is written last: without it there is no server in the directory. The audit log says that it was
 * restored, from which backup, and when. Ends in the next second, so that what is sent from then on is of after the restore.
 * A restore that was cut short is repeated with the same backup, also where the database is full already.
 * @throws UsageError `DATA_DIR_USED`, `DATA_DIR_FOREIGN`, `BACKUP_DATABASE_USED`, `BACKUP_KEYS_USED`, `BACKUP_FROM_LATER`,
 * `CONFIG_INVALID`; EncodingError `BACKUP_…`; AccessError `PASSPHRASE_WRONG`; StorageError `BACKUP_UNREADABLE`,
 * `EPOCH_KEYS_UNUSABLE`, `FILE_…`, `STORAGE_…`
 */
export function restoreServer(options: RestoreOptions): Promise<BackupContents> {
  const { dataDir, nowMs = Date.now, progress = () => undefined } = options;
  return withBackup(options, async (target) => {
    const { config, vault, contents } = target;
    assertNotFromLater(contents, target.now);
    await withKeysAlone({ config, vault, id: contents.id }, async () => {
      // Elsewhere: before the folder is made, so that nothing is left in it when there is another server's.
      const elsewhere = config.databaseUrl === null ? null : await openTarget(target);
      try {
        const removeDataDir = claimDataDir(dataDir);
        await restoreInto(target, elsewhere, (bytes, of) => progress('write', bytes, of)).catch((error) => {
          emptyFolder(dataDir);
          removeDataDir();
          throw error;
        });
      } finally {
        await elsewhere?.storage.close();
      }
    });
    await pause(MS_PER_SECOND - (nowMs() % MS_PER_SECOND));
    return contents;
  });
}

/** In a folder that is being restored to: another restore finds it used, also before anything else is in it. */
const CLAIM_FILE = 'restoring';

/** @returns takes the folder away again, when it is empty. Refused when somebody else was faster: then nothing in it is ours to remove */
function claimDataDir(dataDir: string): () => void {
  const remove = createDataDir(dataDir);
  try {
    writePrivateFile(join(dataDir, CLAIM_FILE), new Uint8Array());
    return remove;
  } catch (error) {
    remove();
    throw error;
  }
}

/** Everything that can be refused without writing is refused here. */
async function withBackup<T>(
  options: RestoreOptions,
  work: (target: RestoreTarget) => Promise<T>,
): Promise<T> {
  const { file, dataDir, passphrase, nowMs = Date.now, progress = () => undefined } = options;
  const env = readEnv(options.variables);
  try {
    guardSecrets(options.variables);
    assertUnused(dataDir);
    progress('open', 0, null);
    const backup = await openBackup(file, passphrase);
    const random = createRandom();
    const vault = createVault(copyStorageKey(backup.storageKey), random);
    try {
      const contents = await checkBackup(backup, (bytes, of) => progress('check', bytes, of));
      const config = parseConfig(dataDir, decodeUtf8(contents.config), env);
      assertNoKeys({ config, vault, id: contents.id });
      const now = Math.floor(nowMs() / MS_PER_SECOND);
      return await work({ backup, contents, config, vault, now, random });
    } finally {
      vault.wipe();
      await backup.close();
    }
  } finally {
    wipe(passphrase);
  }
}

/** @param elsewhere the database, if it is not to be in the directory */
async function restoreInto(
  target: RestoreTarget,
  elsewhere: TargetStorage | null,
  read: (bytes: number, of: number) => void,
): Promise<void> {
  const { backup, contents, config, vault } = target;
  const { dataDir } = config;
  // The backup is read once for its files, and some times more for its rows.
  const passes = 1 + ROW_PASSES;
  const keys = createKeyRestore({ config, vault, id: contents.id });
  try {
    await keys.write(backup, (bytes, of) => read(bytes, passes * of));
    writeKeyFile(dataDir, backup, contents.isSealed);
    writePrivateFile(join(dataDir, 'identity'), contents.identity);
    const database = elsewhere ?? (await openTarget(target));
    const { storage } = database;
    try {
      const id = await restoreDatabase(target, database, (bytes, of) => read(of + bytes, passes * of));
      noteDatabase(dataDir, storage, id);
      const end = await storage.read(({ audit }) => audit.head());
      noteAnchor(dataDir, vault, end, null);
    } finally {
      if (elsewhere === null) await storage.close();
    }
    rmSync(join(dataDir, CLAIM_FILE));
    writePrivateFile(join(dataDir, CONFIG_FILE), contents.config);
  } catch (error) {
    keys.undo();
    throw error;
  }
  keys.finish();
}

function writeKeyFile(dataDir: string, { header, storageKey }: OpenBackup, isSealed: boolean): void {
  if (isSealed) return writePrivateFile(join(dataDir, SEALED_KEY_FILE), header.key);
  const bytes = encodeKeyFile(storageKey);
  writePrivateFile(join(dataDir, KEY_FILE), bytes);
  bytes.fill(0);
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
