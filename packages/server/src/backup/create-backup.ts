import { encodeHex, type Secret, StorageError, VERSION } from '@ckm/foundation';
import type { AuditEntry, AuditLog } from '../audit/audit.js';
import { MIGRATIONS } from '../storage/migrations/migrate.js';
import type { AuditHeadRow, Storage, Transaction } from '../storage/storage.js';
import { epochKeyName, type EpochScope } from '../vault/epoch-key-name.js';
import type { EpochKeys } from '../vault/epoch-keys.js';
import { sealKeyFile, type PassphraseCost } from '../vault/passphrase.js';
import { createStorageKey, type StorageKey, wipeStorageKey } from '../vault/storage-key.js';
import type { Vault } from '../vault/vault.js';
import { createFrameKey, encodeHeader, MAX_CONTENT_BYTES } from './frames.js';
import {
  type BackupFile,
  type BackupManifest,
  type BackupRecord,
  encodeRecord,
  encodeRecords,
  type KeyFaults,
} from './records.js';
import { walkStorage } from './walk-storage.js';

/** What a backup is made of: a server that runs, or the files of one that does not. */
export interface BackupMeans {
  readonly storage: Storage;
  readonly audit: AuditLog;
  readonly vault: Vault;
  readonly epochKeys: EpochKeys;
  /** UnixSeconds. */
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
  /** What the server calls itself. */
  readonly name: string;
  readonly isSealed: boolean;
  /** How the database differs from what its server has seen of it, in words; null: it goes on from there. */
  readonly wentBack: string | null;
  /** Of the identity and of `config.json`, as they lie in the data directory. */
  readonly files: readonly BackupFile[];
  /** Everything is sealed under it already. Not wiped. */
  readonly storageKey: StorageKey;
  /** @throws StateError `BACKUP_KEY_CHANGING` once something may be sealed under another storage key */
  assertSameKey(): void;
  /**
   * Notes that one which opens shares is begun, before anything of it leaves, behind the entry that says so.
   * @param now UnixSeconds
   * @returns what it is called there
   */
  noteBegun(transaction: Transaction, now: number): Promise<number>;
  /** Notes that nothing more is read for it. */
  noteOver(transaction: Transaction, begun: number): Promise<void>;
  /** Called after each slice: others get their turn meanwhile. @param tookMs of a processor */
  rest(tookMs: number): Promise<void>;
}

export interface BackupChoices {
  /** Opens the backup: the storage key lies in it under this. Not wiped. */
  readonly passphrase: Secret<Uint8Array>;
  readonly passphraseCost: PassphraseCost;
  /** Whether the keys of epochs are in it, without which no share in it opens. */
  readonly hasEpochKeys: boolean;
}

/**
 * The bytes of a backup, in pieces. That it is made is in the audit log before the first of them, and therefore in the backup.
 * Nothing is opened for it: rows and files are taken as they are stored.
 * @throws UsageError `PASSPHRASE_TOO_WEAK`; StateError `BACKUP_KEY_CHANGING`; StorageError `STORAGE_…`
 */
export async function* createBackup(
  means: BackupMeans,
  choices: BackupChoices,
): AsyncGenerator<Uint8Array, void> {
  const { random, storageKey } = means;
  const { passphrase, passphraseCost } = choices;
  const key = await sealKeyFile(storageKey, passphrase, random, passphraseCost);
  const own = createStorageKey(random);
  const frameKey = await sealKeyFile(own, passphrase, random, passphraseCost);
  const header = encodeHeader({ schema: MIGRATIONS.length, version: VERSION, key, frameKey });
  const frames = createFrameKey(own, header);
  wipeStorageKey(own);
  let end = () => Promise.resolve();
  try {
    const id = random(16);
    const { manifest, begun } = await announce(means, choices, id);
    end = once(() => noteEnd(means, begun));
    const seal = (record: BackupRecord, isLast = false) => frames.seal(encodeRecord(record), isLast);
    yield header;
    yield seal({ kind: 'manifest', manifest });
    yield seal({ kind: 'files', files: means.files });
    const rows: Record<string, number> = {};
    const keys = createKeyReader(means.epochKeys);
    const walk = walkStorage({
      storage: means.storage,
      epochKeyFile: choices.hasEpochKeys ? keys.read : () => null,
      rest: means.rest,
    });
    for (;;) {
      const step = await walk.next();
      means.assertSameKey();
      if (step.done === true) {
        await end();
        yield seal({ kind: 'end', end: { log: logOf(step.value), rows, keyFaults: keys.faults() } }, true);
        return;
      }
      const record = step.value;
      if (record.kind === 'rows') rows[record.table] = (rows[record.table] ?? 0) + record.rows.length;
      for (const encoded of encodeRecords(record, MAX_CONTENT_BYTES)) yield frames.seal(encoded, false);
    }
  } finally {
    frames.wipe();
    await end();
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

/** What cannot be noted counts as under way: more is said to be held then, not less. */
async function noteEnd({ storage, noteOver }: BackupMeans, begun: number | null): Promise<void> {
  if (begun === null) return;
  await storage.transact((transaction) => noteOver(transaction, begun)).catch(() => undefined);
}

/** Of the files that are named in a backup as not as they should be; the others are counted. */
const MOST_NAMED = 16;

/**
 * The files of epoch keys. One that others may read is good all the same, and taken; one that cannot be read is left out. Both
 * are counted: a single one that somebody touched must not keep a server from being backed up.
 */
function createKeyReader(epochKeys: EpochKeys) {
  const some: { readonly name: string; readonly code: string }[] = [];
  let count = 0;
  function note(name: string, code: string): void {
    count++;
    if (some.length < MOST_NAMED) some.push({ name, code });
  }
  return {
    read(scope: EpochScope): BackupFile | null {
      try {
        const file = epochKeys.fileOf(scope);
        if (file === null) return null;
        const { name, content, isExposed } = file;
        if (isExposed) note(name, 'KEY_FILE_EXPOSED');
        return { name, content };
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        note(epochKeyName(scope), error.code);
        return null;
      }
    },
    faults: (): KeyFaults => ({ count, some }),
  };
}

async function announce(
  means: BackupMeans,
  { hasEpochKeys }: BackupChoices,
  id: Uint8Array,
): Promise<{ readonly manifest: BackupManifest; readonly begun: number | null }> {
  const { storage, audit, clock, name, isSealed, wentBack } = means;
  const begun = await storage.transact(async (transaction) => {
    await audit.append(transaction, entryOf(id, hasEpochKeys));
    return hasEpochKeys ? means.noteBegun(transaction, clock()) : null;
  });
  const takenAt = clock();
  const from = audit.seen()!.sequence;
  return { manifest: { id, name, takenAt, from, isSealed, hasEpochKeys, wentBack }, begun };
}

function entryOf(id: Uint8Array, hasEpochKeys: boolean): AuditEntry {
  return {
    deed: 'operator.backup',
    who: null,
    keyId: null,
    subject: null,
    sentence: 'Make a backup',
    verdict: 'done',
    policy: '',
    detail: `backup ${encodeHex(id).slice(0, 8)}, ${hasEpochKeys ? 'with' : 'without'} the keys of epochs`,
  };
}

/** Never null: an entry was written when the backup began. */
function logOf(head: AuditHeadRow | null) {
  const { sequence, hash, sealed } = head!;
  return { sequence, hash, sealed };
}
