import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex, withFile } from '@ckm/foundation';
import { taggedHash } from '@ckm/threshold';
import { readPrivateFile, writePrivateFile } from './key-file.js';
import type { Vault } from './vault.js';

/** A key of an account, whatever its epoch. */
export interface KeyName {
  readonly owner: Uint8Array;
  /** 32 bytes. */
  readonly keyId: Uint8Array;
}

/**
 * How often the head of a key had been written when something that it remembers last left this server: a vote on who follows, a share
 * of a repair. It lies beside the keys of epochs, in no database and no backup, so that rows that are put back are found to be older than that.
 */
export interface HeadCounts {
  /** 0: nothing has left. @throws StorageError `FILE_TAMPERED`, `FILE_…` */
  read(name: KeyName): number;
  /** Is on the disk when this returns. Of two processes the caller lets one write at a time. @throws StorageError `FILE_…` */
  write(name: KeyName, count: number): void;
}

/** What their files begin with. */
const HEAD_COUNT = 'head-';
const COUNT_BYTES = 8;

/** @param fileName what the content of a file in that folder is bound to */
export function openHeadCounts(folder: string, vault: Vault, fileName: (name: string) => string): HeadCounts {
  return {
    read(name) {
      const file = nameOf(name);
      const path = join(folder, file);
      if (!existsSync(path)) return 0;
      const bytes = vault.openFile(fileName(file), readPrivateFile(path));
      return Number(new DataView(bytes.buffer, bytes.byteOffset, COUNT_BYTES).getBigUint64(0));
    },
    write(name, count) {
      const file = nameOf(name);
      const path = join(folder, file);
      const bytes = new Uint8Array(COUNT_BYTES);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(count));
      withFile(path, () => writePrivateFile(path, vault.sealFile(fileName(file), bytes), { replace: true }));
    },
  };
}

function nameOf({ owner, keyId }: KeyName): string {
  return `${HEAD_COUNT}${encodeHex(taggedHash('CKM/head-count/name/v1', owner, keyId))}`;
}
