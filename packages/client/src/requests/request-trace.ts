import { beginningOf } from '@ckm/foundation';
import type { ServerRefusal } from '../progress/progress.js';
import type { RequestRecord } from './request-record.js';
import { removeRequest, saveRequest } from './requests.js';
import type { RecordStore } from '../store/record-store.js';

/**
 * What the store knows of a request while it runs. It is there before any server hears of the request, so that a client
 * that is killed at any moment can go on with it or withdraw it, and gone with the answer, unless people were asked.
 */
export interface RequestTrace {
  /** Before the first message. */
  begin(): Promise<void>;
  /** Before anything of that attempt is sent. */
  attempt(number: number): Promise<void>;
  /** Its owner leaves: whatever becomes of it is kept. */
  stays(): void;
  /** The request waits for people: it may be left. Called again when another server refuses. */
  waits(attempts: number, refused: readonly ServerRefusal[]): Promise<void>;
  finish(attempts: number, artefact: Uint8Array): Promise<void>;
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
  const save = (change: Partial<RequestRecord>) => saveRequest(store, { ...request, refusals, ...change });
  return {
    begin: () => save({ attempts: written }),
    attempt: async (number) => {
      if (number <= written) return;
      written = number;
      await save({ attempts: number });
    },
    stays: () => {
      staysWhenOver = true;
    },
    waits: async (attempts, refused) => {
      staysWhenOver = true;
      refusals = refused.map(({ server, reason, code }) =>
        beginningOf(`${server}: ${reason} (${code})`, 280),
      );
      await save({ attempts });
    },
    finish: async (attempts, artefact) => {
      if (staysWhenOver) await save({ attempts, artefact, state: 'finished' });
      else await removeRequest(store, request.requestId);
    },
    fail: async (reason) => {
      if (staysWhenOver) await save({ attempts: written, state: 'failed', reason: beginningOf(reason, 280) });
      else await removeRequest(store, request.requestId);
    },
    giveUp: async () => {
      if (!staysWhenOver) await removeRequest(store, request.requestId);
    },
  };
}
