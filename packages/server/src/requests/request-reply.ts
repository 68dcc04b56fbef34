import type { CraftAnswer, CraftPrepared, PeopleAsked, RefusedVote, RequestReply, WaitsFor } from '@ckm/api';
import type { ServerContext } from '../context.js';
import type { PeopleHeard, StoredRequest } from './request-record.js';

/** The reply about a request, with what there is to hand out. */
export function replyTo(
  { clock }: ServerContext,
  { row: { requestId, expiresAt }, state, record: { sentence, reason, people } }: StoredRequest,
  given: {
    readonly answer?: CraftAnswer | null;
    readonly prepared?: CraftPrepared | null;
    readonly stale?: boolean;
    /** Votes that came with the message, and count nothing. */
    readonly refused?: readonly RefusedVote[];
  },
): RequestReply {
  const { answer = null, prepared = null, stale = false, refused = [] } = given;
  const shown = shownState();
  return {
    requestId,
    state: shown,
    sentence,
    reason,
    answer,
    prepared,
    ...(people === undefined ? {} : { people: asked(people, refused) }),
    ...(people === undefined || shown !== 'waiting' ? {} : { waitsFor: waitsFor(people) }),
  };

  function shownState(): RequestReply['state'] {
    if (answer !== null) return 'answered';
    const open = state === 'waiting' || state === 'approved';
    if (open && expiresAt <= clock()) return 'expired';
    if (state === 'approved') return stale ? 'stale' : 'ready';
    return state === 'proposed' ? 'waiting' : state;
  }
}

function asked({ awaits, yes, no, reasons }: PeopleHeard, refused: readonly RefusedVote[]): PeopleAsked {
  return { awaits, yes, no, ...(reasons === undefined ? {} : { reasons }), refused: [...refused] };
}

function waitsFor({ awaits, operator }: PeopleHeard): WaitsFor {
  if (awaits.length === 0) return 'operator';
  return operator ? 'both' : 'people';
}
