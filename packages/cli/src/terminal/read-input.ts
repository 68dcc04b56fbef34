import { StorageError, UsageError } from '@ckm/foundation';
import { readAtMost, readStdinAtMost } from './read-at-most.js';

/**
 * A file, or stdin for `-`, up to `maxBytes`.
 * @throws StorageError `FILE_UNREADABLE`; UsageError `FILE_TOO_LARGE`
 */
export async function readInput(path: string, maxBytes: number): Promise<Uint8Array> {
  return path === '-' ? readStdin(maxBytes) : readWhole(path, maxBytes);
}

const UNREADABLE: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `there is no file ${path}`,
  ENOTDIR: (path) => `there is no file ${path}`,
  EISDIR: (path) => `${path} is a folder`,
  EACCES: (path) => `you may not read ${path}`,
};

async function readWhole(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const bytes = await readAtMost(path, maxBytes + 1);
    if (bytes.length > maxBytes) throw tooLarge(path, maxBytes);
    return bytes;
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
    throw new StorageError(UNREADABLE[errno]?.(path) ?? `${path} cannot be read: ${errno}`, {
      code: 'FILE_UNREADABLE',
      hint: errno === 'EISDIR' ? 'name a file in it' : 'check the path and its permissions',
      cause,
    });
  }
}

async function readStdin(maxBytes: number): Promise<Uint8Array> {
  const bytes = await readStdinAtMost(maxBytes + 1);
  if (bytes.length > maxBytes) throw tooLarge('stdin', maxBytes);
  return bytes;
}

function tooLarge(path: string, maxBytes: number): UsageError {
  return new UsageError(`${path} is longer than ${maxBytes} bytes`, {
    code: 'FILE_TOO_LARGE',
    hint: 'sign something shorter, such as a list of digests',
  });
}
