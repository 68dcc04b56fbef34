import { type FileHandle, open } from 'node:fs/promises';
import { CkmError, equalBytes, type Secret } from '@ckm/foundation';
import { MIGRATIONS } from '../storage/migrations/migrate.js';
import { openKeyFile } from '../vault/passphrase.js';
import { type StorageKey, wipeStorageKey } from '../vault/storage-key.js';
import {
  backupNone,
  backupUnreadable,
  changed,
  cutShort,
  ofOtherVersion,
  passphraseOfOtherTime,
} from './codes.js';
import {
  type BackupHeader,
  createFrameKey,
  frameLength,
  headerLength,
  LENGTH_BYTES,
  MAGIC,
  parseHeader,
} from './frames.js';
import { type BackupRecord, parseRecord } from './records.js';

/** A backup whose keys were opened. Close it: that wipes them. */
export interface OpenBackup {
  readonly header: BackupHeader;
  readonly storageKey: StorageKey;
  /**
   * Everything in it, from the beginning, as often as it is asked for.
   * @param read is told how many bytes of how many were read
   * @throws EncodingError `BACKUP_CHANGED`, `BACKUP_CUT_SHORT`
   */
  records(read?: (bytes: number, of: number) => void): AsyncGenerator<BackupRecord, void>;
  close(): Promise<void>;
}

/**
 * Opens a backup with its passphrase, which is not wiped.
 * @throws EncodingError `BACKUP_NONE`, `BACKUP_CUT_SHORT`, `BACKUP_CHANGED`, `BACKUP_OF_OTHER_VERSION`; StorageError
 * `BACKUP_UNREADABLE`; AccessError `PASSPHRASE_WRONG`
 */
export async function openBackup(path: string, passphrase: Secret<Uint8Array>): Promise<OpenBackup> {
  const handle = await openFile(path);
  try {
    const { size } = await handle.stat();
    const { header, encoded } = await readHeader(handle, size, path);
    const storageKey = await keyIn(header.key, passphrase);
    const frameKey = await keyIn(header.frameKey, passphrase);
    return {
      header,
      storageKey,
      records: (read) => recordsIn({ handle, size }, { encoded, frameKey }, read),
      close: async () => {
        wipeStorageKey(storageKey);
        wipeStorageKey(frameKey);
        await handle.close();
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, 'r');
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch (cause) {
    throw backupUnreadable(path, cause);
  }
  throw backupNone(path);
}

/** With all bytes up to its end: what every frame is bound to. */
async function readHeader(
  handle: FileHandle,
  size: number,
  path: string,
): Promise<{ readonly header: BackupHeader; readonly encoded: Uint8Array }> {
  const start = Math.min(size, MAGIC.length);
  if (!equalBytes(await readAt(handle, 0, start), MAGIC.subarray(0, start)) || size === 0)
    throw backupNone(path);
  const at = MAGIC.length + LENGTH_BYTES;
  if (size < at) throw cutShort();
  const end = at + headerLength(await readAt(handle, MAGIC.length, LENGTH_BYTES));
  if (size < end) throw cutShort();
  const encoded = await readAt(handle, 0, end);
  const header = parseHeader(encoded.subarray(at));
  if (header.schema !== MIGRATIONS.length) throw ofOtherVersion(header.version);
  return { header, encoded };
}

async function keyIn(sealed: Uint8Array, passphrase: Secret<Uint8Array>): Promise<StorageKey> {
  try {
    return await openKeyFile(sealed, passphrase);
  } catch (error) {
    if (error instanceof CkmError && error.code === 'KEY_FILE_DAMAGED') throw changed('its key is damaged');
    if (error instanceof CkmError && error.code === 'PASSPHRASE_WRONG') throw passphraseOfOtherTime();
    throw error;
  }
}

async function* recordsIn(
  { handle, size }: { readonly handle: FileHandle; readonly size: number },
  { encoded, frameKey }: { readonly encoded: Uint8Array; readonly frameKey: StorageKey },
  read: (bytes: number, of: number) => void = () => undefined,
): AsyncGenerator<BackupRecord, void> {
  const frames = createFrameKey(frameKey, encoded);
  try {
    for (let at = encoded.length; at < size;) {
      if (size < at + LENGTH_BYTES) throw cutShort();
      const length = frameLength(await readAt(handle, at, LENGTH_BYTES));
      const end = at + LENGTH_BYTES + length;
      if (size < end) throw cutShort();
      const record = parseRecord(frames.open(await readAt(handle, at + LENGTH_BYTES, length), end === size));
      at = end;
      read(at, size);
      yield record;
      if (record.kind === 'end') return;
    }
    throw cutShort();
  } finally {
    frames.wipe();
  }
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, at + done);
    if (bytesRead === 0) throw cutShort();
    done += bytesRead;
  }
  return bytes;
}
