import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { configError, serverUnread } from '../config/codes.js';

/** The files of a data directory, besides the database and the storage key. */
export const IDENTITY_FILE = 'identity';
/** Which database it was used with. */
export const DATABASE_FILE = 'database.json';
export const ANCHOR_FILE = 'audit.head';
export const LAST_ENTRY_FILE = 'audit.last';

/**
 * Makes an empty directory that only its owner may enter.
 * @throws UsageError `DATA_DIR_USED` when there is something in it, `DATA_DIR_FOREIGN` when another user owns it.
 */
export function createDataDir(path: string): void {
  assertUnused(path);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // Once more: somebody else may have been faster.
  assertOwn(path);
  chmodSync(path, 0o700);
}

/** Whether a server can be made there. @throws UsageError `DATA_DIR_USED`, `DATA_DIR_FOREIGN` */
export function assertUnused(path: string): void {
  if (!isFolder(path))
    throw configError('DATA_DIR_USED', `${path} is a file`, 'choose an empty data directory');
  if (existsSync(path) && readdirSync(path).length > 0) {
    throw configError('DATA_DIR_USED', `${path} is not empty`, 'choose an empty data directory');
  }
  assertOwn(path);
}

/** Or nothing at all, or where something in front of it is in the way: `mkdir` says that. */
function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true;
}

/** Who owns a directory can put other files into it, also while nobody else may enter it. */
function assertOwn(path: string): void {
  const owner = statSync(path, { throwIfNoEntry: false })?.uid;
  const user = process.getuid?.();
  if (owner === undefined || user === undefined || owner === user) return;
  throw configError(
    'DATA_DIR_FOREIGN',
    `${path} belongs to another user than the one who runs this`,
    'run this as the user of the server, or choose a folder of your own',
  );
}

/** @throws UsageError `CONFIG_MISSING`, `DATA_DIR_FOREIGN`, `DATA_DIR_UNREADABLE`, `DATA_DIR_EXPOSED` when others may enter it. */
export function assertDataDir(path: string): void {
  const mode = readMode(path);
  assertOwn(path);
  if ((mode & 0o077) !== 0) {
    throw configError('DATA_DIR_EXPOSED', `others may enter ${path}`, `run: chmod 700 ${path}`);
  }
}

function readMode(path: string): number {
  try {
    return statSync(path).mode;
  } catch (cause) {
    throw serverUnread(path, cause);
  }
}
