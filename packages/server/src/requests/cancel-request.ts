import type { Parameters, RequestReply } from '@ckm/api';
import type { Call } from '../context.js';
import { refusal } from '../refusals.js';
import { repeatWhenRaced } from '../storage/raced.js';
import { nextRequest } from './admission.js';
import { requestEntry } from './request-audit.js';
import { replyTo } from './request-reply.js';
import { openRequest } from './request-record.js';
import { updateRequest } from './update-request.js';
import type { RequestMeans } from './means.js';

/**
 * The requester takes a request back: no share leaves for it any more. One that is over stays what it is.
 * @throws StateError `REQUEST_UNKNOWN`
 */
export async function cancelRequest(
  { context }: RequestMeans,
  call: Call,
  { requestId, reason }: Parameters<'request.cancel'>,
): Promise<RequestReply> {
  const stored = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const row = await transaction.requests.find(call.account.xid, requestId);
      if (row === null) throw refusal('REQUEST_UNKNOWN', 'there is no such request');
      const before = openRequest(context, row);
      const { heir } = call;
      if (heir !== undefined && before.record.heir !== heir.name)
        throw refusal('REQUEST_UNKNOWN', 'there is no such request');
      if (before.state !== 'waiting' && before.state !== 'approved') return before;
      const after = nextRequest(before, 'cancelled', { reason });
      await updateRequest(context, transaction, after);
      const { sentence, kind } = before.record;
      const entry = { deed: 'request.cancel', sentence, verdict: 'done', policy: '', detail: kind } as const;
      await context.audit.append(transaction, requestEntry(row, entry));
      context.events.requestMoved({ kind, to: after.state });
      return after;
    }),
  );
  return replyTo(context, stored, {});
}
