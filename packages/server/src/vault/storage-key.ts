import { encodeUtf8, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';

/** The one key everything stored is sealed under: 32 bytes, and which one it is. */
export interface StorageKey {
  /** 1, and one more with each rotation. */
  readonly epoch: number;
  readonly key: Secret<Uint8Array>;
}

export const STORAGE_KEY_BYTES = 32;
export const CHECK_BYTES = 16;

const NO_SALT = new Uint8Array(0);

/** A key of its own for each use. Source: RFC 5869 with SHA-256. */
export function deriveKey(storageKey: StorageKey, purpose: string, length = 32): Uint8Array {
  const info = encodeUtf8(`ckm/storage/v1/${storageKey.epoch}/${purpose}`);
  return hkdf(sha256, reveal(storageKey.key, `derive the key for ${purpose}`), NO_SALT, info, length);
}

/** Tells one storage key from another, and a damaged one from a whole one; says nothing about the key itself. */
export function keyCheckValue(storageKey: StorageKey): Uint8Array {
  return deriveKey(storageKey, 'check value', CHECK_BYTES);
}

/** A new key of epoch 1. */
export function createStorageKey(random: (length: number) => Uint8Array): StorageKey {
  return { epoch: 1, key: secret(random(STORAGE_KEY_BYTES)) };
}

/** The same key once more, for another owner that wipes it. */
export function copyStorageKey({ epoch, key }: StorageKey): StorageKey {
  return { epoch, key: secret(reveal(key, 'copy the storage key').slice()) };
}

export function wipeStorageKey({ key }: StorageKey): void {
  wipe(key);
}
