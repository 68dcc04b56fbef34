import { CkmError, encodeHex } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import type { ExpiryCursor, RequestRow, SessionRow, Transaction } from '../storage/storage.js';
import { openHead } from './keys/stored/key-head.js';

/** Forgets what is over. */
export interface Retention {
  /** Goes a stretch further; called every few seconds. Returns how many sessions and requests it forgot. */
  sweep(): Promise<number>;
}

const PAGE = 100;
/** Rows looked at in one call: more than a busy server ends in the same time. */
const MOST_PAGES = 20;
/** Between one walk over everything and the next. */
const REST_SECONDS = 60;

/** Forgets one page of what is over, behind `after`; null: there is no more. */
type ForgetBatch = (
  transaction: Transaction,
  after: ExpiryCursor | null,
) => Promise<{ readonly forgotten: number; readonly last: ExpiryCursor | null }>;

/**
 * Removes requests and sessions that ended long enough ago, as the operator configured it. Stays: a request that still
 * counts against a rate limit of its key, and the session of a key that waits for its certificate. Keys and the audit log
 * are never touched.
 */
export function createRetention(context: ServerContext): Retention {
  const walks = [walk(context, forgetRequests(context)), walk(context, forgetSessions(context))];
  return {
    async sweep() {
      let forgotten = 0;
      for (const further of walks) forgotten += await further();
      return forgotten;
    },
  };
}

/** Goes through everything page by page, each a transaction of its own, then rests. */
function walk({ storage, clock }: ServerContext, forgetBatch: ForgetBatch): () => Promise<number> {
  let after: ExpiryCursor | null = null;
  let restsUntil = 0;
  return async () => {
    let forgotten = 0;
    for (let page = 0; page < MOST_PAGES && clock() >= restsUntil; page++) {
      const place = after;
      const done = await storage.transact((transaction) => forgetBatch(transaction, place));
      forgotten += done.forgotten;
      after = done.last;
      if (after === null) restsUntil = clock() + REST_SECONDS;
    }
    return forgotten;
  };
}

function forgetRequests(context: ServerContext): ForgetBatch {
  return async (transaction, after) => {
    const now = context.clock();
    const until = now - context.config.limits.keepRequestsSeconds;
    const rows = await transaction.requests.over(until, after, PAGE);
    const windows = new Map<string, number>();
    let forgotten = 0;
    for (const row of rows) {
      if (row.createdAt > now - (await windowOf(context, transaction, row, windows))) continue;
      await transaction.requests.remove(row.owner, row.requestId);
      forgotten++;
    }
    return { forgotten, last: placeAfter(rows, (row) => row.requestId) };
  };
}

function forgetSessions(context: ServerContext): ForgetBatch {
  return async (transaction, after) => {
    const until = context.clock() - context.config.limits.keepSessionsSeconds;
    const rows = await transaction.sessions.over(until, after, PAGE);
    let forgotten = 0;
    for (const { owner, keyId, sessionId } of rows) {
      if ((await transaction.keys.find(owner, keyId))?.state === 'pending') continue;
      await transaction.sessions.remove(owner, sessionId);
      forgotten++;
    }
    return { forgotten, last: placeAfter(rows, (row) => row.sessionId) };
  };
}

/** Seconds that requests of a key count for, looked up once a page. */
async function windowOf(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: RequestRow,
  windows: Map<string, number>,
): Promise<number> {
  const name = `${encodeHex(owner)}/${encodeHex(keyId)}`;
  const known = windows.get(name);
  if (known !== undefined) return known;
  const window = await readWindow(context, transaction, owner, keyId);
  windows.set(name, window);
  return window;
}

/** For ever, when the key or what its operator said about it was tampered with: one bad row must not stop the others. */
async function readWindow(
  context: ServerContext,
  transaction: Transaction,
  owner: Uint8Array,
  keyId: Uint8Array,
): Promise<number> {
  const row = await transaction.keys.find(owner, keyId);
  if (row === null) return 0;
  try {
    const { policy, tightened } = openHead(context, row);
    return await context.policy.rateWindow(transaction, policy, { owner, keyId, tightened });
  } catch (error) {
    if (error instanceof CkmError && error.code === 'ROW_TAMPERED') return Infinity;
    throw error;
  }
}

function placeAfter<R extends RequestRow | SessionRow>(
  rows: readonly R[],
  idOf: (row: R) => Uint8Array,
): ExpiryCursor | null {
  const last = rows.at(-1);
  if (last === undefined || rows.length < PAGE) return null;
  return { expiresAt: last.expiresAt, owner: last.owner, id: idOf(last) };
}
