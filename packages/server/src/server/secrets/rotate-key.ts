import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CkmError, type Secret, secret, StateError, wipe } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import { COLUMNS } from '../../storage/database.js';
import type { Rows, Storage, TableName } from '../../storage/storage.js';
import { readPrivateFile, writePrivateFile } from '../../vault/key-file.js';
import type { KeySource } from '../../vault/key-source.js';
import { STORAGE_KEY_BYTES } from '../../vault/storage-key.js';
import type { Vault } from '../../vault/vault.js';
import { ANCHOR_FILE, IDENTITY_FILE } from '../folder/data-dir.js';

/** Rows of one transaction: others go on between two of them. */
const SLICE = 100;

/**
 * Puts another storage key in the place of the present one, while the server runs: everything that is stored is sealed anew,
 * slice by slice, and the old key destroyed at the end. Whatever moment it is cut short at, the next start goes on from
 * there: both keys lie in the data directory until nothing is sealed under the old one any more.
 */
export interface KeyRotation {
  /** Whether one has begun and is not done. */
  isUnderWay(): boolean;
  /**
   * Begins one, or goes on with the one that has begun; resolves when the old key is destroyed.
   * @param passphrase of a server that has one; wiped. Not needed to go on.
   * @returns the number of the storage key that is in use then
   * @throws StateError `ROTATION_REPLICAS` when other processes have the database open; AccessError `PASSPHRASE_…`;
   * StorageError `KEY_FILE_…`, `STORAGE_…`
   */
  rotate(passphrase: Secret<Uint8Array> | null): Promise<number>;
}

/** What a rotation works with, besides the server itself. */
export interface RotationMeans {
  readonly source: KeySource;
  /** Whether the server was opened with two keys, because one was cut short. */
  readonly isBegun: boolean;
  /** Resolves when every transaction that is under way now has ended. */
  settled(): Promise<void>;
}

export function createKeyRotation(
  context: ServerContext,
  { source, isBegun, settled }: RotationMeans,
): KeyRotation {
  const { vault, storage, audit, random } = context;
  let isUnderWay = isBegun;
  let working: Promise<number> | null = null;

  async function begin(passphrase: Secret<Uint8Array> | null): Promise<void> {
    if ((await storage.countOthers()) > 0) throw otherReplicas();
    const next = { epoch: vault.epoch + 1, key: secret(random(STORAGE_KEY_BYTES)) };
    const former = vault.epoch;
    // First: a passphrase that is wrong changes nothing, and what is not done is not in the log.
    await source.prepare(next, passphrase, random);
    vault.change(next);
    isUnderWay = true;
    await note(`key ${next.epoch} takes the place of key ${former}`);
  }

  async function finish(): Promise<number> {
    // What was sealed before the change is stored before the walk begins, or never: a walk does not see what others insert.
    await settled();
    // A row that was sealed before the change may be stored behind the walk: so until one finds nothing.
    while ((await resealRows(storage, vault)) > 0);
    resealFile(context, IDENTITY_FILE);
    resealFile(context, ANCHOR_FILE);
    await context.epochKeys.reseal();
    await note(`nothing is sealed under an earlier key than ${vault.epoch}`);
    source.settle();
    vault.forgetEarlierKeys();
    isUnderWay = false;
    return vault.epoch;
  }

  const note = (detail: string) =>
    storage.transact((transaction) =>
      audit.append(transaction, {
        deed: 'operator.rotate-key',
        who: null,
        keyId: null,
        subject: null,
        sentence: 'Change the storage key',
        verdict: 'done',
        policy: '',
        detail,
      }),
    );

  return {
    isUnderWay: () => isUnderWay,
    async rotate(passphrase) {
      try {
        working ??= (isUnderWay ? Promise.resolve() : begin(passphrase)).then(finish).finally(() => {
          working = null;
        });
        return await working;
      } finally {
        if (passphrase !== null) wipe(passphrase);
      }
    },
  };
}

/** Seals every row anew that is sealed under an earlier key; returns how many those were. */
async function resealRows(storage: Storage, vault: Vault): Promise<number> {
  let count = 0;
  for (const table of Object.keys(COLUMNS) as TableName[]) {
    // Sealed under keys of their own, which are files.
    if (table === 'shares') continue;
    for (let after: Rows[TableName] | null = null; ;) {
      const slice = await resealSlice(storage, vault, table, after);
      count += slice.count;
      after = slice.last;
      if (after === null) break;
      await setImmediate();
    }
  }
  return count;
}

async function resealSlice(
  storage: Storage,
  vault: Vault,
  table: TableName,
  after: Rows[TableName] | null,
): Promise<{ readonly count: number; readonly last: Rows[TableName] | null }> {
  return storage.transact(async ({ sealed }) => {
    const rows = await sealed.page(table, after, SLICE);
    let count = 0;
    for (const row of rows.filter((one) => vault.isOfEarlierKey(one.sealed))) {
      const plaintext = opened(vault, table, row);
      // It was not this server that stored it: it opens under no key, before and after.
      if (plaintext === null) continue;
      const { sealed: _sealed, ...columns } = row;
      const anew = vault.sealRow(table, columns, plaintext);
      plaintext.fill(0);
      await sealed.replace(table, row, anew.sealed);
      count++;
    }
    return { count, last: rows.length < SLICE ? null : rows.at(-1)! };
  });
}

function opened<T extends TableName>(vault: Vault, table: T, row: Rows[T]): Uint8Array | null {
  try {
    return vault.openRow(table, row);
  } catch (error) {
    if (error instanceof CkmError && error.code === 'ROW_TAMPERED') return null;
    throw error;
  }
}

/** Of the data directory, if it is there. */
function resealFile({ config, vault }: ServerContext, name: string): void {
  const path = join(config.dataDir, name);
  if (!existsSync(path)) return;
  const sealed = name === IDENTITY_FILE ? readPrivateFile(path) : new Uint8Array(readFileSync(path));
  if (!vault.isOfEarlierKey(sealed)) return;
  const plaintext = vault.openFile(name, sealed);
  writePrivateFile(path, vault.sealFile(name, plaintext), { replace: true });
  plaintext.fill(0);
}

function otherReplicas(): StateError {
  return new StateError('other processes of this server have the database open', {
    code: 'ROTATION_REPLICAS',
    hint: 'stop all replicas but one, change the key there, then give the others the new key file',
  });
}
