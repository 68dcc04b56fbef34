import { type CkmError, equalBytes } from '@ckm/foundation';
import type { RequestDesk, SeenRequest, ServerContext, WaitingRequest } from '../context.js';
import type { MatterName, RequestRow, Transaction } from '../storage/storage.js';
import { demand, refusal } from '../refusals.js';
import { checkReason, detailAs, quoteReason } from '../sessions/operator-reason.js';
import { repeatWhenRaced } from '../storage/raced.js';
import { passIfTampered } from '../storage/tampered-row.js';
import { overMatter } from '../votes/matters.js';
import { nextRequest } from './admission.js';
import { nameOfRequest } from './hear-people.js';
import { notWaiting } from './past-request.js';
import { requestEntry } from './request-audit.js';
import { openRequest, type RequestRecord, type StoredRequest } from './request-record.js';
import { updateRequest } from './update-request.js';

/** Most requests of a page, and bytes after which no more are put on it: warnings may be many. */
const PAGE = { requests: 64, bytes: 524_288 };
/** Whose ids begin alike: more of them need not be told apart. */
const MOST_ALIKE = 16;
/** Requests that one transaction ends. */
const BATCH = 64;

/** Where the operator says yes or no to requests that wait. */
export function createRequestDesk(context: ServerContext): RequestDesk {
  const { storage, clock } = context;
  const views = (rows: readonly RequestRow[]) => rows.map((row) => waitingView(openRequest(context, row)));
  return {
    list: async (after = null) =>
      views(
        pageOf(await storage.read(({ requests }) => requests.listWaiting(clock(), after, PAGE.requests))),
      ),
    count: () => storage.read(({ requests }) => requests.countListed(clock())),
    find: async (lowest, highest) =>
      views(
        await storage.read(({ requests }) =>
          requests.waitingWithIdBetween(lowest, highest, clock(), MOST_ALIKE),
        ),
      ),
    past: (lowest, highest, owner = null) => findPast(context, [lowest, highest], owner),
    approve: (requestId, seen = null, as = null) =>
      decide(context, { ...seen, requestId }, { to: 'approved', change: { approvedBy: 'operator' }, as }),
    async reject(requestId, reason, owner = null, as = null) {
      const which = owner === null ? { requestId } : { requestId, owner };
      return decide(context, which, rejection(reason, as));
    },
    async rejectAll(owner, reason, as = null) {
      return rejectAll(context, owner, rejection(reason, as));
    },
  };
}

/** A yes or no. */
interface Answer {
  readonly to: 'approved' | 'rejected';
  readonly change: Partial<RequestRecord>;
  /** Whom whoever decides says to be. */
  readonly as: string | null;
}

function rejection(reason: string, as: string | null): Answer {
  return { to: 'rejected', change: { reason: checkReason(reason) }, as };
}

/** As many rows as there is room for, and at least one. */
function pageOf(rows: readonly RequestRow[]): readonly RequestRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ sealed }) => (bytes += sealed.length) > PAGE.bytes);
  return end === -1 ? rows : rows.slice(0, Math.max(1, end));
}

async function rejectAll(context: ServerContext, owner: Uint8Array, given: Answer): Promise<number> {
  // What is asked from now on is not meant; else somebody who asks fast enough would keep this going.
  const until = context.clock();
  for (let total = 0; ;) {
    const { rejected, isLast } = await repeatWhenRaced(() =>
      context.storage.transact(async (transaction) => {
        const rows = await transaction.requests.waitingOf(owner, until, BATCH);
        let count = 0;
        for (const row of rows) {
          const after = await answer(context, transaction, openRequest(context, row), given);
          if (after !== null) count++;
        }
        return { rejected: count, isLast: rows.length < BATCH };
      }),
    );
    total += rejected;
    if (isLast) return total;
  }
}

/** Expires requests whose time has passed while they waited, and ends what people were asked about until now. */
export async function sweepRequests(context: ServerContext): Promise<void> {
  const { storage, clock, events } = context;
  const { requests, matters } = await storage.read(async (reader) => ({
    requests: await reader.requests.overdue(clock(), BATCH),
    matters: await reader.matters.overdue(clock(), BATCH),
  }));
  const names = [...requests.map(nameOfRequest), ...matters];
  for (const name of names) {
    await passIfTampered(events.storageFailed, () =>
      repeatWhenRaced(() => storage.transact((transaction) => endOverdue(context, transaction, name))),
    );
  }
}

async function endOverdue(
  context: ServerContext,
  transaction: Transaction,
  { owner, matter, matterId }: MatterName,
): Promise<void> {
  const row = matter === 'request' ? await transaction.requests.find(owner, matterId) : null;
  const stored = row === null ? null : openRequest(context, row);
  if (stored?.state === 'waiting') await expire(context, transaction, stored);
  // Votes that let something in are over with it.
  else await overMatter(context, transaction, { owner, matter, matterId });
}

