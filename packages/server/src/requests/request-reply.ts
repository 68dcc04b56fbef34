import type { NonceCommitment, SigningReply } from '@ckm/api';
import type { ServerContext } from '../context.js';
import type { StoredRequest } from './request-record.js';

/** The reply about a request, with what there is to hand out. */
export function replyTo(
  { clock }: ServerContext,
  { row: { requestId, expiresAt }, state, record: { sentence, reason } }: StoredRequest,
  given: {
    readonly shares?: readonly Uint8Array[];
    readonly commitments?: readonly NonceCommitment[];
    readonly stale?: boolean;
  },
): SigningReply {
  const { shares = [], commitments = [], stale = false } = given;
  return {
    requestId,
    state: shownState(),
    sentence,
    reason,
    shares: [...shares],
    commitments: [...commitments],
  };

  function shownState(): SigningReply['state'] {
    if (shares.length > 0) return 'signed';
    const open = state === 'waiting' || state === 'approved';
    if (open && expiresAt <= clock()) return 'expired';
    if (state === 'approved') return stale ? 'stale' : 'ready';
    return state === 'proposed' ? 'waiting' : state;
  }
}
