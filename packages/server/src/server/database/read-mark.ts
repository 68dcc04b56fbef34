import { StorageError } from '@ckm/foundation';
import { decodeData } from '@ckm/gordian';
import { z } from 'zod';
import type { MetaRow } from '../../storage/storage.js';
import type { Vault } from '../../vault/vault.js';

/** Null: there is none, or it is not what this server stored. */
export function openIfWhole(vault: Vault, row: MetaRow | null): Uint8Array | null {
  try {
    return row === null ? null : vault.openRow('meta', row);
  } catch (error) {
    if (error instanceof StorageError) return null;
    throw error;
  }
}

/** The moment that a mark is about. UnixSeconds. */
export function momentIn(plaintext: Uint8Array): number {
  return z.strictObject({ at: z.int() }).parse(decodeData(plaintext)).at;
}
