import type { CraftAnswer, CraftPrepared, RequestReply } from '@ckm/api';
import type { ServerContext } from '../context.js';
import type { StoredRequest } from './request-record.js';

/** The reply about a request, with what there is to hand out. */
export function replyTo(
  { clock }: ServerContext,
  { row: { requestId, expiresAt }, state, record: { sentence, reason } }: StoredRequest,
  given: {
    readonly answer?: CraftAnswer | null;
    readonly prepared?: CraftPrepared | null;
    readonly stale?: boolean;
  },
): RequestReply {
  const { answer = null, prepared = null, stale = false } = given;
  return { requestId, state: shownState(), sentence, reason, answer, prepared };

  function shownState(): RequestReply['state'] {
    if (answer !== null) return 'answered';
    const open = state === 'waiting' || state === 'approved';
    if (open && expiresAt <= clock()) return 'expired';
    if (state === 'approved') return stale ? 'stale' : 'ready';
    return state === 'proposed' ? 'waiting' : state;
  }
}
