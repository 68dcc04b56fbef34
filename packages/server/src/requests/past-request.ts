import { type CkmError, formatMoment } from '@ckm/foundation';
import { refusal } from '../refusals.js';
import { quoteReason } from '../sessions/operator-reason.js';
import type { Decision, StoredRequest } from './request-record.js';

/**
 * What became of a request that is not among those that wait, for its operator.
 * @param now UnixSeconds
 */
export function notWaiting(stored: StoredRequest, now: number): CkmError {
  return refusal('REQUEST_NOT_WAITING', describePast(stored, now), { state: stored.state });
}

function describePast({ row: { expiresAt }, state, record }: StoredRequest, now: number): string {
  const { decision, approvedBy, reason, people } = record;
  switch (state) {
    case 'rejected':
      return `this request was rejected${describeDecision(decision)}${reason === null ? '' : `: ${quoteReason(reason)}`}`;
    case 'cancelled':
      return 'this request was taken back by its owner';
    case 'approved':
      if (expiresAt <= now) break;
      return approvedBy === 'operator'
        ? `this request was approved${describeDecision(decision)}`
        : 'this request needs no yes: the policy of its key lets it through';
    case 'waiting':
      if (expiresAt <= now) break;
      if (people !== undefined && !people.operator)
        return 'this request waits for the people whom the terms of its key ask, and not for you';
      return 'the account behind this request is suspended';
    default:
  }
  return `this request expired at ${formatMoment(expiresAt)}`;
}

function describeDecision(decision: Decision | undefined): string {
  if (decision === undefined) return '';
  const { at, as } = decision;
  return ` at ${formatMoment(at)}${as === null ? '' : `, as ${as}`}`;
}
