import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { concatBytes, equalBytes } from '@ckm/foundation';
import { syncFolder, writePrivateFile } from './key-file.js';

const HASH_BYTES = 32;

/**
 * What is noted beside a sealed key file while its passphrase is changed: the audit log may be out of reach just then, and is to
 * tell of the change all the same. `SHA-256 of the new key file (32) ‖ UnixSeconds (8)`.
 */
export interface PassphraseNote {
  write(sealed: Uint8Array, at: number): void;
  /** Whether this is the key file that lies there. */
  isInPlace(sealed: Uint8Array): boolean;
  /** When the key file that lies there came under its passphrase, unless the log tells of it already: null. UnixSeconds. */
  read(): number | null;
  remove(): void;
}

/** @param keyFile path of the sealed key file */
export function passphraseNote(keyFile: string): PassphraseNote {
  const path = `${keyFile}.changed`;
  const isInPlace = (hash: Uint8Array) =>
    existsSync(keyFile) && equalBytes(hashOf(new Uint8Array(readFileSync(keyFile))), hash);
  return {
    write(sealed, at) {
      const moment = new Uint8Array(8);
      new DataView(moment.buffer).setBigUint64(0, BigInt(at));
      writePrivateFile(path, concatBytes(hashOf(sealed), moment), { replace: true });
    },
    isInPlace: (sealed) => isInPlace(hashOf(sealed)),
    read() {
      if (!existsSync(path)) return null;
      const bytes = new Uint8Array(readFileSync(path));
      // Cut short before the change, or the storage key is another one since.
      if (bytes.length !== HASH_BYTES + 8 || !isInPlace(bytes.subarray(0, HASH_BYTES))) return null;
      return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(HASH_BYTES));
    },
    remove() {
      rmSync(path, { force: true });
      syncFolder(dirname(path));
    },
  };
}

function hashOf(sealed: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(sealed).digest());
}
