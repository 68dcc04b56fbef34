import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, equalBytes } from '@ckm/foundation';
import { readPrivateFile, writePrivateFile } from './key-file.js';

export const MARK_FILE = 'mark';
const MARK_BYTES = 16;

/** The row of `meta` that holds the number a database knows its folder by. */
export const FOLDER_MARK = 'folder of epoch keys';

/** What stands for the former number in a folder that is being marked for the first time. */
export const NO_MARK: Uint8Array = new Uint8Array(MARK_BYTES);

/** By which a folder of epoch keys is told from a copy of it, and from that of another database: numbers that open nothing. */
export interface FolderMark {
  /** Of one number. */
  readonly bytes: number;
  /**
   * How the folder stands to a database that knows it by this number; null: it knows none.
   * @throws StorageError `FILE_…`, `KEY_FILE_…`
   */
  compare(known: Uint8Array | null): 'same' | 'unmarked' | 'other';
  /** Puts these two in the place of what is there. @throws StorageError `FILE_…` */
  write(former: Uint8Array, next: Uint8Array): void;
}

export function folderMark(folder: string): FolderMark {
  const path = join(folder, MARK_FILE);
  return {
    bytes: MARK_BYTES,
    compare: (known) => {
      if (!existsSync(path)) return 'unmarked';
      const written = readPrivateFile(path);
      const numbers = [written.subarray(0, MARK_BYTES), written.subarray(MARK_BYTES)];
      return numbers.some((number) => equalBytes(number, known ?? NO_MARK)) ? 'same' : 'other';
    },
    write: (former, next) => writePrivateFile(path, concatBytes(former, next), { replace: true }),
  };
}
