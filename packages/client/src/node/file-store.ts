import { BugError, concatBytes, encodeUtf8, equalBytes, StorageError } from '@ckm/foundation';
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ClientStore } from '../store/client-store.js';
import { isErrno, makePrivateFolder, removeDurably, writeAtomically } from './atomic-write.js';
import { removeLeftovers, withLock } from './lock.js';
import { storageErrorOf } from './storage-error.js';

const MAGIC = encodeUtf8('ckm-store-1\n');
const DIGEST_BYTES = 32;
const SEGMENT = /^[a-z0-9][a-z0-9._-]{0,127}$/;

/**
 * A client's records as files under `root`: one file for each path, written atomically and synced, folders 0700,
 * files 0600. Each file starts with `ckm-store-1`, a line break and the SHA-256 of what follows, so that a damaged
 * file is found when it is read.
 */
export function fileStore(root: string): ClientStore {
  let isTidied = false;
  /** Once, and only by who writes: whatever comes of it, the records are as they were. */
  const tidy = async () => {
    if (!isTidied) await removeLeftovers(root).catch(() => undefined);
    isTidied = true;
  };
  return {
    get: (path) => guarded(async () => readRecord(root, path)),
    put: (path, bytes) => guarded(async () => writeRecord(root, path, bytes)),
    delete: (path) => guarded(async () => removeDurably(locate(root, path))),
    list: (prefix) => guarded(async () => listRecords(root, prefix)),
    exclusive: async (name, work) => {
      const path = join(root, `${segment(name)}.lock`);
      await guarded(async () => makePrivateFolder(root));
      await tidy();
      return guarded(async () => withLock(path, work));
    },
  };
}

async function readRecord(root: string, path: string): Promise<Uint8Array | null> {
  let bytes: Uint8Array;
  const file = locate(root, path);
  try {
    bytes = new Uint8Array(await readFile(file));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR') && !(await isLink(file))) return null;
    if (isErrno(error, ...OF_ONE_FILE)) throw unreadable(path, file, error);
    throw error;
  }
  const start = MAGIC.length + DIGEST_BYTES;
  const content = bytes.slice(start);
  const intact =
    bytes.length >= start &&
    equalBytes(bytes.subarray(0, MAGIC.length), MAGIC) &&
    equalBytes(bytes.subarray(MAGIC.length, start), digest(content));
  if (!intact) throw corrupt(root, path);
  return content;
}

/** What one file fails with while the others of its folder can be read. */
const OF_ONE_FILE = ['EACCES', 'EIO', 'EISDIR', 'ELOOP', 'ENOENT', 'EPERM'] as const;

/** One that leads nowhere is not as good as no file: somebody has put it there. */
async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

async function writeRecord(root: string, path: string, bytes: Uint8Array): Promise<void> {
  const file = locate(root, path);
  await makePrivateFolder(dirname(file));
  await writeAtomically(file, concatBytes(MAGIC, digest(bytes), bytes));
}

async function listRecords(root: string, prefix: string): Promise<string[]> {
  let entries;
  try {
    entries = await readdir(locate(root, prefix), { withFileTypes: true });
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
  const found: string[] = [];
  for (const entry of entries) {
    if (!SEGMENT.test(entry.name) || entry.name.endsWith('.lock')) continue;
    const path = `${prefix}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await listRecords(root, path)));
    else if (entry.isFile() || entry.isSymbolicLink()) found.push(path);
  }
  return found.sort();
}

function locate(root: string, path: string): string {
  return join(root, ...path.split('/').map(segment));
}

function segment(name: string): string {
  if (SEGMENT.test(name)) return name;
  throw new BugError('a record was given a name that no file may have', {
    code: 'STORE_PATH_INVALID',
    hint: 'report this together with what was done',
  });
}

function digest(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

function corrupt(root: string, path: string): StorageError {
  return new StorageError(`the stored record ${path} is damaged`, {
    code: 'STORE_CORRUPT',
    hint: `restore ${join(root, path)} from a copy, or move it away and look for what is missing`,
    remedy: { kind: 'diagnose' },
  });
}

function unreadable(path: string, file: string, cause: Error & { readonly code: string }): StorageError {
  return new StorageError(`the stored record ${path} cannot be read: ${cause.code}`, {
    code: 'RECORD_UNREADABLE',
    hint: `look at ${file}: whose it is, and whether it is a file; the other records are not touched by it`,
    facts: { record: path },
    cause,
  });
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    const { path = 'the folder of the records' } = error as NodeJS.ErrnoException;
    throw storageErrorOf('STORE_UNAVAILABLE', path, error);
  }
}
