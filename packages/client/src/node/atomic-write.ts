import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsync, openSync, unlinkSync, writeFile } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, basename } from 'node:path';
import { promisify } from 'node:util';

const OWNER_ALONE = 0o600;
const WRITE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Makes a folder and its parents, readable by the owner alone, and waits until the disk has them.
 * One level at a time: Node's own `recursive` never ends where a file system refuses with `ENOENT`, as /proc does.
 */
export async function makePrivateFolder(path: string): Promise<void> {
  if (await makeOne(path)) return;
  await makePrivateFolder(dirname(path));
  if (!(await makeOne(path)))
    throw Object.assign(new Error('no such folder'), { code: 'ENOENT', syscall: 'mkdir', path });
}

/** False when the parent is missing. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return dirname(path) === path;
    if (isErrno(error, 'EEXIST') && (await stat(path)).isDirectory()) return true;
    throw error;
  }
}

/**
 * Replaces a file in one step: a reader, or a machine that loses power, sees the old bytes or the new ones.
 * Returns only when file and folder entry are on disk. @param mode less what the umask takes away
 */
export async function writeAtomically(path: string, bytes: Uint8Array, mode = OWNER_ALONE): Promise<void> {
  await writeBeside(path, bytes, mode, (temporary) => rename(temporary, path));
}

/**
 * The same for a file that must not exist yet: nobody ever sees it half written. Rejects with `EEXIST` when it does. For folders of
 * our own, on file systems that know hard links.
 */
export async function writeNewAtomically(path: string, bytes: Uint8Array): Promise<void> {
  await writeBeside(path, bytes, OWNER_ALONE, async (temporary) => {
    await link(temporary, path);
    await unlink(temporary);
  });
}

async function writeBeside(
  path: string,
  bytes: Uint8Array,
  mode: number,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, WRITE_NEW, mode);
    await writeAndSync(file, bytes);
    await place(temporary);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Writes a file that must not exist yet, synced. Rejects with `EEXIST` when it does; when it fails there is none. */
export async function writeNew(path: string, bytes: Uint8Array, mode = OWNER_ALONE): Promise<void> {
  const file = await open(path, WRITE_NEW, mode);
  try {
    await writeAndSync(file, bytes);
    await syncFolder(dirname(path));
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

/** As much as a disk has to have room for before anybody works for what is to be written. */
const PROOF_BYTES = 65_536;

/**
 * Rejects where {@link writeNew} would: such a file is made, and filled when nothing names it any more, so that it is gone
 * with the process, however that ends.
 */
export async function proveNew(path: string): Promise<void> {
  // In one go: between the two a file stands there that nobody asked for.
  const file = openSync(path, WRITE_NEW, 0o600);
  try {
    unlinkSync(path);
    await promisify(writeFile)(file, new Uint8Array(PROOF_BYTES));
    await promisify(fsync)(file);
  } finally {
    closeSync(file);
  }
  await syncFolder(dirname(path));
}

/** Rejects where {@link writeAtomically} would, and leaves what is there as it is. */
export async function proveReplaceable(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found?.isDirectory() === true) throw Object.assign(new Error('a folder is there'), { code: 'EISDIR' });
  await proveNew(temporaryName(path));
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.new`);
}

/** Removes a file if it is there, and waits until the folder on disk no longer names it. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Whether a thrown value is the operating system's error of that name. */
export function isErrno(
  error: unknown,
  ...names: readonly string[]
): error is Error & { readonly code: string } {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && names.includes(error.code)
  );
}

async function writeAndSync(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
