import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CkmError, equalBytes, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import { createAuditLog } from '../audit/create-audit-log.js';
import { keyChanging, underWay } from '../backup/codes.js';
import { type BackupMeans, createBackup } from '../backup/create-backup.js';
import { type BackupFile, CONFIG, IDENTITY } from '../backup/records.js';
import { readEnv } from '../config/env.js';
import { CONFIG_FILE, loadConfig } from '../config/load-config.js';
import type { ServerContext } from '../context.js';
import { createRandom } from '../random.js';
import { vaultError } from '../vault/codes.js';
import { createVault } from '../vault/create-vault.js';
import { openEpochKeys } from '../vault/epoch-keys.js';
import { readPrivateFile } from '../vault/key-file.js';
import { findKeySource, type KeySource } from '../vault/key-source.js';
import { DEFAULT_COST, type PassphraseCost } from '../vault/passphrase.js';
import { copyStorageKey, keyCheckValue, type StorageKey, wipeStorageKey } from '../vault/storage-key.js';
import { assertDataDir, IDENTITY_FILE } from './data-dir.js';
import { guardSecrets } from './guard-secrets.js';
import { openStoppedStorage } from './own-database.js';

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
}

/** For each millisecond that reading takes of a processor a running server has so many for everybody else. */
const REST = 2;

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
          name: config.name,
          isSealed: means.source.sealed,
          files: filesOf(config.dataDir),
          assertSameKey: () => assertSameKeyAs(storageKey),
          rest: (tookMs) => setTimeout(tookMs * REST),
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
  };
}

/**
 * The pieces of a backup of a server that does *not* run; ask a running one with `connectOperator().backup()`. It is closed at
 * the end of the pieces, also of pieces that nobody reads on.
 * @throws StorageError `STORAGE_IN_USE` when it runs, `STORAGE_OTHER`, `STORAGE_MISSING`, `STORAGE_KEY_WRONG`, `KEY_FILE_…`; AccessError `PASSPHRASE_WRONG`
 */
export function backUpStoppedServer(
  dataDir: string,
  options: BackupOptions & { readonly variables?: Readonly<Record<string, string | undefined>> },
): Promise<AsyncIterable<Uint8Array>> {
  return begun(piecesOfStopped(dataDir, options)).finally(() => wipe(options.passphrase));
}

async function* piecesOfStopped(
  dataDir: string,
  options: Parameters<typeof backUpStoppedServer>[1],
): AsyncGenerator<Uint8Array, void> {
  const env = readEnv(options.variables);
  guardSecrets(options.variables);
  assertDataDir(dataDir);
  const config = loadConfig(dataDir, env);
  const clock = () => Math.floor(Date.now() / 1000);
  const random = createRandom();
  const source = findKeySource(dataDir, env.storageKeyFile ?? null, clock);
  const storageKey = await openStorageKey(source, options.passphrase);
  const vault = createVault(copyStorageKey(storageKey), random);
  try {
    const epochKeys = openEpochKeys(config, vault, random);
    const files = filesOf(dataDir);
    const storage = await openStoppedStorage(config, vault);
    try {
      const audit = createAuditLog({ vault, clock, random });
      const means: BackupMeans = {
        storage,
        audit,
        epochKeys,
        clock,
        random,
        storageKey,
        files,
        name: config.name,
        isSealed: source.sealed,
        assertSameKey: () => undefined,
        rest: () => Promise.resolve(),
      };
      yield* createBackup(means, { passphraseCost: DEFAULT_COST, ...options });
    } finally {
      await storage.close();
    }
  } finally {
    vault.wipe();
    wipeStorageKey(storageKey);
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
