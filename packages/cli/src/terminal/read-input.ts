import { StorageError, UsageError } from '@ckm/foundation';
import { readAtMost, readStdinAtMost } from './read-at-most.js';

/**
 * A file, or stdin for `-`, up to `maxBytes`.
 * @param shorter what to do about one that is longer
 * @throws StorageError `FILE_UNREADABLE`; UsageError `FILE_TOO_LARGE`
 */
export async function readInput(path: string, maxBytes: number, shorter = TO_SIGN): Promise<Uint8Array> {
  const bytes = await (path === '-' ? readStdinAtMost(maxBytes + 1) : readWhole(path, maxBytes + 1));
  if (bytes.length <= maxBytes) return bytes;
  bytes.fill(0);
  throw fileTooLarge(path, maxBytes, shorter);
}

export function fileTooLarge(path: string, maxBytes: number, shorter: string): UsageError {
  return new UsageError(`${path === '-' ? 'stdin' : path} is longer than ${maxBytes} bytes`, {
    code: 'FILE_TOO_LARGE',
    hint: shorter,
  });
}

const TO_SIGN = 'sign something shorter, such as a list of digests';

const UNREADABLE: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `there is no file ${path}`,
  ENOTDIR: (path) => `there is no file ${path}`,
  EISDIR: (path) => `${path} is a folder`,
  EACCES: (path) => `you may not read ${path}`,
};

async function readWhole(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    return await readAtMost(path, maxBytes);
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
    throw new StorageError(UNREADABLE[errno]?.(path) ?? `${path} cannot be read: ${errno}`, {
      code: 'FILE_UNREADABLE',
      hint: errno === 'EISDIR' ? 'name a file in it' : 'check the path and its permissions',
      cause,
    });
  }
}
