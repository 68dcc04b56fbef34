import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Secret, wipe } from '@ckm/foundation';
import { keyChanging, lostFile, passphraseUnused, passphraseWrong, tooManyTries } from './codes.js';
import {
  encodeKeyFile,
  parseKeyFile,
  readPrivateFile,
  replacePrivateFile,
  writePrivateFile,
} from './key-file.js';
import { finishSettling, nextTo, settleKeyFiles } from './next-key-file.js';
import { passphraseNote } from './passphrase-note.js';
import { costOf, openKeyFile, sealKeyFile } from './passphrase.js';
import { type StorageKey, wipeStorageKey } from './storage-key.js';

/** What a source gives: two keys while one takes the place of the other. */
export interface StorageKeys {
  readonly current: StorageKey;
  readonly earlier: StorageKey | null;
}

/** Where a storage key comes from. A key management service or a credential of the init system is one more of these. */
export interface KeySource {
  readonly kind: 'file' | 'passphrase';
  /** Whether somebody has to type something: then the server starts sealed. */
  readonly sealed: boolean;
  /**
   * @param passphrase wiped by this call; null for a source that needs none.
   * @throws AccessError `PASSPHRASE_WRONG`, `PASSPHRASE_TOO_MANY_TRIES`; StorageError `KEY_FILE_…`.
   */
  open(passphrase: Secret<Uint8Array> | null): Promise<StorageKeys>;
  /**
   * Puts the next storage key beside the present one, so that {@link open} gives both from now on, also after a crash.
   * @param passphrase the present one, under which the next key lies too; wiped by this call
   * @throws as {@link open}
   */
  prepare(
    next: StorageKey,
    passphrase: Secret<Uint8Array> | null,
    random: (length: number) => Uint8Array,
  ): Promise<void>;
  /**
   * Gets ready to keep the storage key under another passphrase.
   * @param present wiped by this call, as is `next`
   * @throws as {@link open}; UsageError `PASSPHRASE_TOO_WEAK`; StateError `PASSPHRASE_UNUSED` for a source that needs none,
   * `PASSPHRASE_KEY_CHANGING` while another storage key takes the place of the present one
   */
  preparePassphrase(
    present: Secret<Uint8Array>,
    next: Secret<Uint8Array>,
    random: (length: number) => Uint8Array,
  ): Promise<PassphraseChange>;
  /** When the passphrase was changed, if {@link forgetChange} was not called since; null: never. UnixSeconds. */
  unloggedChange(): number | null;
  /** Called when the log tells of the change. @throws StorageError `FILE_…` */
  forgetChange(): void;
  /** Puts the next key in the place of the present one, whose file is overwritten and removed. */
  settle(): void;
}

/** Another passphrase for a storage key, ready to be put in the place of the present one. */
export interface PassphraseChange {
  /** At once and for good: from then on the present one opens nothing any more. @throws StorageError `FILE_…` */
  apply(): void;
  /** Whether that is done, also when {@link apply} failed behind it. */
  isApplied(): boolean;
}

export const KEY_FILE = 'storage.key';
export const SEALED_KEY_FILE = 'storage.key.sealed';

/** A file that only the server's user may read, 0600. */
function keyFileSource(path: string): KeySource {
  const read = (file: string): StorageKey => {
    const bytes = readPrivateFile(file);
    try {
      return parseKeyFile(bytes);
    } finally {
      bytes.fill(0);
    }
  };
  return {
    kind: 'file',
    sealed: false,
    open: async () => {
      finishSettling(path);
      const present = read(path);
      if (!existsSync(nextTo(path))) return { current: present, earlier: null };
      return { current: read(nextTo(path)), earlier: present };
    },
    prepare: async (next) => {
      const bytes = encodeKeyFile(next);
      writePrivateFile(nextTo(path), bytes);
      bytes.fill(0);
    },
    preparePassphrase: async (present, next) => {
      wipe(present);
      wipe(next);
      throw passphraseUnused();
    },
    unloggedChange: () => null,
    forgetChange: () => undefined,
    settle: () => settleKeyFiles(path),
  };
}

const FREE_TRIES = 5;
const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 3600;

