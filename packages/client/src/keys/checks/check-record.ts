import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { corrupt, readRecord, type RecordReader } from '../../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../../store/record-store.js';

/**
 * What one server gave when it was asked to prove that it holds its share. `holds`: a proof that holds. `wrong`: one that does
 * not. `damaged`: it says itself that what it has stored is not its share any more. `lost`: it has the share no more. `forgot`: it
 * does not know the account, or somebody on the way says so. `refused`: it answers and proves nothing, which says nothing about its share. `silent`: no answer. `unknown`:
 * not on record here, so that nobody was asked.
 */
const CHECK_VERDICTS = [
  'holds',
  'wrong',
  'damaged',
  'lost',
  'forgot',
  'refused',
  'silent',
  'unknown',
] as const;
export type CheckVerdict = (typeof CHECK_VERDICTS)[number];

/** One key check of the past. */
export interface PastCheck {
  /** UnixSeconds. */
  readonly at: number;
  readonly epoch: number;
  /** In order of slots, which are of that epoch. */
  readonly verdicts: readonly CheckVerdict[];
}

/** How often a key is to be checked, and what came of it. */
export interface CheckRecord {
  /** Seconds; null: never. */
  readonly everySeconds: number | null;
  /** The latest last. */
  readonly history: readonly PastCheck[];
}

export const CHECK_FOLDER = 'checks';
export const CHECK_EVERY_SECONDS = 90 * 86_400;
/** As many as are kept of one key. */
export const MOST_CHECKS = 24;

/** By the id of the key: its name may become another key's. */
export function checkPath(keyId: Uint8Array): string {
  return `${CHECK_FOLDER}/${encodeHex(keyId)}`;
}

/** Nothing but the usual schedule where there is no record, or it cannot be read: a diagnosis names it. */
export async function readChecks(store: RecordStore, keyId: Uint8Array): Promise<CheckRecord> {
  return (await readRecordAt(store, checkPath(keyId))) ?? NEVER_CHECKED;
}

/** What is on record of all keys, by {@link checkPath}. */
export async function readAllChecks(store: RecordStore): Promise<ReadonlyMap<string, CheckRecord>> {
  const all = new Map<string, CheckRecord>();
  for (const path of await store.list(CHECK_FOLDER)) {
    const record = await readRecordAt(store, path);
    if (record !== null) all.set(path, record);
  }
  return all;
}

export const NEVER_CHECKED: CheckRecord = { everySeconds: CHECK_EVERY_SECONDS, history: [] };

async function readRecordAt(store: RecordStore, path: string): Promise<CheckRecord | null> {
  try {
    const bytes = await store.get(path);
    return bytes === null ? null : parseChecks(path, bytes);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.passOver(path, error);
    return null;
  }
}

/** Changes what is on record of the checks of a key; two processes do so one after the other. */
export async function changeChecks(
  store: RecordStore,
  keyId: Uint8Array,
  change: (before: CheckRecord) => CheckRecord,
): Promise<CheckRecord> {
  return store.exclusive('key-checks', async () => {
    const { everySeconds, history } = change(await readChecks(store, keyId));
    const kept = history.slice(-MOST_CHECKS);
    const checks = kept.map(({ at, epoch, verdicts }) => ({ at, epoch, verdicts: [...verdicts] }));
    await store.put(checkPath(keyId), encodeData({ version: 1, everySeconds, history: checks }));
    return { everySeconds, history: kept };
  });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseChecks(path: string, bytes: Uint8Array): CheckRecord {
  const record = readRecord(path, bytes);
  return {
    everySeconds: record.has('everySeconds') ? record.integer('everySeconds') : null,
    history: record.records('history').map((one) => parsePast(path, one)),
  };
}

function parsePast(path: string, record: RecordReader): PastCheck {
  const verdicts = record.list('verdicts').map((one) => {
    const verdict = CHECK_VERDICTS.find((known) => known === one);
    if (verdict === undefined) throw corrupt(path);
    return verdict;
  });
  return { at: record.integer('at'), epoch: record.integer('epoch'), verdicts };
}

/**
 * When the next check is due. It counts from the last one in which every server proved its share: what was silent then is
 * still to be asked.
 * @param since when the key was made, or fetched
 * @returns UnixSeconds; null: never
 */
export function checkDueAt({ everySeconds, history }: CheckRecord, since: number): number | null {
  if (everySeconds === null) return null;
  const whole = history.findLast(({ verdicts }) => verdicts.every((verdict) => verdict === 'holds'));
  return Math.max(whole?.at ?? 0, since) + everySeconds;
}
