import { CkmError, fromFileSystem, StorageError } from '@ckm/foundation';

/** What the system says of a file or folder, in words, under a code of whoever works with it. @param more of the hint */
export function storageErrorOf(code: string, path: string, cause: unknown, more = ''): StorageError {
  const said = fromFileSystem(cause, path);
  const { message, hint } =
    said instanceof CkmError
      ? said
      : { message: `${path} cannot be used`, hint: 'look at its permissions, and at the disk' };
  return new StorageError(message, { code, hint: `${hint}${more}`, cause });
}
