import { decodeHex, encodeHex } from '@ckm/foundation';
import type { SeenSession, SessionCursor, WaitingSession } from '../../context.js';
import type { OperatorSeenSession, OperatorSession, OperatorSessions } from '../schemas/sessions.js';
import type { DeskMeans } from './means.js';

/** Ceremonies that wait for the operator. */
export function createOperatorSessions({ context, sessions }: DeskMeans) {
  const { events } = context;
  return {
    /** A page of them, behind `after`. */
    waitingSessions: async (after: SessionCursor | null): Promise<OperatorSessions> => {
      const page = await sessions.sessionDesk.list(after);
      const { next } = page;
      return {
        sessions: page.sessions.map(view),
        next: next === null ? null : { sessionId: encodeHex(next.sessionId), owner: encodeHex(next.owner) },
      };
    },
    /** @param seen what was looked at: nothing else is approved */
    approveSession: async (seen: OperatorSeenSession, as: string | null, words = ''): Promise<void> => {
      await sessions.sessionDesk.approve(seenOf(seen), as, words);
      events.operatorActed({ action: 'approve-session' });
    },
    rejectSession: async (seen: OperatorSeenSession, reason: string, as: string | null): Promise<void> => {
      await sessions.sessionDesk.reject(seenOf(seen), reason, as);
      events.operatorActed({ action: 'reject-session' });
    },
  };
}

function seenOf({ owner, sessionId, proposalHash }: OperatorSeenSession): SeenSession {
  return {
    owner: decodeHex(owner),
    sessionId: decodeHex(sessionId),
    proposalHash: decodeHex(proposalHash),
  };
}

function view({ owner, sessionId, keyId, proposalHash, ...rest }: WaitingSession): OperatorSession {
  return {
    owner: encodeHex(owner),
    sessionId: encodeHex(sessionId),
    keyId: encodeHex(keyId),
    proposalHash: encodeHex(proposalHash),
    ...rest,
  };
}
