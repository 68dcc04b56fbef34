import { StateError, type StorageError, UsageError } from '@ckm/foundation';
import { stat, unlink } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { isErrno, makePrivateFolder, storageErrorOf } from '@ckm/client/node';

/**
 * The owner's folder: `seed` (sealed owner seed) or `device` (a sealed device in its place), `seed-print` (which seed it is or was), `store/` (pinned servers,
 * keys, sessions, commitments), `evidence/`. Whoever says yes to what keys of others do has `approver` (a sealed secret of his own) and `approvals/`.
 * Order of precedence: `--home`, then `CKM_HOME`, then `.ckm` in the home folder.
 */
export interface Home {
  readonly path: string;
  readonly seedFile: string;
  readonly deviceFile: string;
  readonly seedPrint: string;
  readonly store: string;
  readonly approverFile: string;
  readonly approvals: string;
}

export function locateHome(flag: string | undefined, environment: NodeJS.ProcessEnv): Home {
  const named = flag ?? environment['CKM_HOME'];
  const path = named === undefined || named === '' ? join(homeFolder(environment), '.ckm') : resolve(named);
  return {
    path,
    seedFile: join(path, 'seed'),
    deviceFile: join(path, 'device'),
    seedPrint: join(path, 'seed-print'),
    store: join(path, 'store'),
    approverFile: join(path, 'approver'),
    approvals: join(path, 'approvals'),
  };
}

/** `HOME`, or what the system knows where that is empty: never the folder in which a command happens to run. */
function homeFolder({ HOME = '' }: NodeJS.ProcessEnv): string {
  if (isAbsolute(HOME)) return HOME;
  try {
    return resolve('/', userInfo().homedir);
  } catch {
    // A user that the system does not know: one of a service, that has no owner's folder.
    return '/';
  }
}

/** Bytes of a path that a socket may have on Linux, and the longest name of one in the folder with its slash. */
const LONGEST_SOCKET = 107;
const LONGEST_NAME = '/unlocked.sock'.length;

/** Refuses a folder whose sockets could not be opened: before there is anything in it. @throws UsageError `HOME_TOO_LONG` */
export function assertSocketsFit({ path }: Home): void {
  const length = Buffer.byteLength(path);
  const most = LONGEST_SOCKET - LONGEST_NAME;
  if (length <= most) return;
  throw new UsageError(
    `the path of the owner’s folder is too long for its sockets: ${length} bytes, and at most ${most}`,
    { code: 'HOME_TOO_LONG', hint: 'name a shorter one with --home, or in CKM_HOME' },
  );
}

/**
 * @returns whether the folder was made now
 * @throws StorageError `HOME_UNUSABLE` when it cannot be made or is not a folder
 */
export async function createHome(home: Home): Promise<boolean> {
  const isThere = await exists(home.path);
  try {
    await makePrivateFolder(home.path);
    return !isThere;
  } catch (cause) {
    throw unusable(home, cause);
  }
}

/** Whether an owner seed is there, or was, or a device is in its place. @throws StorageError `HOME_UNUSABLE` */
export async function isInitialised(home: Home): Promise<boolean> {
  return (await holdsWords(home)) || (await exists(home.deviceFile));
}

/** Whether an owner seed is there, or was: then it speaks, also where a device is to take its place. @throws StorageError `HOME_UNUSABLE` */
export async function holdsWords(home: Home): Promise<boolean> {
  try {
    const found = await stat(home.seedFile);
    return found.isFile() && (found.size > 0 || (await isUsed(home)));
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return false;
    throw unusable(home, cause);
  }
}

/** Whether anything shows that a seed was in use here: a seed file of 0 bytes alone is what a power cut leaves of `ckm init`. */
async function isUsed(home: Home): Promise<boolean> {
  return (await exists(home.seedPrint)) || (await exists(home.store));
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Takes away a seed file that is no seed: see {@link isInitialised}. */
export async function removeEmptySeed(home: Home): Promise<void> {
  const found = await stat(home.seedFile).catch(() => null);
  if (found?.isFile() === true && found.size === 0 && !(await isUsed(home))) await unlink(home.seedFile);
}

/** @throws StateError `HOME_NOT_INITIALISED`; StorageError `HOME_UNUSABLE` */
export async function requireInitialised(home: Home): Promise<void> {
  if (await isInitialised(home)) return;
  throw new StateError(`there is no owner seed in ${home.path}`, {
    code: 'HOME_NOT_INITIALISED',
    hint: 'make one with: ckm init   (or bring yours back with: ckm seed restore)',
  });
}

/** Nothing of what is there is written over. */
export async function ownerExists(home: Home): Promise<StateError> {
  return (await holdsWords(home)) ? seedExists(home) : deviceExists(home);
}

function seedExists(home: Home): StateError {
  return new StateError(`there is already an owner seed in ${home.path}`, {
    code: 'SEED_EXISTS',
    hint: 'keep using it; if its passphrase is lost or its file damaged: ckm seed restore --new-passphrase',
  });
}

function deviceExists(home: Home): StateError {
  return new StateError(`${home.path} is a device of an owner already`, {
    code: 'DEVICE_EXISTS',
    hint: 'keep using it; to be another owner or device too, name another folder with --home',
  });
}

export function unusable(home: Home, cause: unknown): StorageError {
  return storageErrorOf('HOME_UNUSABLE', home.path, cause, '; or name another folder with --home');
}
