import { chmodSync, mkdirSync, readdirSync, rmdirSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromFileSystem, withFile } from '@ckm/foundation';
import { configError, serverMissing, serverUnread } from '../../config/codes.js';
import { assertSocketPath } from '../../control/socket-path.js';
import { KEY_FILE, SEALED_KEY_FILE } from '../../vault/key-source.js';

/** The files of a data directory, besides the database and the storage key. */
export const IDENTITY_FILE = 'identity';
/** Which database it was used with. */
export const DATABASE_FILE = 'database.json';
export const ANCHOR_FILE = 'audit.head';
export const LAST_ENTRY_FILE = 'audit.last';

/**
 * Makes an empty directory that only its owner may enter.
 * @returns takes it away again, with those in front of it that were made too; one that is not empty stays
 * @throws UsageError `DATA_DIR_USED` when there is something in it, `DATA_DIR_FOREIGN` when another user owns it,
 * `CONFIG_INVALID` when its path is too long; StorageError `FILE_…`
 */
export function createDataDir(path: string): () => void {
  assertUnused(path);
  const made = makeFolders(path);
  // Once more: somebody else may have been faster.
  assertOwn(path);
  withFile(path, () => chmodSync(path, 0o700));
  return () => removeFolders(made);
}

/**
 * One folder at a time: Node's own `recursive` never ends where a file system refuses with ENOENT, as /proc does.
 * @returns those that were not there before, outermost first
 */
function makeFolders(path: string): readonly string[] {
  if (find(path)?.isDirectory() === true) return [];
  const before = dirname(path) === path ? [] : makeFolders(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const there = find(path);
    if (there?.isDirectory() === true) return before;
    removeFolders(before);
    const isDangling = there === undefined && (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw fromFileSystem(isDangling ? nowhere(error) : error, path);
  }
  return [...before, path];
}

/** Of a link: it is there, and what it names is not. */
function nowhere(cause: unknown): Error {
  return Object.assign(new Error('a link that leads nowhere', { cause }), { code: 'ENOENT' });
}

function removeFolders(made: readonly string[]): void {
  try {
    for (const path of made.toReversed()) rmdirSync(path);
  } catch {
    // Somebody else has put something there.
  }
}

/** Whether a server can be made there. @throws as {@link createDataDir} */
export function assertUnused(path: string): void {
  assertSocketPath(path);
  const found = find(path);
  if (found?.isDirectory() === false)
    throw configError('DATA_DIR_USED', `${path} is a file`, 'choose an empty data directory');
  const names = found === undefined ? [] : withFile(path, () => readdirSync(path));
  if (names.length > 0) throw configError('DATA_DIR_USED', `${path} is not empty`, wayOutOf(names));
  assertOwn(path);
}

/** What making a server writes before config.json, and no server has alone once it was started. */
const OF_INIT: readonly string[] = [IDENTITY_FILE, KEY_FILE, SEALED_KEY_FILE];

function wayOutOf(names: readonly string[]): string {
  const isCutShort = names.every((name) => OF_INIT.includes(name.replace(/\.new$/, '')));
  return isCutShort
    ? `if the making of a server was cut short there, remove ${names.toSorted().join(', ')} and do it again; else choose an empty data directory`
    : 'choose an empty data directory';
}

/** Undefined: there is nothing. @throws StorageError `FILE_…` */
function find(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fromFileSystem(error, path);
  }
}

/** Who owns a directory can put other files into it, also while nobody else may enter it. */
function assertOwn(path: string): void {
  const owner = find(path)?.uid;
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
  const found = statOf(path);
  if (!found.isDirectory()) throw serverMissing(path);
  return found.mode;
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw serverUnread(path, cause);
  }
}
