import { CkmError } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import type { SessionScope } from '../../vault/epoch-key-name.js';
import { FOLDER_MARK } from '../../vault/folder-mark.js';
import { isOver, parseSessionState } from './machine.js';

/** A key younger than this may belong to a session that another process is about to store. */
const YOUNG_MS = 3_600_000;
/** Between one look at all of them and the next. */
const REST_SECONDS = 3_600;

/**
 * Destroys the key of a session that is over: what it sealed is in dumps and archives of the database for as long as those
 * are kept, and opens no more. What a failing disk leaves is found by {@link createKeySweep}.
 */
export function destroySessionKey({ epochKeys, events }: ServerContext, scope: SessionScope): void {
  try {
    epochKeys.destroy(scope);
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    events.storageFailed(error);
  }
}

/**
 * Destroys keys whose session is over or was never stored, because a process ended in between, and copies that it was
 * writing. Called every few seconds. In a folder whose mark the database does not know it destroys nothing: what lies there
 * may belong to sessions of another one.
 */
export function createKeySweep(context: ServerContext): () => Promise<void> {
  const { storage, epochKeys, clock } = context;
  let restsUntil = 0;
  return async () => {
    if (clock() < restsUntil) return;
    restsUntil = clock() + REST_SECONDS;
    if (!(await isFolderOurs(context))) return;
    epochKeys.destroyLeftovers(YOUNG_MS);
    for (const scope of epochKeys.sessionsOlderThan(YOUNG_MS)) {
      const row = await storage.read(({ sessions }) => sessions.find(scope.owner, scope.sessionId));
      if (row === null || isOver(parseSessionState(row.state))) destroySessionKey(context, scope);
    }
  };
}

async function isFolderOurs({ storage, vault, epochKeys }: ServerContext): Promise<boolean> {
  const row = await storage.read(({ meta }) => meta.find(FOLDER_MARK));
  return epochKeys.mark.compare(row === null ? null : vault.openRow('meta', row)) !== 'other';
}
