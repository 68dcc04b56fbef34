import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CkmError, equalBytes, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import type { AuditAnchor } from '../../audit/audit.js';
import { createAuditLog } from '../../audit/create-audit-log.js';
import { keyChanging, underWay } from '../../backup/codes.js';
import { type BackupMeans, createBackup } from '../../backup/create-backup.js';
import { letOthersWork } from '../../backup/let-others-work.js';
import { type BackupFile, CONFIG, IDENTITY } from '../../backup/records.js';
import { readEnv } from '../../config/env.js';
import { CONFIG_FILE, loadConfig } from '../../config/load-config.js';
import type { ServerContext } from '../../context.js';
import { createRandom } from '../../random.js';
import { destroyedUntil } from '../../sessions/changes/backups-in.js';
import type { Storage, Transaction } from '../../storage/storage.js';
import { vaultError } from '../../vault/codes.js';
import { createVault } from '../../vault/create-vault.js';
import { openEpochKeys } from '../../vault/epoch-keys.js';
import { readPrivateFile } from '../../vault/key-file.js';
import { findKeySource, type KeySource } from '../../vault/key-source.js';
import { DEFAULT_COST, type PassphraseCost } from '../../vault/passphrase.js';
import { copyStorageKey, keyCheckValue, type StorageKey, wipeStorageKey } from '../../vault/storage-key.js';
import type { Vault } from '../../vault/vault.js';
import { describeGap, readAnchor } from '../folder/audit-anchor.js';
import { assertDataDir, IDENTITY_FILE } from '../folder/data-dir.js';
import { guardSecrets } from '../process/guard-secrets.js';
import { furthest, openLastEntry } from '../folder/last-entry.js';
import { type GoodBackup, noteBackupsDestroyed, noteGoodBackup } from './note-backup.js';
import { openStoppedStorage } from '../database/own-database.js';
import {
  backupLog,
  lastBackupAt,
  lastDrillAt,
  noteBegun,
  noteDrill,
  noteOver,
} from '../database/backup-marks.js';

export interface BackupOptions {
  /**
   * Opens the backup. Of a server that has a passphrase it is that one, and checked: a typing error would lock the backup.
   * Wiped.
   */
  readonly passphrase: Secret<Uint8Array>;
  /** Whether the keys of epochs are in it, without which no share in it ever opens. */
  readonly hasEpochKeys: boolean;
  /** For tests: the default takes half a second and 128 MiB. */
  readonly passphraseCost?: PassphraseCost;
}

/** Where the storage key comes from. */
type OpensKey = Pick<KeySource, 'sealed' | 'open'>;

/** Backups of a server that runs, one at a time. */
export interface Backups {
  /**
   * Begins one: its pieces. Whatever can be refused is refused before the first piece.
   * @throws StateError `BACKUP_UNDER_WAY`, `BACKUP_KEY_CHANGING`; AccessError `PASSPHRASE_…`; UsageError `PASSPHRASE_TOO_WEAK`;
   * StorageError `KEY_FILE_…`, `STORAGE_…`
   */
  begin(options: BackupOptions): Promise<AsyncIterable<Uint8Array>>;
  /** Notes that one was read back by whoever has it, and found good. */
  keep(backup: GoodBackup): Promise<void>;
  /** When the last one was made that is known to be good; null: none is. UnixSeconds. */
  lastAt(): Promise<number | null>;
  /** How many of those that may hold shares nobody has said to be destroyed; null: not known. */
  countLeft(): Promise<number | null>;
  /** Notes that the operator has destroyed all that were begun before. @param before UnixSeconds */
  noteDestroyed(before: number): Promise<void>;
  /** When one was last compared with the certified shares; null: none is known. UnixSeconds. */
  lastDrillAt(): Promise<number | null>;
  noteDrill(transaction: Transaction, at: number): Promise<void>;
}

