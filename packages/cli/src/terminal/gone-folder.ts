import { StorageError } from '@ckm/foundation';
import { isAbsolute } from 'node:path';

/** What the system says it looked for, and where. */
interface Missing {
  readonly code?: unknown;
  readonly path?: unknown;
  readonly syscall?: unknown;
}

/**
 * The folder that a command runs in can be removed under it: then no name without a folder in front leads anywhere, and Node cannot
 * even say where it is. Null: that is not what `thrown` comes of.
 */
export function folderGone(thrown: unknown): StorageError | null {
  const { code, path, syscall } = firstCause(thrown);
  const isOfFolder = syscall === 'uv_cwd' || (typeof path === 'string' && !isAbsolute(path));
  if (code !== 'ENOENT' || !isOfFolder || !isGone()) return null;
  return new StorageError('the folder in which this was run is not there any more', {
    code: 'WORKING_FOLDER_GONE',
    hint: 'go to one that is (cd), then do the same again',
    cause: thrown,
  });
}

function firstCause(thrown: unknown): Missing {
  let cause = thrown;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  return cause instanceof Error ? (cause as Missing) : {};
}

function isGone(): boolean {
  try {
    process.cwd();
    return false;
  } catch {
    return true;
  }
}
