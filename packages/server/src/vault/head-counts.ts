import { existsSync, rmSync } from 'node:fs';
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

/** What is remembered outside of the database of what left. */
export interface HeadCount {
  /** How often the head had been written; 0: nothing has left. */
  readonly count: number;
  /** When this server first gave its share out; null: it never did. UnixSeconds. */
  readonly exportedAt: number | null;
}

/**
 * How often the head of a key had been written when something that it remembers last left this server: a vote on who follows, a share
 * of a repair or an export. It lies beside the keys of epochs, in no database and no backup, so that rows that are put back are found to
 * be older than that.
 */
export interface HeadCounts {
  /** @throws StorageError `FILE_TAMPERED`, `FILE_…` */
  read(name: KeyName): HeadCount;
  /** Is on the disk when this returns. Of two processes the caller lets one write at a time. @throws StorageError `FILE_…` */
  write(name: KeyName, noted: HeadCount): void;
  /** Of a key that is forgotten for good: nothing of it is remembered. @throws StorageError `FILE_…` */
  remove(name: KeyName): void;
}

/** What their files begin with. */
const HEAD_COUNT = 'head-';
const NUMBER_BYTES = 8;

/** @param fileName what the content of a file in that folder is bound to */
export function openHeadCounts(folder: string, vault: Vault, fileName: (name: string) => string): HeadCounts {
  return {
    read(name) {
      const file = nameOf(name);
      const path = join(folder, file);
      if (!existsSync(path)) return { count: 0, exportedAt: null };
      const bytes = vault.openFile(fileName(file), readPrivateFile(path));
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const isExported = bytes.length > NUMBER_BYTES;
      return {
        count: Number(view.getBigUint64(0)),
        exportedAt: isExported ? Number(view.getBigUint64(NUMBER_BYTES)) : null,
      };
    },
    write(name, { count, exportedAt }) {
      const file = nameOf(name);
      const path = join(folder, file);
      const numbers = exportedAt === null ? [count] : [count, exportedAt];
      const bytes = new Uint8Array(NUMBER_BYTES * numbers.length);
      const view = new DataView(bytes.buffer);
      for (const [i, number] of numbers.entries()) view.setBigUint64(NUMBER_BYTES * i, BigInt(number));
      withFile(path, () => writePrivateFile(path, vault.sealFile(fileName(file), bytes), { replace: true }));
    },
    remove(name) {
      const path = join(folder, nameOf(name));
      withFile(path, () => rmSync(path, { force: true }));
    },
  };
}

function nameOf({ owner, keyId }: KeyName): string {
  return `${HEAD_COUNT}${encodeHex(taggedHash('CKM/head-count/name/v1', owner, keyId))}`;
}