export function createBackups(
  context: ServerContext,
  means: { readonly source: OpensKey; readonly passphraseCost: PassphraseCost; isKeyChanging(): boolean },
): Backups {
  const { vault, config } = context;
  let isUnderWay = false;
  const assertSameKeyAs = ({ epoch }: StorageKey) => {
    if (means.isKeyChanging() || vault.epoch !== epoch) throw keyChanging();
  };

  async function* pieces(options: BackupOptions): AsyncGenerator<Uint8Array, void> {
    const storageKey = await openStorageKey(means.source, options.passphrase);
    try {
      assertSameKeyAs(storageKey);
      if (!equalBytes(keyCheckValue(storageKey), vault.checkValue)) throw otherKeyFile();
      const { storage, audit, epochKeys, clock, random } = context;
      yield* createBackup(
        {
          storage,
          audit,
          epochKeys,
          clock,
          random,
          storageKey,
          vault,
          name: config.name,
          isSealed: means.source.sealed,
          // Its own start has looked, and has said so in the log.
          wentBack: null,
          files: filesOf(config.dataDir),
          assertSameKey: () => assertSameKeyAs(storageKey),
          noteBegun: (transaction, now) => noteBegun(transaction, vault, now),
          noteOver: (transaction, begun) => noteOver(transaction, vault, begun),
          rest: letOthersWork,
        },
        { passphraseCost: means.passphraseCost, ...options },
      );
    } finally {
      wipeStorageKey(storageKey);
    }
  }

  async function* watched(options: BackupOptions): AsyncGenerator<Uint8Array, void> {
    try {
      yield* pieces(options);
    } catch (error) {
      context.events.backupFailed({ code: error instanceof CkmError ? error.code : 'INTERNAL' });
      throw error;
    } finally {
      isUnderWay = false;
    }
  }

  return {
    async begin(options) {
      if (isUnderWay || means.isKeyChanging()) {
        wipe(options.passphrase);
        throw isUnderWay ? underWay() : keyChanging();
      }
      isUnderWay = true;
      // Only the first piece needs it.
      return begun(watched(options)).finally(() => wipe(options.passphrase));
    },
    keep: (backup) => noteGoodBackup(context, backup),
    lastAt: () => context.storage.read((reader) => lastBackupAt(reader, vault)),
    countLeft: async () => {
      const log = await context.storage.read((reader) => backupLog(reader, vault));
      if (log === null) return null;
      const until = destroyedUntil(log, context.clock());
      return log.begun.filter(({ at }) => at >= until).length;
    },
    noteDestroyed: (before) => noteBackupsDestroyed(context, before),
    lastDrillAt: () => context.storage.read((reader) => lastDrillAt(reader, vault)),
    noteDrill: (transaction, at) => noteDrill(transaction, vault, at),
  };
}

/**
 * The pieces of a backup of a server that does *not* run; ask a running one with `connectOperator().backup()`. It is closed at
 * the end of the pieces, also of pieces that nobody reads on.
 * @throws StorageError `STORAGE_IN_USE` when it runs, `STORAGE_OTHER`, `STORAGE_MISSING`, `STORAGE_KEY_WRONG`, `KEY_FILE_…`; AccessError `PASSPHRASE_WRONG`
 */
export function backUpStoppedServer(
  dataDir: string,
  options: BackupOptions & StoppedOptions,
): Promise<AsyncIterable<Uint8Array>> {
  return begun(piecesOfStopped(dataDir, options)).finally(() => wipe(options.passphrase));
}

/** What stands for a running server while the folder of a stopped one is worked on. */
interface StoppedServer {
  readonly means: BackupMeans;
  close(): Promise<void>;
}

type StoppedOptions = Pick<BackupOptions, 'passphrase'> & {
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** For tests: milliseconds since 1970. */
  readonly nowMs?: () => number;
};

