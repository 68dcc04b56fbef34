import type { SessionCursor } from '../../context.js';
import type { SessionRow } from '../../storage/storage.js';
import { passIfTampered } from '../../storage/tampered-row.js';
import { countDraft, hearPeople, openDraft, refuseDraft } from './session-draft.js';
import { openSessionToShow } from './session-record.js';
import { ownOrigin, reviseSession, type SessionMeans } from './session-revise.js';
import { COUNT_SECONDS, type Counter, countOn } from '../waiting-time.js';

const PAGE = 64;

/**
 * Counts for every session whose operator is waited for no longer than so long, and opens those that have waited. Called every
 * few seconds.
 */
export function createWaitingSweep(server: SessionMeans): () => Promise<void> {
  const { storage, events } = server.context;
  // At once, so that what another process counted goes on soon after a start.
  let restsUntil = 0;
  return async () => {
    const counter = server.counting();
    if (counter.lived < restsUntil) return;
    restsUntil = counter.lived + COUNT_SECONDS;
    for (let after: SessionCursor | null = null; ;) {
      const place: SessionCursor | null = after;
      const rows: readonly SessionRow[] = await storage.read(({ sessions }) =>
        sessions.listWaiting(counter.now, place, PAGE),
      );
      for (const row of rows) {
        await passIfTampered(events.storageFailed, () => countAt(server, row, counter));
      }
      const behind = rows.length < PAGE ? undefined : rows.at(-1);
      if (behind === undefined) return;
      after = { sessionId: behind.sessionId, owner: behind.owner };
    }
  };
}

/** Looks once more whether one that waits begins, or is over. */
export async function countAt(server: SessionMeans, row: SessionRow, counter: Counter): Promise<void> {
  const { context } = server;
  // Most wait for a person alone, and are not written to.
  if ((openSessionToShow(context, row).record.waiting ?? null) === null) return;
  await reviseSession(server, ownOrigin(context, row), async (draft, drafting) => {
    const { state, record } = draft.session;
    const { waiting = null, proposal, operator } = record;
    if (state !== 'proposed' || waiting === null) return draft;
    const owned = { owner: row.owner, reader: drafting.reader };
    if ((await drafting.room.isPaused?.(owned, proposal)) === true) return draft;
    const heard = await hearPeople(drafting, draft);
    if (heard?.isOver === true) return refuseDraft(drafting.room, draft, heard);
    const counted = countOn(waiting, counter);
    const isHeard = heard === null || heard.reason === null;
    const isOpen = counted.counted >= counted.needed && operator !== 'asked' && isHeard;
    // Who has waited long enough, and for people alone, is looked at again without anything being counted.
    if (isOpen && (heard !== null || counted !== waiting)) return openDraft(drafting, draft, 'time');
    return counted === waiting ? draft : countDraft(draft, counted);
  });
}
