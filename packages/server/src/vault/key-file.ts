import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { concatBytes, encodeUtf8, equalBytes, reveal, secret, withFile } from '@ckm/foundation';
import { lostFile, vaultError } from './codes.js';
import { CHECK_BYTES, keyCheckValue, STORAGE_KEY_BYTES, type StorageKey } from './storage-key.js';

const MAGIC = encodeUtf8('ckm storage key 1\n');
const LENGTH = MAGIC.length + 4 + STORAGE_KEY_BYTES + CHECK_BYTES;
const MAX_FILE_BYTES = 4096;

/** `ckm storage key 1\n ‖ epoch (4) ‖ key (32) ‖ check value (16)`. */
export function encodeKeyFile(storageKey: StorageKey): Uint8Array {
  const epoch = new Uint8Array(4);
  new DataView(epoch.buffer).setUint32(0, storageKey.epoch);
  const key = reveal(storageKey.key, 'write the key file');
  return concatBytes(MAGIC, epoch, key, keyCheckValue(storageKey));
}

/** @throws StorageError `KEY_FILE_DAMAGED`. */
export function parseKeyFile(bytes: Uint8Array): StorageKey {
  if (bytes.length !== LENGTH || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) throw damaged();
  const at = MAGIC.length;
  const epoch = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
  const storageKey = { epoch, key: secret(bytes.slice(at + 4, at + 4 + STORAGE_KEY_BYTES)) };
  if (!equalBytes(keyCheckValue(storageKey), bytes.subarray(at + 4 + STORAGE_KEY_BYTES))) throw damaged();
  return storageKey;
}

/**
 * Reads a file that only its owner may read.
 * @throws StorageError `KEY_FILE_MISSING`, `KEY_FILE_EXPOSED` when others may read or write it, `KEY_FILE_DAMAGED`.
 */
export function readPrivateFile(path: string): Uint8Array {
  const { bytes, isExposed } = readSmallFile(path);
  if (!isExposed) return bytes;
  bytes.fill(0);
  throw vaultError('KEY_FILE_EXPOSED', `others may read ${path}`, `run: chmod 600 ${path}`);
}

/** What somebody typed into a file, whose editor ends its line. */
export function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  const end = bytes.findLastIndex((byte) => byte !== 0x0a && byte !== 0x0d);
  return bytes.subarray(0, end + 1);
}

/**
 * Reads a file whoever may read it besides.
 * @throws StorageError `KEY_FILE_MISSING`, `KEY_FILE_DAMAGED`, `FILE_…`
 */
export function readSmallFile(path: string): { readonly bytes: Uint8Array; readonly isExposed: boolean } {
  return withFile(path, () => {
    const descriptor = openToRead(path);
    try {
      const { mode, size } = fstatSync(descriptor);
      if (size > MAX_FILE_BYTES) throw damaged(path);
      const bytes = new Uint8Array(size);
      readSync(descriptor, bytes, 0, size, 0);
      return { bytes, isExposed: (mode & 0o077) !== 0 };
    } finally {
      closeSync(descriptor);
    }
  });
}

/** As a rule it is there: nothing is asked for first. */
function openToRead(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (existsSync(path)) throw error;
    throw lostFile('KEY_FILE_MISSING', `there is no ${path}`);
  }
}

/**
 * Writes a file that only its owner may read: complete and on the disk, or not at all.
 * @throws StorageError `KEY_FILE_EXISTS` unless `replace`.
 */
export function writePrivateFile(path: string, bytes: Uint8Array, { replace = false } = {}): void {
  if (!replace && existsSync(path)) {
    throw vaultError('KEY_FILE_EXISTS', `${path} exists already`, 'choose an empty data directory');
  }
  const temporary = `${path}.new`;
  withFile(temporary, () => {
    if (existsSync(temporary)) unlinkSync(temporary);
    makeFile(temporary, bytes);
  });
  withFile(path, () => {
    try {
      renameSync(temporary, path);
    } catch (error) {
      unlinkSync(temporary);
      throw error;
    }
    syncFolder(dirname(path));
  });
}

/** A file with these bytes, on the disk; whatever fails leaves none. */
function makeFile(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    writeWhole(descriptor, bytes);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** A disk that has room for a part takes that part without a word. */
function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
  fsyncSync(descriptor);
}

/**
 * Writes a file that only its owner may read, whole and on the disk, unless there is one. Of two that write the same one at once,
 * one does: both go on with what is there then.
 */
export function writeNewFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.new`;
  makeFile(temporary, bytes);
  try {
    linkSync(temporary, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  } finally {
    unlinkSync(temporary);
  }
  syncFolder(dirname(path));
}

/**
 * Puts other content in the place of a file that only its owner may read, and overwrites the old content. Cut short, it
 * leaves the old file or the new one, whole.
 */
export function replacePrivateFile(path: string, bytes: Uint8Array): void {
  const former = withFile(path, () => openSync(path, 'r+'));
  try {
    writePrivateFile(path, bytes, { replace: true });
    // It has no name any more, but its bytes would lie on the disk until somebody needs the place.
    writeSync(former, new Uint8Array(fstatSync(former).size), 0);
    fsyncSync(former);
  } finally {
    closeSync(former);
  }
}

/** Overwrites and removes a file: what can be done for its content not to come back. */
export function destroyFile(path: string): void {
  const descriptor = openSync(path, 'r+');
  try {
    writeSync(descriptor, new Uint8Array(fstatSync(descriptor).size), 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  unlinkSync(path);
  syncFolder(dirname(path));
}

/** What was made, renamed or removed in a folder is so after a power cut too. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function damaged(what = 'the storage key file') {
  return lostFile('KEY_FILE_DAMAGED', `${what} is damaged`);
}
