import { encodeData } from '@ckm/gordian';
import { readRecord } from '../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../store/record-store.js';

export const OWNER_FOLDER = 'owner';
const PATH = `${OWNER_FOLDER}/seed-backup`;

/**
 * When the words of the seed were last shown to its owner, or typed in by him.
 * @returns UnixSeconds; null: never here, or nobody can read when
 */
export async function readSeedBackup(store: RecordStore): Promise<number | null> {
  try {
    const bytes = await store.get(PATH);
    return bytes === null ? null : parseSeedBackup(PATH, bytes);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.passOver(PATH, error);
    return null;
  }
}

/** @param now UnixSeconds */
export async function noteSeedBackup(store: RecordStore, now: number): Promise<void> {
  await store.put(PATH, encodeData({ version: 1, shownAt: now }));
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseSeedBackup(path: string, bytes: Uint8Array): number {
  return readRecord(path, bytes).integer('shownAt');
}
