import type { SignSession } from '../sessions/session-record.js';
import { removeSession, saveSession } from '../sessions/sessions.js';
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
  /** The request begins to wait for people: it may be left. */
  waits(attempts: number): Promise<void>;
  finish(attempts: number, artefact: Uint8Array): Promise<void>;
  /** Nothing came of it; one that may be resumed stays. */
  giveUp(): Promise<void>;
}

/** @param isKept whether the session was left before and is being resumed */
export function createRequestTrace(store: RecordStore, session: SignSession, isKept: boolean): RequestTrace {
  let staysWhenOver = isKept;
  // The first attempt follows the beginning so closely that one write does for both.
  let written = session.attempts + 1;
  const save = (change: Partial<SignSession>) => saveSession(store, { ...session, ...change });
  return {
    begin: () => save({ attempts: written }),
    attempt: async (number) => {
      if (number <= written) return;
      written = number;
      await save({ attempts: number });
    },
    waits: async (attempts) => {
      staysWhenOver = true;
      await save({ attempts });
    },
    finish: async (attempts, artefact) => {
      if (staysWhenOver) await save({ attempts, artefact, state: 'finished' });
      else await removeSession(store, session.sessionId);
    },
    giveUp: async () => {
      if (!staysWhenOver) await removeSession(store, session.sessionId);
    },
  };
}
