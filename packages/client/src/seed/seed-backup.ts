import { encodeData } from '@ckm/gordian';
import { corrupt, readRecord } from '../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../store/record-store.js';

export const OWNER_FOLDER = 'owner';
const PATH = `${OWNER_FOLDER}/seed-backup`;

/** What is on record of the owner's backup of the seed: nothing of the backup itself. */
export interface SeedBackup {
  /** When it was last shown to its owner, or typed in. UnixSeconds */
  readonly shownAt: number;
  readonly form: SeedBackupForm;
  /** When it was last tried, and brought this seed back. UnixSeconds; null: never here */
  readonly checkedAt: number | null;
}

/** `words`: the seed in one piece, as words or ur:seed. `shares`: as SSKR shares. */
export type SeedBackupForm = 'words' | 'shares';

/**
 * When the seed was last shown to its owner, or typed in by him, and in which form.
 * @returns null: never here, or nobody can read when
 */
export async function readSeedBackup(store: RecordStore): Promise<SeedBackup | null> {
  try {
    const bytes = await store.get(PATH);
    return bytes === null ? null : parseSeedBackup(PATH, bytes);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.passOver(PATH, error);
    return null;
  }
}

/** @param now UnixSeconds: it is shown, or typed in */
export async function noteSeedBackup(
  store: RecordStore,
  { form, isTyped }: { readonly form: SeedBackupForm; readonly isTyped: boolean },
  now: number,
): Promise<void> {
  await put(store, { shownAt: now, form, checkedAt: isTyped ? now : null });
}

/** @param now UnixSeconds: it was tried, and brings this seed back */
export async function noteSeedBackupChecked(
  store: RecordStore,
  form: SeedBackupForm,
  now: number,
): Promise<void> {
  const before = await readSeedBackup(store);
  // Tried in one form says nothing of the form in which it was shown.
  await put(store, { ...(before ?? { shownAt: now, form }), checkedAt: now });
}

async function put(store: RecordStore, backup: SeedBackup): Promise<void> {
  await store.put(PATH, encodeData({ version: 1, ...backup }));
}

/** A record of earlier versions says only when. @throws StorageError `STORE_CORRUPT` */
export function parseSeedBackup(path: string, bytes: Uint8Array): SeedBackup {
  const record = readRecord(path, bytes);
  const form = record.has('form') ? record.text('form') : 'words';
  if (form !== 'words' && form !== 'shares') throw corrupt(path);
  return {
    shownAt: record.integer('shownAt'),
    form,
    checkedAt: record.has('checkedAt') ? record.integer('checkedAt') : null,
  };
}
