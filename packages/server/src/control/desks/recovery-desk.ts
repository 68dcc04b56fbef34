import { decodeHex, encodeHex } from '@ckm/foundation';
import type { DeskMeans } from './means.js';

/** The operator in person as a way back into an account. */
export function createRecoveryDesk({ context, sessions }: DeskMeans) {
  return {
    recoverAccount: async (xid: Uint8Array, request: string, words: string, as: string | null) => {
      const view = await sessions.waysBackDesk.confirm(xid, decodeHex(request), words, as);
      context.events.operatorActed({ action: 'recover' });
      const { caseId, state, readyAt, vetoes } = view;
      return { caseId: encodeHex(caseId), state, readyAt, vetoes };
    },
  };
}
