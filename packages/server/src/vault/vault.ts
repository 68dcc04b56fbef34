import type { Rows, TableName } from '../storage/storage.js';

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
  /** Overwrites the keys; best effort. The vault answers nothing afterwards. */
  wipe(): void;
}
