import { encodeData } from '@ckm/gordian';
import type { ClientContext } from '../context/context.js';
import { readRecord } from '../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../store/record-store.js';
import { newestParams } from './chain/key-chain.js';
import { listKeyRecords } from './keys.js';

/** The last recovery sheet that was made here: which keys it names, as of which of their epochs. */
export interface SheetRecord {
  /** UnixSeconds */
  readonly madeAt: number;
  readonly keys: readonly { readonly keyId: Uint8Array; readonly epoch: number }[];
}

export const SHEET_FOLDER = 'sheets';
const PATH = `${SHEET_FOLDER}/last`;

/** Null: none was made here, or nobody can read when. */
export async function readSheet(store: RecordStore): Promise<SheetRecord | null> {
  try {
    const bytes = await store.get(PATH);
    return bytes === null ? null : parseSheetRecord(PATH, bytes);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.passOver(PATH, error);
    return null;
  }
}

/** Puts on record that a sheet was made just now, of all keys as they are. */
export async function noteSheet({ store, clock }: Pick<ClientContext, 'store' | 'clock'>): Promise<void> {
  const keys = (await listKeyRecords(store)).map((record) => {
    const { keyId, epoch } = newestParams(record);
    return { keyId, epoch };
  });
  await store.put(PATH, encodeData({ version: 1, madeAt: clock(), keys }));
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseSheetRecord(path: string, bytes: Uint8Array): SheetRecord {
  const record = readRecord(path, bytes);
  const keys = record.records('keys').map((one) => ({
    keyId: one.bytes('keyId', 32),
    epoch: one.integer('epoch'),
  }));
  return { madeAt: record.integer('madeAt'), keys };
}
