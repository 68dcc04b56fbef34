import type { SessionCursor } from '../context.js';
import type { SessionRow } from '../storage/storage.js';
import { passIfTampered } from '../storage/tampered-row.js';
import { countDraft, openDraft } from './session-draft.js';
import { openSessionToShow } from './session-record.js';
import { ownOrigin, reviseSession, type SessionMeans } from './session-revise.js';
import { countOn } from './waiting-time.js';

/** Between one count and the next: that much is lost when a server stops. */
const REST_SECONDS = 60;
const PAGE = 64;

/**
 * Counts for every session whose operator is waited for no longer than so long, and opens those that have waited. Called every
 * few seconds.
 */
export function createWaitingSweep(server: SessionMeans): () => Promise<void> {
  const { storage, clock, events } = server.context;
  let last = clock();
  return async () => {
    const now = clock();
    const lived = now - last;
    if (lived < REST_SECONDS) return;
    last = now;
    for (let after: SessionCursor | null = null; ;) {
      const place: SessionCursor | null = after;
      const rows: readonly SessionRow[] = await storage.read(({ sessions }) =>
        sessions.listWaiting(now, place, PAGE),
      );
      for (const row of rows) {
        await passIfTampered(events.storageFailed, () => countAt(server, row, now, lived));
      }
      const behind = rows.length < PAGE ? undefined : rows.at(-1);
      if (behind === undefined) return;
      after = { sessionId: behind.sessionId, owner: behind.owner };
    }
  };
}

async function countAt(server: SessionMeans, row: SessionRow, now: number, lived: number): Promise<void> {
  const { context } = server;
  // Most wait for a person alone, and are not written to.
  if ((openSessionToShow(context, row).record.waiting ?? null) === null) return;
  await reviseSession(server, ownOrigin(context, row), (draft, drafting) => {
    const { state, record } = draft.session;
    if (state !== 'proposed' || (record.waiting ?? null) === null) return draft;
    const waiting = countOn(record.waiting!, now, lived);
    return waiting.counted < waiting.needed ? countDraft(draft, waiting) : openDraft(drafting, draft, 'time');
  });
}