/**
 * A key under a passphrase. After five wrong ones each further try has to wait, twice as long every time.
 * @param now UnixSeconds; only makes people wait, never lets anybody in.
 * @param wrongGiven called for each wrong one, whatever it was to open the key for
 */
export function passphraseSource(
  path: string,
  now: () => number,
  wrongGiven: () => void = () => undefined,
): KeySource {
  const note = passphraseNote(path);
  let wrong = 0;
  let notBefore = 0;
  let trying = false;
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    const wait = notBefore - now();
    if (trying || wait > 0) throw tooManyTries(Math.max(wait, 1));
    trying = true;
    try {
      const done = await work();
      wrong = 0;
      return done;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'PASSPHRASE_WRONG') {
        wrong++;
        wrongGiven();
        if (wrong >= FREE_TRIES) notBefore = now() + waitAfter(wrong);
      }
      throw error;
    } finally {
      trying = false;
    }
  };
  const withPassphrase = async <T>(
    passphrase: Secret<Uint8Array> | null,
    work: (passphrase: Secret<Uint8Array>) => Promise<T>,
  ): Promise<T> => {
    if (passphrase === null) throw passphraseWrong();
    try {
      return await attempt(() => work(passphrase));
    } finally {
      wipe(passphrase);
    }
  };
  return {
    kind: 'passphrase',
    sealed: true,
    open: (given) =>
      withPassphrase(given, async (passphrase) => {
        finishSettling(path);
        const present = await openKeyFile(readPrivateFile(path), passphrase);
        if (!existsSync(nextTo(path))) return { current: present, earlier: null };
        return { current: await openKeyFile(readPrivateFile(nextTo(path)), passphrase), earlier: present };
      }),
    prepare: (next, given, random) =>
      withPassphrase(given, async (passphrase) => {
        const sealed = readPrivateFile(path);
        // A typing error here would lock the server at its next start.
        wipeStorageKey(await openKeyFile(sealed, passphrase));
        writePrivateFile(nextTo(path), await sealKeyFile(next, passphrase, random, costOf(sealed)));
      }),
    preparePassphrase: async (present, next, random) => {
      try {
        return await withPassphrase(present, async (passphrase) => {
          const sealed = readPrivateFile(path);
          const storageKey = await openKeyFile(sealed, passphrase);
          try {
            const anew = await sealKeyFile(storageKey, next, random, costOf(sealed));
            return {
              apply: () => {
                if (existsSync(nextTo(path))) throw keyChanging();
                note.write(anew, now());
                replacePrivateFile(path, anew);
              },
              isApplied: () => note.isInPlace(anew),
            };
          } finally {
            wipeStorageKey(storageKey);
          }
        });
      } finally {
        wipe(next);
      }
    },
    unloggedChange: note.read,
    forgetChange: note.remove,
    settle: () => settleKeyFiles(path),
  };
}

function waitAfter(wrong: number): number {
  return Math.min(FIRST_WAIT_SECONDS * 2 ** (wrong - FREE_TRIES), LONGEST_WAIT_SECONDS);
}

/**
 * The source that a data directory holds, unless another key file is named.
 * @param now as of {@link passphraseSource}, as is `wrongGiven`
 * @throws StorageError `KEY_FILE_MISSING`.
 */
export function findKeySource(
  dataDir: string,
  namedFile: string | null,
  now: () => number,
  wrongGiven?: () => void,
): KeySource {
  if (namedFile !== null) return keyFileSource(namedFile);
  const sealed = join(dataDir, SEALED_KEY_FILE);
  if (isKeyFile(sealed)) return passphraseSource(sealed, now, wrongGiven);
  const plain = join(dataDir, KEY_FILE);
  if (isKeyFile(plain)) return keyFileSource(plain);
  throw lostFile(
    'KEY_FILE_MISSING',
    `there is no storage key in ${dataDir}`,
    'set CKM_STORAGE_KEY_FILE if it lies elsewhere, bring it back from a copy, or make the server again out of its backup in a new folder',
  );
}

/** Also where a crash came between taking the old file away and putting the new one in its place. */
function isKeyFile(path: string): boolean {
  return existsSync(path) || existsSync(nextTo(path));
}