async function openStopped(dataDir: string, options: StoppedOptions): Promise<StoppedServer> {
  const env = readEnv(options.variables);
  guardSecrets(options.variables);
  assertDataDir(dataDir);
  const config = loadConfig(dataDir, env);
  const { nowMs = Date.now } = options;
  const clock = () => Math.floor(nowMs() / 1000);
  const random = createRandom();
  const source = findKeySource(dataDir, env.storageKeyFile ?? null, clock);
  const storageKey = await openStorageKey(source, options.passphrase);
  const vault = createVault(copyStorageKey(storageKey), random);
  const close = async (storage: Storage | null) => {
    await storage?.close();
    vault.wipe();
    wipeStorageKey(storageKey);
  };
  let storage: Storage | null = null;
  try {
    const epochKeys = openEpochKeys(config, vault, random);
    const files = filesOf(dataDir);
    storage = await openStoppedStorage(config, vault);
    const audit = createAuditLog({ vault, clock, random });
    const [assertSameKey, rest] = [() => undefined, () => Promise.resolve()];
    const { name } = config;
    const wentBack = await describeGap(storage, lastSeen(dataDir, vault));
    const own = { storage, audit, vault, epochKeys, clock, random, storageKey, files, name, wentBack };
    return {
      means: {
        ...own,
        isSealed: source.sealed,
        assertSameKey,
        noteBegun: (transaction, now) => noteBegun(transaction, vault, now),
        noteOver: (transaction, begun) => noteOver(transaction, vault, begun),
        rest,
      },
      close: () => close(own.storage),
    };
  } catch (error) {
    await close(storage);
    throw error;
  }
}

/** The end of the audit log as the server has seen it last. */
function lastSeen(dataDir: string, vault: Vault): AuditAnchor | null {
  return furthest(readAnchor(dataDir, vault), openLastEntry(dataDir, vault).read());
}

async function* piecesOfStopped(
  dataDir: string,
  options: Parameters<typeof backUpStoppedServer>[1],
): AsyncGenerator<Uint8Array, void> {
  const { means, close } = await openStopped(dataDir, options);
  try {
    yield* createBackup(means, { passphraseCost: DEFAULT_COST, ...options });
  } finally {
    await close();
  }
}

/**
 * Notes in the folder of a server that does *not* run that a backup of it was read back and found good.
 * @param options whose passphrase is wiped; only a server that has one needs it
 * @throws as {@link backUpStoppedServer}
 */
export async function noteBackupOfStopped(
  dataDir: string,
  { id, takenAt, ...options }: GoodBackup & StoppedOptions,
): Promise<void> {
  try {
    const { means, close } = await openStopped(dataDir, options);
    try {
      await noteGoodBackup(means, { id, takenAt });
    } finally {
      await close();
    }
  } finally {
    wipe(options.passphrase);
  }
}

/** Asks for the first piece, so that what is refused is refused before anybody writes anything. */
async function begun(pieces: AsyncGenerator<Uint8Array, void>): Promise<AsyncIterable<Uint8Array>> {
  let first: IteratorResult<Uint8Array, void> | null = await pieces.next();
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    next: async () => {
      const step = first ?? (await pieces.next());
      first = null;
      return step;
    },
    // Also before anybody has asked for a piece: a generator of its own would not hear of it.
    return: () => pieces.return(),
  };
  return iterator;
}

/** The present storage key out of its file: a file that is damaged, or another, is noticed while the key is still known. */
async function openStorageKey(source: OpensKey, passphrase: Secret<Uint8Array>): Promise<StorageKey> {
  const copy = source.sealed ? secret(reveal(passphrase, 'open the storage key').slice()) : null;
  const { current, earlier } = await source.open(copy);
  if (earlier === null) return current;
  wipeStorageKey(current);
  wipeStorageKey(earlier);
  throw keyChanging();
}

function filesOf(dataDir: string): readonly BackupFile[] {
  return [
    { name: IDENTITY, content: readPrivateFile(join(dataDir, IDENTITY_FILE)) },
    { name: CONFIG, content: new Uint8Array(readFileSync(join(dataDir, CONFIG_FILE))) },
  ];
}

function otherKeyFile() {
  return vaultError(
    'STORAGE_KEY_WRONG',
    'the file of the storage key is not the one this server was opened with',
    'bring the right file back before the server stops, or change the storage key',
  );
}
