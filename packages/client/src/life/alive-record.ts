import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { readRecord } from '../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../store/record-store.js';

/** What this machine has said of its owner's life for one key. */
export interface AliveRecord {
  readonly keyId: Uint8Array;
  /** The highest that was ever signed here: the next one is higher. */
  readonly number: number;
  /** Of each server, by XID, when it last said that it had heard. UnixSeconds. */
  readonly heard: readonly { readonly server: Uint8Array; readonly at: number }[];
}

export const ALIVE_FOLDER = 'alive';

function alivePath(keyId: Uint8Array): string {
  return `${ALIVE_FOLDER}/${encodeHex(keyId)}`;
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseAlive(path: string, bytes: Uint8Array): AliveRecord {
  const record = readRecord(path, bytes);
  return {
    keyId: record.bytes('keyId', 32),
    number: record.integer('number'),
    heard: record.records('heard').map((one) => ({ server: one.bytes('server', 32), at: one.integer('at') })),
  };
}

/** Nothing was said yet, or what was cannot be read: then whatever the clock says is high enough. */
export async function readAliveRecord(store: RecordStore, keyId: Uint8Array): Promise<AliveRecord> {
  const path = alivePath(keyId);
  try {
    const bytes = await store.get(path);
    if (bytes !== null) return parseAlive(path, bytes);
  } catch (error) {
    // Whoever has to be heard is not kept from it by a damaged record.
    if (!isUnreadable(error)) throw error;
    store.passOver(path, error);
  }
  return { keyId, number: 0, heard: [] };
}

export async function saveAliveRecord(
  store: RecordStore,
  { keyId, number, heard }: AliveRecord,
): Promise<void> {
  const record = { version: 1, keyId, number, heard: heard.map((one) => ({ ...one })) };
  await store.put(alivePath(keyId), encodeData(record));
}