async function decide(
  context: ServerContext,
  which: Pick<WaitingRequest, 'requestId'> & Partial<SeenRequest>,
  given: Answer,
): Promise<WaitingRequest> {
  const decided = await repeatWhenRaced(() =>
    context.storage.transact(async (transaction) => {
      const before = await findWaiting(context, transaction, which);
      const { owner, keyId } = before.row;
      if (given.to === 'approved') await assertActive(transaction, owner);
      const same =
        equalBytes(which.keyId ?? keyId, keyId) &&
        equalBytes(which.tasksHash ?? before.record.tasksHash, before.record.tasksHash);
      demand(same, 'REQUEST_NOT_AS_SEEN', 'what waits under this id is not what was looked at');
      return answer(context, transaction, before, given);
    }),
  );
  demand(decided !== null, 'REQUEST_NOT_WAITING', 'this request has expired');
  return waitingView(decided);
}

/** Moves a waiting request on; null: its time has passed, and it expired instead. */
async function answer(
  context: ServerContext,
  transaction: Transaction,
  before: StoredRequest,
  { to, change, as }: Answer,
): Promise<StoredRequest | null> {
  if (before.row.expiresAt <= context.clock()) {
    await expire(context, transaction, before);
    return null;
  }
  const detail = typeof change.reason === 'string' ? quoteReason(change.reason) : before.record.kind;
  const after = nextRequest(before, to, { ...change, decision: { at: context.clock(), as } });
  await move(context, transaction, after, {
    deed: `operator.${to === 'approved' ? 'approve' : 'reject'}`,
    verdict: to,
    detail: detailAs(detail, as),
  });
  return before;
}

async function assertActive(transaction: Transaction, owner: Uint8Array): Promise<void> {
  const account = await transaction.accounts.find(owner);
  demand(account?.status === 'active', 'REQUEST_NOT_WAITING', 'the account behind this request is suspended');
}

async function expire(
  context: ServerContext,
  transaction: Transaction,
  before: StoredRequest,
): Promise<void> {
  await move(context, transaction, nextRequest(before, 'expired', {}), {
    deed: 'request.expired',
    verdict: 'done',
    detail: before.record.kind,
  });
}

async function move(
  context: ServerContext,
  transaction: Transaction,
  after: StoredRequest,
  entry: {
    readonly deed: string;
    readonly verdict: 'approved' | 'rejected' | 'done';
    readonly detail: string;
  },
): Promise<void> {
  await updateRequest(context, transaction, after);
  const { sentence, kind } = after.record;
  await context.audit.append(transaction, {
    ...requestEntry(after.row, { ...entry, sentence, policy: '' }),
    who: null,
  });
  context.events.requestMoved({ kind, to: after.state });
}

/**
 * With no owner named, an id that two accounts have ever used together means nothing: one of them could have been put in
 * the place of the other that was looked at.
 * @throws UsageError `REQUEST_UNKNOWN`; StateError `REQUEST_NOT_WAITING`, `REQUEST_AMBIGUOUS`
 */
async function findWaiting(
  context: ServerContext,
  transaction: Transaction,
  { requestId, owner }: { readonly requestId: Uint8Array; readonly owner?: Uint8Array },
): Promise<StoredRequest> {
  const all = await transaction.requests.withId(requestId);
  const rows = owner === undefined ? all : all.filter((row) => equalBytes(row.owner, owner));
  if (rows.length === 0) throw refusal('REQUEST_UNKNOWN', 'there is no such request');
  const first = rows.find(({ waiting }) => waiting);
  if (first === undefined) throw notWaiting(openRequest(context, rows[0]!), context.clock());
  demand(rows.length === 1, 'REQUEST_AMBIGUOUS', 'two accounts have the same request id');
  return openRequest(context, first);
}

/**
 * Why the one request whose id is between these two does not wait for the operator; null: there is none, or more than one.
 * @param owner null: whoever's it is
 */
async function findPast(
  context: ServerContext,
  [lowest, highest]: readonly [lowest: Uint8Array, highest: Uint8Array],
  owner: Uint8Array | null,
): Promise<CkmError | null> {
  const all = await context.storage.read(({ requests }) =>
    requests.withIdBetween(lowest, highest, MOST_ALIKE),
  );
  const [row, ...others] = owner === null ? all : all.filter((one) => equalBytes(one.owner, owner));
  if (row === undefined || others.length > 0) return null;
  return notWaiting(openRequest(context, row), context.clock());
}

function waitingView({ row, record }: StoredRequest): WaitingRequest {
  const { owner, requestId, keyId, createdAt, expiresAt } = row;
  const { kind, tasksHash, sentence, shown = null } = record;
  return { owner, requestId, keyId, kind, tasksHash, sentence, shown, createdAt, expiresAt };
}
