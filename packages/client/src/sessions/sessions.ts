import { encodeHex, StateError, UsageError } from '@ckm/foundation';
import { listRecords, type RecordStore } from '../store/record-store.js';
import {
  encodeSession,
  parseSession,
  SESSION_FOLDER,
  sessionPath,
  type SessionRecord,
  shortId,
} from './session-record.js';

export async function saveSession(store: RecordStore, session: SessionRecord): Promise<void> {
  await store.put(sessionPath(session.sessionId), encodeSession(session));
}

/** As if it had never been. */
export async function removeSession(store: RecordStore, sessionId: Uint8Array): Promise<void> {
  await store.delete(sessionPath(sessionId));
}

/** Every session on record, oldest first. @throws StorageError `STORE_CORRUPT` */
export async function listSessions(store: RecordStore): Promise<SessionRecord[]> {
  const sessions = await listRecords(store, SESSION_FOLDER, parseSession);
  return sessions.sort(
    (a, b) => a.createdAt - b.createdAt || (encodeHex(a.sessionId) < encodeHex(b.sessionId) ? -1 : 1),
  );
}

/**
 * The session that the first digits of an id name.
 * @throws UsageError `SESSION_UNKNOWN`, `SESSION_AMBIGUOUS`
 */
export async function findSession(store: RecordStore, id: string): Promise<SessionRecord> {
  const wanted = id.toLowerCase();
  const paths = /^[0-9a-f]{4,64}$/.test(wanted) ? await store.list(SESSION_FOLDER) : [];
  const found = paths.filter((path) => path.startsWith(`${SESSION_FOLDER}/${wanted}`));
  const [path] = found;
  const bytes = path === undefined ? null : await store.get(path);
  if (path === undefined || bytes === null) {
    throw new UsageError(`there is no session ${JSON.stringify(id.slice(0, 70))}`, {
      code: 'SESSION_UNKNOWN',
      hint: 'list your sessions',
      remedy: { kind: 'listSessions' },
    });
  }
  if (found.length > 1) {
    throw new UsageError(`more than one session begins with ${wanted}`, {
      code: 'SESSION_AMBIGUOUS',
      hint: 'write more digits of its id',
    });
  }
  return parseSession(path, bytes);
}

/** @throws StateError `SESSION_OVER` */
export function requireOpen(session: SessionRecord): void {
  if (session.state === 'open') return;
  const why = session.reason === null ? '' : `: ${session.reason}`;
  throw new StateError(`session ${shortId(session.sessionId)} is over (${session.state})${why}`, {
    code: 'SESSION_OVER',
    ...(session.kind === 'sign' && session.artefact !== null
      ? { hint: 'get its signature', remedy: { kind: 'showRequest', id: shortId(session.sessionId) } }
      : { hint: 'start a new one' }),
    retryable: false,
  });
}
