import { assertOpen, findTrack, listTracks, type TrackFolder } from '../store/track.js';
import type { RecordStore } from '../store/record-store.js';
import {
  encodeSession,
  parseSession,
  SESSION_FOLDER,
  sessionPath,
  type SessionRecord,
} from './session-record.js';

export const SESSIONS: TrackFolder<SessionRecord> = {
  folder: SESSION_FOLDER,
  noun: 'session',
  parse: parseSession,
};

export async function saveSession(store: RecordStore, session: SessionRecord): Promise<void> {
  await store.put(sessionPath(session.sessionId), encodeSession(session));
}

/** Every ceremony on record, oldest first. @throws StorageError `STORE_CORRUPT` */
export function listSessions(store: RecordStore): Promise<SessionRecord[]> {
  return listTracks(store, SESSIONS);
}

/** @param id its first digits @throws UsageError `SESSION_UNKNOWN`, `SESSION_AMBIGUOUS` */
export function findSession(store: RecordStore, id: string): Promise<SessionRecord> {
  return findTrack(store, SESSIONS, id);
}

/** A session by its whole id; null: it is not on record any more. @throws StorageError `STORE_CORRUPT` */
export async function sessionOnRecord(
  store: RecordStore,
  sessionId: Uint8Array,
): Promise<SessionRecord | null> {
  const path = sessionPath(sessionId);
  const bytes = await store.get(path);
  return bytes === null ? null : parseSession(path, bytes);
}

/** A session that goes on, by the first digits of its id. @throws StateError `SESSION_OVER` */
export async function findOpenSession(store: RecordStore, id: string): Promise<SessionRecord> {
  const session = await findSession(store, id);
  assertOpen(session, 'session', session.sessionId);
  return session;
}
