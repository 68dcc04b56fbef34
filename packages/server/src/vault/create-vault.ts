import { COLUMNS } from '../storage/database.js';
import type { Rows, TableName } from '../storage/storage.js';
import { associatedData } from './associated-data.js';
import { cipher, NONCE_BYTES, TAG_BYTES } from './cipher.js';
import { vaultError } from './codes.js';
import { deriveKey, keyCheckValue, type StorageKey, wipeStorageKey } from './storage-key.js';
import type { Vault } from './vault.js';

const FORMAT = 1;
const HEADER_BYTES = 1 + 4 + NONCE_BYTES;

/**
 * A vault over one storage key, which it owns from now on. A sealed value is
 * `1 ‖ epoch (4) ‖ nonce (24) ‖ ciphertext ‖ tag (16)`.
 */
export function createVault(storageKey: StorageKey, random: (length: number) => Uint8Array): Vault {
  const { epoch } = storageKey;
  const keys = new Map<string, Uint8Array>();
  const checkValue = keyCheckValue(storageKey);
  let wiped = false;

  function keyFor(purpose: string): Uint8Array {
    if (wiped) throw vaultError('VAULT_WIPED', 'the storage key is gone', 'unseal the server again');
    let key = keys.get(purpose);
    if (key === undefined) keys.set(purpose, (key = deriveKey(storageKey, purpose)));
    return key;
  }

  function seal(purpose: string, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const nonce = random(NONCE_BYTES);
    const sealed = cipher.seal(keyFor(purpose), nonce, aad, plaintext);
    const bytes = new Uint8Array(HEADER_BYTES + sealed.length);
    bytes[0] = FORMAT;
    new DataView(bytes.buffer).setUint32(1, epoch);
    bytes.set(nonce, 5);
    bytes.set(sealed, HEADER_BYTES);
    return bytes;
  }

  function open(purpose: string, aad: Uint8Array, bytes: Uint8Array): Uint8Array | null {
    const key = keyFor(purpose);
    if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== FORMAT) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(1) !== epoch) return null;
    return cipher.open(key, bytes.subarray(5, HEADER_BYTES), aad, bytes.subarray(HEADER_BYTES));
  }

  return {
    epoch,
    checkValue,
    sealRow: <T extends TableName>(table: T, columns: Omit<Rows[T], 'sealed'>, plaintext: Uint8Array) => {
      const aad = associatedData(table, epoch, readable(table, columns));
      return { ...columns, sealed: seal(`table ${table}`, aad, plaintext) } as unknown as Rows[T];
    },
    openRow: (table, row) => {
      const aad = associatedData(table, epoch, readable(table, row));
      const plaintext = open(`table ${table}`, aad, row.sealed);
      if (plaintext !== null) return plaintext;
      throw vaultError(
        'ROW_TAMPERED',
        `a row of ${table} is not what this server stored`,
        'stop the server, keep a copy of the database and restore it from a backup',
      );
    },
    sealFile: (name, plaintext) => seal('files', associatedData('file', epoch, [name]), plaintext),
    openFile: (name, sealed) => {
      const plaintext = open('files', associatedData('file', epoch, [name]), sealed);
      if (plaintext !== null) return plaintext;
      throw vaultError(
        'FILE_TAMPERED',
        `the file ${name} is not what this server stored`,
        'restore the file from a backup; check that storage key and data directory belong together',
      );
    },
    wipe: () => {
      wiped = true;
      for (const key of keys.values()) key.fill(0);
      keys.clear();
      wipeStorageKey(storageKey);
    },
  };
}

function readable(table: TableName, row: object): unknown[] {
  const values = row as Record<string, unknown>;
  return COLUMNS[table].filter((column) => column !== 'sealed').map((column) => values[column]);
}
