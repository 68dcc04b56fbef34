import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Secret, wipe } from '@ckm/foundation';
import { passphraseWrong, tooManyTries, vaultError } from './codes.js';
import { parseKeyFile, readPrivateFile } from './key-file.js';
import { openKeyFile } from './passphrase.js';
import type { StorageKey } from './storage-key.js';

/** Where a storage key comes from. A key management service or a credential of the init system is one more of these. */
export interface KeySource {
  readonly kind: 'file' | 'passphrase';
  /** Whether somebody has to type something: then the server starts sealed. */
  readonly sealed: boolean;
  /**
   * @param passphrase wiped by this call; null for a source that needs none.
   * @throws AccessError `PASSPHRASE_WRONG`, `PASSPHRASE_TOO_MANY_TRIES`; StorageError `KEY_FILE_…`.
   */
  open(passphrase: Secret<Uint8Array> | null): Promise<StorageKey>;
}

export const KEY_FILE = 'storage.key';
export const SEALED_KEY_FILE = 'storage.key.sealed';

/** A file that only the server's user may read, 0600. */
export function keyFileSource(path: string): KeySource {
  return {
    kind: 'file',
    sealed: false,
    open: async () => {
      const bytes = readPrivateFile(path);
      try {
        return parseKeyFile(bytes);
      } finally {
        bytes.fill(0);
      }
    },
  };
}

const FREE_TRIES = 5;
const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 3600;

/**
 * A key under a passphrase. After five wrong ones each further try has to wait, twice as long every time.
 * @param now UnixSeconds; only makes people wait, never lets anybody in.
 */
export function passphraseSource(path: string, now: () => number): KeySource {
  let wrong = 0;
  let notBefore = 0;
  let trying = false;
  const attempt = async (passphrase: Secret<Uint8Array>) => {
    trying = true;
    try {
      const storageKey = await openKeyFile(readPrivateFile(path), passphrase);
      wrong = 0;
      return storageKey;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'PASSPHRASE_WRONG') {
        wrong++;
        if (wrong >= FREE_TRIES) notBefore = now() + waitAfter(wrong);
      }
      throw error;
    } finally {
      trying = false;
    }
  };
  return {
    kind: 'passphrase',
    sealed: true,
    open: async (passphrase) => {
      if (passphrase === null) throw passphraseWrong();
      try {
        const wait = notBefore - now();
        if (trying || wait > 0) throw tooManyTries(Math.max(wait, 1));
        return await attempt(passphrase);
      } finally {
        wipe(passphrase);
      }
    },
  };
}

function waitAfter(wrong: number): number {
  return Math.min(FIRST_WAIT_SECONDS * 2 ** (wrong - FREE_TRIES), LONGEST_WAIT_SECONDS);
}

/**
 * The source that a data directory holds, unless another key file is named.
 * @throws StorageError `KEY_FILE_MISSING`.
 */
export function findKeySource(dataDir: string, namedFile: string | null, now: () => number): KeySource {
  if (namedFile !== null) return keyFileSource(namedFile);
  const sealed = join(dataDir, SEALED_KEY_FILE);
  if (existsSync(sealed)) return passphraseSource(sealed, now);
  const plain = join(dataDir, KEY_FILE);
  if (existsSync(plain)) return keyFileSource(plain);
  throw vaultError('KEY_FILE_MISSING', `there is no storage key in ${dataDir}`, 'run: ckm server init');
}
