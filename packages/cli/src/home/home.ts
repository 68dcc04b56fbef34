import { StateError, StorageError } from '@ckm/foundation';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isErrno, makePrivateFolder } from '@ckm/client/node';

/**
 * The owner's folder: `seed` (sealed owner seed), `seed-print` (which seed it is), `store/` (pinned servers, keys, sessions, commitments), `evidence/`.
 * Order of precedence: `--home`, then `CKM_HOME`, then `~/.ckm`.
 */
export interface Home {
  readonly path: string;
  readonly seedFile: string;
  readonly seedPrint: string;
  readonly store: string;
}

export function locateHome(flag: string | undefined, environment: NodeJS.ProcessEnv): Home {
  const named = flag ?? environment['CKM_HOME'];
  const path = named === undefined || named === '' ? join(homedir(), '.ckm') : resolve(named);
  return {
    path,
    seedFile: join(path, 'seed'),
    seedPrint: join(path, 'seed-print'),
    store: join(path, 'store'),
  };
}

/** @throws StorageError `HOME_UNUSABLE` when the folder cannot be made or is not a folder. */
export async function createHome(home: Home): Promise<void> {
  try {
    await makePrivateFolder(home.path);
  } catch (cause) {
    throw unusable(home, cause);
  }
}

/** Whether an owner seed is there. @throws StorageError `HOME_UNUSABLE` */
export async function isInitialised(home: Home): Promise<boolean> {
  try {
    return (await stat(home.seedFile)).isFile();
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return false;
    throw unusable(home, cause);
  }
}

/** @throws StateError `HOME_NOT_INITIALISED`; StorageError `HOME_UNUSABLE` */
export async function requireInitialised(home: Home): Promise<void> {
  if (await isInitialised(home)) return;
  throw new StateError(`there is no owner seed in ${home.path}`, {
    code: 'HOME_NOT_INITIALISED',
    hint: 'make one with: ckm init   (or bring yours back with: ckm seed restore)',
  });
}

export function unusable(home: Home, cause: unknown): StorageError {
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
  return new StorageError(`the folder ${home.path} cannot be used: ${why}`, {
    code: 'HOME_UNUSABLE',
    hint: 'check its permissions, or name another folder with --home',
    cause,
  });
}
