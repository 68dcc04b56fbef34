import { StorageError, UsageError } from '@ckm/foundation';
import { constants } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  isErrno,
  proveNew,
  proveReplaceable,
  storageErrorOf,
  writeAtomically,
  writeNew,
} from '@ckm/client/node';

/** The file that `--out` names; undefined for `-`, which is stdout, as where nothing is named. */
export function outFile(out: string | undefined): string | undefined {
  return out === '-' ? undefined : out;
}

/**
 * Refuses early, before anything is asked of anybody, when the answer could not be written: such a file is made, filled and
 * removed again. With `--preview` nothing is made.
 * @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE`
 */
export async function assertWritable(
  path: string | undefined,
  { preview }: { readonly preview?: true },
): Promise<void> {
  if (path === undefined) return;
  try {
    await (preview === true ? lookNew : proveNew)(path);
  } catch (cause) {
    throw isErrno(cause, 'EEXIST') ? fileExists(path) : unwritable(path, cause);
  }
}

/** The same for a file that may be there: whether it is. @throws StorageError `FILE_UNWRITABLE` */
export async function assertReplaceable(path: string): Promise<boolean> {
  try {
    await proveReplaceable(path);
    return await isTaken(path);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** What can be known without writing. Rejects with `EEXIST` when something is there. */
async function lookNew(path: string): Promise<void> {
  if (await isTaken(path)) throw Object.assign(new Error('it is there'), { code: 'EEXIST' });
  await access(dirname(path), constants.W_OK);
}

/** Whether anything is there, if only a link that leads nowhere. */
function isTaken(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    },
  );
}

/** Writes a new file that is its owner's alone. @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE` */
export async function writeOut(path: string, bytes: Uint8Array): Promise<void> {
  await writeFresh(path, bytes, 0o600);
}

/** As far as the umask lets others. */
const FOR_EVERYBODY = 0o666;

/**
 * Writes what was signed to a new file, which others may read if the umask lets them: that is what a signature is for.
 * @param regain how to get what could not be written, for people
 * @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE`
 */
export async function writeArtefact(path: string, bytes: Uint8Array, regain?: string): Promise<void> {
  await writeFresh(path, bytes, FOR_EVERYBODY, regain);
}

async function writeFresh(path: string, bytes: Uint8Array, mode: number, regain?: string): Promise<void> {
  try {
    await writeNew(path, bytes, mode);
  } catch (cause) {
    if (isErrno(cause, 'EEXIST')) throw fileExists(path, regain);
    throw unwritable(path, cause, regain);
  }
}

/**
 * Writes what was signed where other programs expect a file of that name, and expect to read it if the umask lets them.
 * @param isReplacing whether what is there may be replaced
 * @throws UsageError `FILE_EXISTS`; StorageError `FILE_UNWRITABLE`
 */
export async function writeSignature(path: string, bytes: Uint8Array, isReplacing: boolean): Promise<void> {
  if (!isReplacing) return writeFresh(path, bytes, FOR_EVERYBODY);
  await writeAtomically(path, bytes, FOR_EVERYBODY).catch((cause: unknown) => {
    throw unwritable(path, cause);
  });
}

/** In the words of the system; how to get what was not written comes before what to do about the file. */
function unwritable(path: string, cause: unknown, regain?: string): StorageError {
  const said = storageErrorOf('FILE_UNWRITABLE', path, cause);
  if (regain === undefined) return said;
  return new StorageError(said.message, { code: said.code, hint: regain, cause });
}

/** @param hint how to get what was to be written */
export function fileExists(path: string, hint = 'name a file that does not exist yet'): UsageError {
  return new UsageError(`${path} is already there`, {
    code: 'FILE_EXISTS',
    hint,
  });
}
