import { StorageError } from '@ckm/foundation';

/** What went wrong with stdout and stderr while a command ran. */
export interface OutputWatch {
  /** Why not all of the answer reached stdout. Null when it did, or when whoever read it has read enough. */
  failure(): StorageError | null;
}

/**
 * Listens to what happens to stdout and stderr, so that a full disk or a reader that left is no crash in the middle of
 * the work. Talk that nobody can read any more is dropped: what a command does does not depend on it.
 */
export function watchOutput(): OutputWatch {
  let first: NodeJS.ErrnoException | null = null;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    first ??= error;
  });
  process.stderr.on('error', () => undefined);
  return {
    failure: () => (first === null || first.code === 'EPIPE' ? null : outputFailed(first)),
  };
}

const HINT = 'free space where the output goes, or send it elsewhere, and run the command again';

/** @param hint how to get what was not written */
export function outputFailed(cause: NodeJS.ErrnoException, hint = HINT): StorageError {
  if (cause.code === 'EPIPE' || cause.code === 'ERR_STREAM_DESTROYED') {
    return new StorageError('nobody reads the output any more, and not all of it was written', {
      code: 'OUTPUT_CLOSED',
      hint,
      cause,
    });
  }
  return new StorageError(`the output cannot be written: ${cause.code ?? 'unknown reason'}`, {
    code: 'OUTPUT_UNWRITABLE',
    hint,
    cause,
  });
}
