import { beginningOf } from '@ckm/foundation';
import type { ServerRefusal } from '../progress/progress.js';
import type { RequestRecord } from './request-record.js';
import {
  assertRequestOpen,
  loadRequest,
  removeRequest,
  requestGone,
  saveRequest,
  updateRequest,
} from './requests.js';
import type { RecordStore } from '../store/record-store.js';

/**
 * What the store knows of a request while it runs. It is there before any server hears of the request, so that a client
 * that is killed at any moment can go on with it or withdraw it, and gone with the answer, unless people were asked. What
 * another process has ended stays ended.
 */
export interface RequestTrace {
  /** Before the first message. @throws StateError `REQUEST_OVER`: it was left before, and is over since */
  begin(): Promise<void>;
  /** Before anything of that attempt is sent. @throws StateError `REQUEST_OVER`: its owner wants it no more */
  attempt(number: number): Promise<void>;
  /** Its owner leaves: whatever becomes of it is kept. */
  stays(): void;
  /** The request waits for people: it may be left. Called again when another server refuses. @throws as {@link RequestTrace.attempt} */
  waits(attempts: number, refused: readonly ServerRefusal[]): Promise<void>;
  /** @param artefact null: it is a secret, and kept nowhere */
  finish(attempts: number, artefact: Uint8Array | null): Promise<void>;
  /** Nothing can come of it any more; one that people decided on can still be looked up. @param reason for people */
  fail(reason: string): Promise<void>;
  /** Nothing came of it; one that may be resumed stays. */
  giveUp(): Promise<void>;
}

/** @param isKept whether the request was left before and is being resumed */
export function createRequestTrace(
  store: RecordStore,
  request: RequestRecord,
  isKept: boolean,
): RequestTrace {
  let staysWhenOver = isKept;
  // The first attempt follows the beginning so closely that one write does for both.
  let written = request.attempts + 1;
  let { refusals } = request;
  const save = (change: Partial<RequestRecord>, mayChange: (now: RequestRecord) => boolean) =>
    updateRequest(store, request.requestId, (now) =>
      now === null || mayChange(now) ? { ...(now ?? request), refusals, ...change } : null,
    );
  // The signature that another process has got stays; this one goes on to its own.
  const saveAttempts = (attempts: number) => save({ attempts }, isOpenUnlessFinished);
  return {
    begin: async () => {
      const begun = { ...request, attempts: written };
      if (!isKept) return saveRequest(store, begun);
      await updateRequest(store, request.requestId, (now) => {
        if (now === null) throw requestGone(request);
        assertRequestOpen(now);
        return { ...now, refusals, attempts: written };
      });
    },
    attempt: async (number) => {
      // Nobody else goes on with one that has not waited for anybody.
      if (number <= written && !staysWhenOver) return;
      written = Math.max(written, number);
      await saveAttempts(written);
    },
    stays: () => {
      staysWhenOver = true;
    },
    waits: async (attempts, refused) => {
      staysWhenOver = true;
      refusals = refused.map(({ server, reason, code }) =>
        beginningOf(`${server}: ${reason} (${code})`, 280),
      );
      await saveAttempts(attempts);
    },
    finish: async (attempts, artefact) => {
      if (!staysWhenOver || artefact === null) return removeRequest(store, request.requestId);
      // Whatever is on record, also where it cannot be read: it is there.
      await saveRequest(store, { ...request, refusals, attempts, artefact, state: 'finished' });
    },
    fail: async (reason) => {
      if (!staysWhenOver) return removeOpen();
      const failed = { attempts: written, state: 'failed', reason: beginningOf(reason, 280) } as const;
      await save(failed, ({ state }) => state === 'open');
    },
    giveUp: async () => {
      if (!staysWhenOver) await removeOpen();
    },
  };

  /** One that its owner has taken back meanwhile stays on record as that. */
  async function removeOpen(): Promise<void> {
    const now = await loadRequest(store, request.requestId);
    if (now?.state === 'open') await removeRequest(store, request.requestId);
  }
}

/** @throws StateError `REQUEST_OVER` */
function isOpenUnlessFinished(now: RequestRecord): boolean {
  if (now.state === 'finished') return false;
  assertRequestOpen(now);
  return true;
}
