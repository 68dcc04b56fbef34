import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes } from '@ckm/foundation';
import { readPrivateFile, writePrivateFile } from './key-file.js';

export const MARK_FILE = 'mark';
const MARK_BYTES = 16;

/** By which a folder of epoch keys is told from a copy of it: random numbers that open nothing. */
export interface FolderMark {
  /** Of one number. */
  readonly bytes: number;
  /** The numbers that are written in the folder; none: it was never marked. @throws StorageError `FILE_…` */
  read(): readonly Uint8Array[];
  /** Puts these two in the place of what is there. @throws StorageError `FILE_…` */
  write(former: Uint8Array, next: Uint8Array): void;
}

export function folderMark(folder: string): FolderMark {
  const path = join(folder, MARK_FILE);
  return {
    bytes: MARK_BYTES,
    read: () => {
      if (!existsSync(path)) return [];
      const written = readPrivateFile(path);
      return [written.subarray(0, MARK_BYTES), written.subarray(MARK_BYTES)];
    },
    write: (former, next) => writePrivateFile(path, concatBytes(former, next), { replace: true }),
  };
}
