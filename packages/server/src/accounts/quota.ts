import type { Accounts } from './accounts.js';
import { quotaError } from './codes.js';

/** Keys are never removed, and every account of a server has the same quota. */
const ASK = 'ask the operator, who sets the quota of the whole server';

/** Counted from durable rows, in the transaction that adds one more. */
export const quotaChecks: Accounts['quota'] = {
  key: async (reader, { xid, quota }) => {
    if ((await reader.keys.countInUse(xid)) < quota.keys) return;
    throw tooManyKeys(quota.keys);
  },
  keyComesIntoUse: async (reader, { xid, quota }) => {
    if ((await reader.keys.countInUse(xid)) <= quota.keys) return;
    throw tooManyKeys(quota.keys);
  },
  openSession: async (reader, { xid, quota }) => {
    if ((await reader.sessions.countOpen(xid)) < quota.openSessions) return;
    throw quotaError(
      'QUOTA_SESSIONS',
      'open sessions',
      quota.openSessions,
      'finish or cancel a session first',
    );
  },
  waitingRequest: async (reader, { xid, quota }) => {
    if ((await reader.requests.countWaiting(xid)) < quota.waitingRequests) return;
    throw quotaError(
      'QUOTA_WAITING',
      'requests that wait for the operator',
      quota.waitingRequests,
      'wait for the operator, or cancel a request',
    );
  },
  waitingMatter: async (reader, { xid, quota }) => {
    if ((await reader.matters.countWaiting(xid)) < quota.waitingRequests) return;
    throw quotaError(
      'QUOTA_WAITING',
      'things that people are asked about',
      quota.waitingRequests,
      'wait for those who are asked, or cancel a request',
    );
  },
  bytes: async (reader, { xid, quota }, more) => {
    if ((await reader.bytesOf(xid)) + more <= quota.bytes) return;
    throw quotaError('QUOTA_BYTES', 'bytes stored', quota.bytes, ASK);
  },
};

function tooManyKeys(most: number) {
  return quotaError('QUOTA_KEYS', 'keys', most, ASK);
}
