import { StorageError } from '@ckm/foundation';
import { fstatSync, readFileSync } from 'node:fs';

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

/**
 * Refuses to begin what ends with something that cannot simply be asked for again, when nobody would get it.
 * @throws StorageError `OUTPUT_CLOSED`
 */
export function assertOutput(): void {
  if (!isThrownAway(1)) return;
  throw new StorageError('stdout is closed: what comes out would be lost', {
    code: 'OUTPUT_CLOSED',
    hint: 'name a file with --out; or leave stdout open',
  });
}

/** Of the null device: major 1, minor 3. */
const NULL_DEVICE = 0x103;
const READ_AND_WRITE = 2;

/**
 * Whether nobody can ever read what is written to a descriptor: where it was closed when the process began, Node has opened the null
 * device for reading and writing in its place. A shell that sends the output there on purpose opens it for writing only.
 */
function isThrownAway(descriptor: number): boolean {
  try {
    const found = fstatSync(descriptor);
    if (!found.isCharacterDevice() || found.rdev !== NULL_DEVICE) return false;
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & 3) === READ_AND_WRITE;
  } catch {
    return false;
  }
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
