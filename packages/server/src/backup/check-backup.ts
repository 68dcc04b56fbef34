import { equalBytes, secret, StorageError, wipe } from '@ckm/foundation';
import {
  createIdentity,
  createXidDocument,
  formatEnvelopeUr,
  signXidDocument,
  wipeIdentity,
} from '@ckm/gordian';
import { faultOf, START } from '../audit/create-audit-log.js';
import { createRandom } from '../random.js';
import type { AuditRow, Rows, ShareRow, TableName } from '../storage/storage.js';
import { createVault } from '../vault/create-vault.js';
import { epochKeyName } from '../vault/epoch-key-name.js';
import { copyStorageKey, STORAGE_KEY_BYTES } from '../vault/storage-key.js';
import type { Vault } from '../vault/vault.js';
import { changed } from './codes.js';
import type { OpenBackup } from './read-backup.js';
import {
  BACKED_UP,
  type BackedUp,
  type BackupEnd,
  type BackupManifest,
  type BackupRecord,
  CONFIG,
  EPOCH_KEY,
  IDENTITY,
  type KeyFaults,
} from './records.js';

/** What is in a backup, when all of it was read. */
export interface BackupContents extends BackupManifest {
  /** Of the program that made it. */
  readonly version: string;
  readonly bytes: number;
  /** The server's XID document, signed, as `ur:envelope/…`, whose likeness people compare. */
  readonly document: string;
  /** The file of the identity, sealed under the storage key. */
  readonly identity: Uint8Array;
  /** Text of `config.json`. */
  readonly config: Uint8Array;
  readonly log: BackupEnd['log'];
  readonly rows: Readonly<Record<BackedUp, number>>;
  /** Rows that are not what this server stored: they were so in the database, and are refused when they are used. */
  readonly damaged: number;
  /** Shares whose epoch key is not in it. */
  readonly keysMissing: number;
  readonly keyFaults: KeyFaults;
  /** What is wrong with the audit log, in words; null: it is whole. */
  readonly logFault: string | null;
}

/**
 * Reads all of a backup: each part in its place and unchanged, each row and file sealed under the storage key in it, the
 * audit log without a gap. Shares are opened with their epoch keys, and wiped.
 * @throws EncodingError `BACKUP_CHANGED`, `BACKUP_CUT_SHORT`; StorageError `FILE_TAMPERED` for an identity of another server
 */
export async function checkBackup(
  backup: OpenBackup,
  read: (bytes: number, of: number) => void = () => undefined,
): Promise<BackupContents> {
  const vault = createVault(copyStorageKey(backup.storageKey), createRandom());
  const check = createCheck(vault);
  let bytes = 0;
  const records = backup.records((done, of) => {
    bytes = of;
    read(done, of);
  });
  try {
    for await (const record of records) {
      if (record.kind === 'end') return { ...check.end(record.end), version: backup.header.version, bytes };
      check.record(record);
    }
    throw changed('it has no end');
  } finally {
    vault.wipe();
  }
}

/** Goes through the records of one backup, in their order. */
function createCheck(vault: Vault) {
  let manifest: BackupManifest | null = null;
  const files = new Map<string, Uint8Array>();
  const rows = Object.fromEntries(BACKED_UP.map((table) => [table, 0])) as Record<BackedUp, number>;
  const shares = createShareCheck(vault);
  const log = createLogCheck(vault);
  let damaged = 0;

  function checkRows(table: BackedUp, found: readonly Rows[BackedUp][]): void {
    rows[table] += found.length;
    for (const row of found) {
      if (table === 'shares') shares.wait(row as ShareRow);
      else if (table === 'audit') log.next(row as AuditRow);
      else if (!opens(() => vault.openRow<TableName>(table, row))) damaged++;
    }
  }

  return {
    record(given: Exclude<BackupRecord, { kind: 'end' }>): void {
      if ((given.kind === 'manifest') !== (manifest === null))
        throw changed('its parts are in another order');
      if (given.kind === 'manifest') manifest = given.manifest;
      else if (given.kind === 'rows') checkRows(given.table, given.rows);
      else {
        for (const { name, content } of given.files) {
          if (EPOCH_KEY.test(name)) shares.open(name, content);
          else files.set(name, content);
        }
      }
    },
    end(end: BackupEnd): Omit<BackupContents, 'version' | 'bytes'> {
      const [identity, config] = [files.get(IDENTITY), files.get(CONFIG)];
      if (manifest === null || identity === undefined || config === undefined)
        throw changed('a file is missing');
      return {
        ...manifest,
        document: documentOf(vault, identity),
        identity,
        config,
        log: end.log,
        rows,
        damaged: damaged + shares.damaged(),
        keysMissing: shares.waiting(),
        keyFaults: end.keyFaults,
        logFault: log.fault(end.log),
      };
    },
  };
}

/** Shares come before the keys of their epochs, and are opened when those come. */
function createShareCheck(vault: Vault) {
  const waiting = new Map<string, ShareRow>();
  let damaged = 0;
  return {
    wait: (row: ShareRow) => void waiting.set(epochKeyName(row), row),
    open(name: string, content: Uint8Array): void {
      const row = waiting.get(name);
      waiting.delete(name);
      if (row === undefined || !opens(() => openShare(vault, name, content, row))) damaged++;
    },
    waiting: () => waiting.size,
    damaged: () => damaged,
  };
}

function openShare(vault: Vault, name: string, content: Uint8Array, row: ShareRow): Uint8Array {
  const key = vault.openFile(name, content);
  const own = createVault({ epoch: 1, key: secret(key.slice(0, STORAGE_KEY_BYTES)) }, createRandom());
  key.fill(0);
  try {
    return own.openRow('shares', row);
  } finally {
    own.wipe();
  }
}

function createLogCheck(vault: Vault) {
  let sequence = 0;
  let hash: Uint8Array = START;
  let fault: string | null = null;
  return {
    next(row: AuditRow): void {
      sequence++;
      fault ??= faultOf(row, sequence, hash, vault);
      hash = row.hash;
    },
    fault(head: BackupEnd['log']): string | null {
      const isEnd = head.sequence === sequence && equalBytes(head.hash, hash);
      return fault ?? (isEnd ? null : 'the head is not that of the last entry');
    },
  };
}

function opens(open: () => Uint8Array): boolean {
  try {
    open().fill(0);
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

function documentOf(vault: Vault, sealed: Uint8Array): string {
  const seed = secret(vault.openFile(IDENTITY, sealed));
  const identity = createIdentity(seed);
  try {
    return formatEnvelopeUr(signXidDocument(createXidDocument(identity.publicKeys), identity));
  } finally {
    wipeIdentity(identity);
    wipe(seed);
  }
}
