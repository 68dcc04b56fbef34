import { CkmError, type StorageError } from '@ckm/foundation';
import { vaultError } from './codes.js';

/**
 * What the system says about a file of the data directory, in words: nobody should read of a defect in the program because a
 * disk is full.
 */
export function fromFileSystem(error: unknown, path: string): unknown {
  if (error instanceof CkmError || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const words = WORDS.find(([codes]) => codes.includes(code))?.[1];
  return words === undefined ? error : words(path, error);
}

/** {@link fromFileSystem} around work with one file. */
export function withFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

type Words = (path: string, cause: Error) => StorageError;

const WORDS: readonly (readonly [readonly string[], Words])[] = [
  [
    ['ENOSPC', 'EDQUOT'],
    (path, cause) =>
      vaultError(
        'FILE_NO_ROOM',
        `there is no room left to write ${path}`,
        'free disk space on the server',
        cause,
      ),
  ],
  [
    ['EMFILE', 'ENFILE'],
    (path, cause) =>
      vaultError(
        'FILES_TOO_MANY',
        `the system lets this process open no more files; ${path} is one too many`,
        'allow the server more open files (ulimit -n, LimitNOFILE), then start it again',
        cause,
      ),
  ],
  [
    ['EISDIR', 'ENOTDIR', 'EPERM', 'EACCES', 'EROFS', 'ELOOP', 'EEXIST'],
    (path, cause) =>
      vaultError(
        'FILE_IN_THE_WAY',
        `${path} cannot be written: something else is in its place, or this user may not`,
        'look what is there, and who owns it; a file of the server belongs to its own user',
        cause,
      ),
  ],
];
