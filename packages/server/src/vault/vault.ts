import type { Rows, TableName } from '../storage/storage.js';
import type { StorageKey } from './storage-key.js';

/** The columns of a row that stay readable: all but the ciphertext. */
export type Columns<T extends TableName> = Omit<Rows[T], 'sealed'>;

/**
 * Seals what is stored. XChaCha20-Poly1305 with a random 24-byte nonce; one key for each table (HKDF from the storage
 * key); the associated data binds the table, the epoch of the storage key and *every readable column*, so that neither
 * a swapped row nor a changed owner, state, version or expiry opens (V64).
 */
export interface Vault {
  /** Which storage key this is: 1, and one more with each rotation. */
  readonly epoch: number;
  /** 16 bytes that tell one storage key from another; not secret. */
  readonly checkValue: Uint8Array;
  /** The complete row, ready to store. The plaintext stays the caller's: wipe it. */
  sealRow<T extends TableName>(table: T, columns: Columns<T>, plaintext: Uint8Array): Rows[T];
  /**
   * What was sealed; a fresh copy that the caller wipes when it holds a secret.
   * @throws StorageError `ROW_TAMPERED` when the row is not, byte for byte, what this vault sealed.
   */
  openRow<T extends TableName>(table: T, row: Rows[T]): Uint8Array;
  /** Seals something that lives outside the database, bound to its name. */
  sealFile(name: string, plaintext: Uint8Array): Uint8Array;
  /** @throws StorageError `FILE_TAMPERED`. */
  openFile(name: string, sealed: Uint8Array): Uint8Array;
  /** Whether something that was sealed is sealed under another storage key than the present one. */
  isOfEarlierKey(sealed: Uint8Array): boolean;
  /** From now on everything is sealed under this key, which the vault owns; what was sealed before still opens. */
  change(next: StorageKey): void;
  /** Overwrites every storage key but the present one: what is still sealed under one of them never opens again. */
  forgetEarlierKeys(): void;
  /** Overwrites the keys; best effort. The vault answers nothing afterwards. */
  wipe(): void;
}
