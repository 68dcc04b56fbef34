import type { RecordStore } from '../store/record-store.js';
import { parseSession, SESSION_FOLDER } from './session-record.js';

/** How long a ceremony that is over can still be looked up, counted from when it would have expired. */
const KEPT_SECONDS = 30 * 86_400;

/**
 * Forgets ceremonies that were over long ago. One that is open stays however old it is: a key whose servers have all
 * signed may be finished years later. Keys and evidence have records of their own. What cannot be read is left alone.
 * @param now UnixSeconds
 */
export async function pruneSessions(store: RecordStore, now: number): Promise<void> {
  for (const path of await store.list(SESSION_FOLDER)) {
    if (await isLongOver(store, path, now)) await store.delete(path);
  }
}

async function isLongOver(store: RecordStore, path: string, now: number): Promise<boolean> {
  try {
    const bytes = await store.get(path);
    if (bytes === null) return false;
    const { state, expiresAt } = parseSession(path, bytes);
    return state !== 'open' && expiresAt + KEPT_SECONDS < now;
  } catch {
    return false;
  }
}
