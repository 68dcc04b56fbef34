import { COLUMNS } from '../storage/database.js';
import type { Rows, TableName } from '../storage/storage.js';
import { associatedData } from './associated-data.js';
import { cipher, NONCE_BYTES, TAG_BYTES } from './cipher.js';
import { lostFile, vaultError } from './codes.js';
import { deriveKey, keyCheckValue, type StorageKey, wipeStorageKey } from './storage-key.js';
import type { Vault } from './vault.js';

const FORMAT = 1;
const HEADER_BYTES = 1 + 4 + NONCE_BYTES;

/**
 * A vault over one storage key, or over two while one takes the place of the other; it owns them from now on. A sealed value
 * is `1 ‖ epoch (4) ‖ nonce (24) ‖ ciphertext ‖ tag (16)`.
 */
export function createVault(
  storageKey: StorageKey,
  random: (length: number) => Uint8Array,
  earlier: StorageKey | null = null,
): Vault {
  let current = createSealingKey(storageKey);
  const keys = new Map([[current.epoch, current]]);
  if (earlier !== null) keys.set(earlier.epoch, createSealingKey(earlier));

  function seal(
    purpose: string,
    contextOf: (epoch: number) => Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array {
    const { epoch, keyFor } = current;
    const nonce = random(NONCE_BYTES);
    const sealed = cipher.seal(keyFor(purpose), nonce, contextOf(epoch), plaintext);
    const bytes = new Uint8Array(HEADER_BYTES + sealed.length);
    bytes[0] = FORMAT;
    new DataView(bytes.buffer).setUint32(1, epoch);
    bytes.set(nonce, 5);
    bytes.set(sealed, HEADER_BYTES);
    return bytes;
  }

  function open(
    purpose: string,
    contextOf: (epoch: number) => Uint8Array,
    bytes: Uint8Array,
  ): Uint8Array | null {
    current.assertThere();
    const epoch = epochOf(bytes);
    const key = epoch === null ? undefined : keys.get(epoch);
    if (key === undefined) return null;
    const [nonce, sealed] = [bytes.subarray(5, HEADER_BYTES), bytes.subarray(HEADER_BYTES)];
    return cipher.open(key.keyFor(purpose), nonce, contextOf(key.epoch), sealed);
  }

  const fileContext = (name: string) => (epoch: number) => associatedData('file', epoch, [name]);
  const rowContext = (table: TableName, row: object) => {
    const values = readable(table, row);
    return (epoch: number) => associatedData(table, epoch, values);
  };

  return {
    get epoch() {
      return current.epoch;
    },
    get checkValue() {
      return current.checkValue;
    },
    sealRow: <T extends TableName>(table: T, columns: Omit<Rows[T], 'sealed'>, plaintext: Uint8Array) => {
      const sealed = seal(`table ${table}`, rowContext(table, columns), plaintext);
      return { ...columns, sealed } as unknown as Rows[T];
    },
    openRow: (table, row) => {
      const plaintext = open(`table ${table}`, rowContext(table, row), row.sealed);
      if (plaintext !== null) return plaintext;
      throw vaultError(
        'ROW_TAMPERED',
        `a row of ${table} is not what this server stored`,
        'stop the server, keep a copy of the database and restore it from a backup',
      );
    },
    sealFile: (name, plaintext) => seal('files', fileContext(name), plaintext),
    openFile: (name, sealed) => {
      const plaintext = open('files', fileContext(name), sealed);
      if (plaintext !== null) return plaintext;
      throw lostFile(
        'FILE_TAMPERED',
        `the file ${name} is damaged, or was not stored with this storage key`,
        'bring both back from one copy, or make the server again out of its backup in a new folder',
      );
    },
    isOfEarlierKey: (sealed) => epochOf(sealed) !== current.epoch,
    change: (next) => {
      current = createSealingKey(next);
      keys.set(current.epoch, current);
    },
    forgetEarlierKeys: () => {
      for (const [epoch, key] of keys) {
        if (key === current) continue;
        key.wipe();
        keys.delete(epoch);
      }
    },
    wipe: () => {
      for (const key of keys.values()) key.wipe();
    },
  };
}

/** One storage key with the keys derived from it, each made when it is first needed. */
interface SealingKey {
  readonly epoch: number;
  readonly checkValue: Uint8Array;
  /** @throws StorageError `VAULT_WIPED` */
  keyFor(purpose: string): Uint8Array;
  /** @throws StorageError `VAULT_WIPED` */
  assertThere(): void;
  wipe(): void;
}

function createSealingKey(storageKey: StorageKey): SealingKey {
  const derived = new Map<string, Uint8Array>();
  let wiped = false;
  const assertThere = () => {
    if (wiped) throw vaultError('VAULT_WIPED', 'the storage key is gone', 'unseal the server again');
  };
  return {
    epoch: storageKey.epoch,
    checkValue: keyCheckValue(storageKey),
    assertThere,
    keyFor(purpose) {
      assertThere();
      const key = derived.get(purpose) ?? deriveKey(storageKey, purpose);
      derived.set(purpose, key);
      return key;
    },
    wipe() {
      wiped = true;
      for (const key of derived.values()) key.fill(0);
      derived.clear();
      wipeStorageKey(storageKey);
    },
  };
}

/** Under which storage key something was sealed; null: it is not of our form. */
function epochOf(bytes: Uint8Array): number | null {
  if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== FORMAT) return null;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(1);
}

function readable(table: TableName, row: object): unknown[] {
  const values = row as Record<string, unknown>;
  return COLUMNS[table].filter((column) => column !== 'sealed').map((column) => values[column]);
}
