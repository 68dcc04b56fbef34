import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { ClientContext } from '../../context/context.js';
import { readRecord } from '../../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../../store/record-store.js';
import type { CertifiedKey } from '../key-record.js';

/** What an owner states of a key, the same to every server, so that whoever was away hears it when he says it again. */
export interface FreezeRecord {
  readonly id: Uint8Array;
  readonly from: number;
  readonly until: number;
}

export const FREEZE_FOLDER = 'freezes';
export const MOST_FREEZE_SECONDS = 7 * 86_400;

export function freezePath(keyId: Uint8Array): string {
  return `${FREEZE_FOLDER}/${encodeHex(keyId)}`;
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseFreeze(path: string, bytes: Uint8Array): FreezeRecord {
  const record = readRecord(path, bytes);
  return { id: record.bytes('id', 32), from: record.integer('from'), until: record.integer('until') };
}

export const USUAL_FREEZE_SECONDS = 72 * 3_600;

/** The freeze to go on with, or a new one: on record before anybody hears of it. */
export function stateFreeze(
  { store, clock, random }: ClientContext,
  { keyId }: CertifiedKey,
  seconds: number | null,
): Promise<FreezeRecord> {
  return store.exclusive('key-freezes', async () => {
    const now = clock();
    const known = await readFreeze(store, keyId);
    const goesOn = known !== null && known.until > now;
    if (goesOn && (seconds === null || now + seconds <= known.until)) return known;
    // Servers count from the first one on.
    const most = goesOn ? known.from + MOST_FREEZE_SECONDS : Number.POSITIVE_INFINITY;
    const until = Math.min(now + (seconds ?? USUAL_FREEZE_SECONDS), most);
    const stated = { id: random(32), from: goesOn ? known.from : now, until };
    await store.put(freezePath(keyId), encodeData({ version: 1, ...stated }));
    return stated;
  });
}

async function readFreeze(store: RecordStore, keyId: Uint8Array): Promise<FreezeRecord | null> {
  const path = freezePath(keyId);
  try {
    const bytes = await store.get(path);
    return bytes === null ? null : parseFreeze(path, bytes);
  } catch (error) {
    // Whoever has to stop a key now is not kept from it by a damaged record.
    if (!isUnreadable(error)) throw error;
    store.passOver(path, error);
    return null;
  }
}

/** The same end with an id of its own: the one before is over. */
export async function stateAnew(
  { store, clock, random }: ClientContext,
  { keyId }: CertifiedKey,
  { until }: FreezeRecord,
): Promise<FreezeRecord> {
  const stated = { id: random(32), from: Math.min(clock(), until - 1), until };
  await store.put(freezePath(keyId), encodeData({ version: 1, ...stated }));
  return stated;
}
