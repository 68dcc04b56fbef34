import { encodeHex, secret, type Secret, StorageError, wipe } from '@ckm/foundation';
import { type BackupContents, checkBackup } from '../../backup/check-backup.js';
import { type OpenBackup, openBackup } from '../../backup/read-backup.js';
import { EPOCH_KEY } from '../../backup/records.js';
import { createRandom } from '../../random.js';
import { publicHalfOf } from '../../sessions/keys/stored/public-half.js';
import { type KeyHead, openHead } from '../../sessions/keys/stored/key-head.js';
import type { KeySecrets } from '../../sessions/keys/stored/read-key.js';
import type { KeyRow, ShareRow } from '../../storage/storage.js';
import { createVault } from '../../vault/create-vault.js';
import { epochKeyName } from '../../vault/epoch-key-name.js';
import { openRecord } from '../../vault/sealed-record.js';
import { copyStorageKey, STORAGE_KEY_BYTES } from '../../vault/storage-key.js';
import type { Vault } from '../../vault/vault.js';
import { guardSecrets } from '../process/guard-secrets.js';

/** What a backup has of one key. */
export interface DrilledShare {
  /** Of the key in the backup. */
  readonly epoch: number;
  /** The public half of the share in it, as the share itself gives it; null: it does not open, or the key of its epoch is not in it. */
  readonly publicShare: Uint8Array | null;
  /** Whether it is there, and is not what the server stored. */
  readonly isDamaged: boolean;
}

/** A backup that was read to its end as a restore reads it, and what it has of each key. Nothing of it was written anywhere. */
export interface DrilledBackup {
  readonly contents: BackupContents;
  /** @param owner hex, as `keyId`; null: the backup has no such key, or no certificate of it */
  find(owner: string, keyId: string): DrilledShare | null;
}

export interface DrillOptions {
  /** The backup. */
  readonly file: string;
  /** Of the backup; wiped. */
  readonly passphrase: Secret<Uint8Array>;
  /** Instead of `process.env`. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly progress?: (step: 'open' | 'check', bytes: number, of: number | null) => void;
}

/**
 * Reads a backup in memory as if the server were to be made again out of it: every part, every seal, the log; and makes of every
 * share in it its public half. Shares are wiped, and nothing is written.
 * @throws EncodingError `BACKUP_…`; AccessError `PASSPHRASE_WRONG`; StorageError `BACKUP_UNREADABLE`, `FILE_TAMPERED`
 */
export async function drillBackup(options: DrillOptions): Promise<DrilledBackup> {
  const { file, passphrase, progress = () => undefined } = options;
  try {
    guardSecrets(options.variables);
    progress('open', 0, null);
    const backup = await openBackup(file, passphrase);
    try {
      const contents = await checkBackup(backup, (bytes, of) => progress('check', bytes, of));
      const shares = await readShares(backup);
      return { contents, find: (owner, keyId) => shares.get(nameOf(owner, keyId)) ?? null };
    } finally {
      await backup.close();
    }
  } finally {
    wipe(passphrase);
  }
}

const nameOf = (owner: string, keyId: string) => `${owner}/${keyId}`;

async function readShares(backup: OpenBackup): Promise<ReadonlyMap<string, DrilledShare>> {
  const vault = createVault(copyStorageKey(backup.storageKey), createRandom());
  const found = new Map<string, DrilledShare>();
  const heads = new Map<string, { readonly name: string; readonly head: KeyHead }>();
  const waiting = new Map<string, ShareRow>();
  try {
    for await (const record of backup.records()) {
      if (record.kind === 'rows' && record.table === 'keys')
        for (const row of record.rows as readonly KeyRow[]) noteHead(row);
      if (record.kind === 'rows' && record.table === 'shares')
        for (const row of record.rows as readonly ShareRow[]) waiting.set(epochKeyName(row), row);
      if (record.kind === 'files')
        for (const { name, content } of record.files) if (EPOCH_KEY.test(name)) noteShare(name, content);
    }
    return found;
  } finally {
    vault.wipe();
  }

  function noteHead(row: KeyRow): void {
    if (row.state !== 'active') return;
    const name = nameOf(encodeHex(row.owner), encodeHex(row.keyId));
    const head = opened(() => openHead({ vault }, row));
    found.set(name, { epoch: row.epoch, publicShare: null, isDamaged: head === null });
    // Epochs that are over have shares too, until they are destroyed.
    if (head !== null) heads.set(epochKeyName(row), { name, head });
  }

  function noteShare(file: string, content: Uint8Array): void {
    const [of, row] = [heads.get(file), waiting.get(file)];
    waiting.delete(file);
    if (of === undefined || row === undefined) return;
    const publicShare = opened(() => publicHalf(vault, file, content, row, of.head));
    found.set(of.name, { epoch: row.epoch, publicShare, isDamaged: publicShare === null });
  }
}

function publicHalf(
  vault: Vault,
  file: string,
  content: Uint8Array,
  row: ShareRow,
  { suite }: KeyHead,
): Uint8Array | null {
  const key = vault.openFile(file, content);
  const own = createVault({ epoch: 1, key: secret(key.slice(0, STORAGE_KEY_BYTES)) }, createRandom());
  key.fill(0);
  try {
    const { share, pending, staticSeed } = openRecord<KeySecrets>(own, 'shares', row);
    pending?.fill(0);
    staticSeed?.fill(0);
    if (share === null) return null;
    try {
      return publicHalfOf(suite, share);
    } finally {
      share.fill(0);
    }
  } finally {
    own.wipe();
  }
}

/** Null: it is not what the server stored. */
function opened<T>(open: () => T): T | null {
  try {
    return open();
  } catch (error) {
    if (error instanceof StorageError) return null;
    throw error;
  }
}
