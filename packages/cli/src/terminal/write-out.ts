import { StorageError, UsageError } from '@ckm/foundation';
import { access } from 'node:fs/promises';
import { isErrno, writeNew } from '../home/atomic-write.js';

/** Refuses early, before anything is asked of anybody, when the answer could not be written. */
export async function assertFree(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw fileExists(path);
}

/** Writes a new file. @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE` */
export async function writeOut(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeNew(path, bytes);
  } catch (cause) {
    if (isErrno(cause, 'EEXIST')) throw fileExists(path);
    throw new StorageError(`${path} cannot be written`, {
      code: 'FILE_UNWRITABLE',
      hint: 'check the folder and its permissions',
      cause,
    });
  }
}

function fileExists(path: string): UsageError {
  return new UsageError(`${path} is already there`, {
    code: 'FILE_EXISTS',
    hint: 'name a file that does not exist yet',
  });
}
