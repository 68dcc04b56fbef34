import { hashPayload, hashTasks, type RequestAsk } from '@ckm/api';
import { equalBytes, type PolicyError } from '@ckm/foundation';
import type { Call, MatterOfPeople, ServerContext } from '../context.js';
import { isFromBefore, momentOfEntry } from '../policy/counting.js';
import type { RequestFacts, Verdict } from '../policy/policy.js';
import { termsInForce } from '../policy/terms.js';
import { unlessChanged } from '../storage/tampered-row.js';
import type { Reader, Transaction } from '../storage/storage.js';
import { demand } from '../refusals.js';
import { assertExpiry } from '../sessions/expiry.js';
import { askedBy } from './by-device.js';
import { requestEntry } from './request-audit.js';
import { moveRequest } from './request-machine.js';
import type { RequestMeans } from './means.js';
import { sealRequest, type StoredRequest } from './request-record.js';
import type { ReadRequest } from './read-request.js';
import { bytesOfShown, shownOf } from './shown-request.js';

/** What the policy decided about a request, now. */
export interface Decided {
  readonly verdict: 'allow' | 'ask' | 'refuse';
  readonly code: string;
}

export type Admission =
  | { readonly kind: 'refused'; readonly error: PolicyError; readonly decided: Decided }
  | {
      readonly kind: 'admitted';
      /** `approved` or `waiting`. */
      readonly stored: StoredRequest;
      /** Whether this message brought it about, so that it belongs into the audit log. */
      readonly fresh: boolean;
      readonly policy: string;
      readonly decided: Decided | null;
    };

/**
 * Decides on a new request, and stores it unless it is refused. A refusal is in the audit log, but leaves no request: what
 * counts against a rate is what was let in.
 * @throws UsageError `EXPIRY_PASSED`, `EXPIRY_TOO_FAR`; PolicyError `QUOTA_…`
 */
export async function admitRequest(
  { context }: RequestMeans,
  call: Call,
  transaction: Transaction,
  request: RequestAsk,
  read: ReadRequest,
): Promise<Admission> {
  const { requestId, keyId, kind, expiresAt } = request;
  assertExpiry(context, expiresAt, context.config.limits.requestLifetimeSeconds);
  await context.accounts.quota.bytes(transaction, call.account, bytesFor(read));
  const owner = call.account.xid;
  const hashes = { payloadHash: hashPayload(kind, request.payload), tasksHash: hashTasks(read.tasks) };
  const facts = await factsOf(context, transaction, read, { requestId, kind, expiresAt, ...hashes });
  const verdict = await unlessChanged(transaction, read.key, () =>
    context.policy.decide(transaction, read.key.policy, facts),
  );
  const { sentence } = read.description;
  const createdAt = momentOfEntry(read.key.counting, facts.now);
  const columns = { owner, requestId, keyId, createdAt, expiresAt, version: 1 };
  if (verdict.verdict === 'refuse')
    return refuse(context, transaction, { ...columns, sentence }, kind, verdict);
  const asks = verdict.verdict === 'ask';
  const shown = asks ? shownOf(read.description) : null;
  if (shown !== null) {
    await assertRoomToWait(context, call, transaction, bytesFor(read) + bytesOfShown(shown));
  }
  const state = moveRequest('proposed', asks ? 'waiting' : 'approved');
  const stored: StoredRequest = {
    row: { ...columns, state, waiting: asks },
    state,
    record: {
      kind,
      ...hashes,
      sentence,
      ...(shown === null ? {} : { shown }),
      approvedBy: asks ? null : 'policy',
      reason: null,
      ...askedBy(call),
    },
  };
  await transaction.requests.insert(sealRequest(context, stored));
  if (asks) await auditAsked(context, transaction, stored, verdict.policy);
  return {
    kind: 'admitted',
    stored,
    fresh: true,
    policy: verdict.policy,
    decided: { verdict: verdict.verdict, code: '' },
  };
}

/**
 * Decides once more on a request that was approved before, at each attempt: policy may only have become stricter. Where this server counts
 * anew since then it is let in anew, once: others count only what was signed, so that it would be signed besides what they say.
 */
export async function recheckRequest(
  { context }: RequestMeans,
  call: Call,
  transaction: Transaction,
  stored: StoredRequest,
  read: ReadRequest,
): Promise<Admission> {
  const { policy: rules } = context;
  const { record } = stored;
  const row = rowAnew(context, stored, read);
  const isAnew = row !== stored.row;
  const { kind, payloadHash, tasksHash } = record;
  const same = equalBytes(tasksHash, hashTasks(read.tasks));
  demand(same, 'REQUEST_DIFFERS', 'this server now reads the request differently from when it was approved');
  const { requestId, expiresAt } = row;
  const named = { requestId, kind, expiresAt, payloadHash, tasksHash };
  const facts = await factsOf(context, transaction, read, named);
  const verdict = await unlessChanged(transaction, read.key, () =>
    isAnew
      ? rules.decide(transaction, read.key.policy, { ...facts, letInAt: stored.row.createdAt })
      : rules.recheck(transaction, read.key.policy, facts),
  );
  if (verdict.verdict === 'refuse') {
    return refuse(context, transaction, { ...row, sentence: record.sentence }, kind, verdict);
  }
  const { policy } = verdict;
  if (isMet(verdict, record)) {
    const admitted = isAnew ? { ...stored, row: { ...row, version: row.version + 1 } } : stored;
    if (isAnew) await transaction.requests.update(sealRequest(context, admitted));
    return { kind: 'admitted', stored: admitted, fresh: false, policy, decided: null };
  }
  const shown = shownOf(read.description);
  await assertRoomToWait(context, call, transaction, bytesOfShown(shown));
  const asked = nextRequest({ ...stored, row }, 'waiting', { approvedBy: null, shown });
  await transaction.requests.update(sealRequest(context, asked));
  await auditAsked(context, transaction, asked, policy);
  return { kind: 'admitted', stored: asked, fresh: true, policy, decided: { verdict: 'ask', code: '' } };
}

/** What the operator said holds; people are heard anew each time. */
function isMet(
  verdict: Exclude<Verdict, { verdict: 'refuse' }>,
  { approvedBy }: Pick<StoredRequest['record'], 'approvedBy'>,
): boolean {
  if (verdict.verdict === 'allow') return true;
  return verdict.people.length === 0 && approvedBy === 'operator';
}

/** The row of a request as it is let in now, where this server counts anew since it was; the same row otherwise. */
function rowAnew(
  { clock, policy }: ServerContext,
  { row }: StoredRequest,
  { key }: ReadRequest,
): StoredRequest['row'] {
  const { counting } = key;
  if (!policy.isCounted(key.policy, key) || !isFromBefore(counting, row.createdAt)) return row;
  return { ...row, createdAt: momentOfEntry(counting, clock()) };
}

/**
 * Room for a request and one attempt at it: the most its rows take, a share and its framing for each task. What the
 * operator is shown while it waits comes on top.
 */
export function bytesFor({ tasks, description }: ReadRequest): number {
  return 1_024 + 4 * description.sentence.length + 48 * tasks.length;
}

/** The next version of a request. */
export function nextRequest(
  { row, state, record }: StoredRequest,
  to: StoredRequest['state'],
  change: Partial<StoredRequest['record']>,
): StoredRequest {
  return {
    row: { ...row, version: row.version + 1 },
    state: moveRequest(state, to),
    record: { ...record, ...change },
  };
}

async function refuse(
  context: ServerContext,
  transaction: Transaction,
  { sentence, ...row }: Parameters<typeof requestEntry>[0] & { readonly sentence: string },
  kind: string,
  { policy, error }: Extract<Verdict, { verdict: 'refuse' }>,
): Promise<Admission> {
  const detail = `${kind}: ${error.code}`;
  const entry = requestEntry(row, { deed: 'request.ask', sentence, verdict: 'refused', policy, detail });
  await context.audit.append(transaction, entry);
  return { kind: 'refused', error, decided: { verdict: 'refuse', code: error.code } };
}

async function auditAsked(
  context: ServerContext,
  transaction: Transaction,
  { row, record }: StoredRequest,
  policy: string,
): Promise<void> {
  const entry = {
    deed: 'request.ask',
    sentence: record.sentence,
    verdict: 'asked',
    policy,
    detail: record.kind,
  } as const;
  await context.audit.append(transaction, requestEntry(row, entry));
}

/** Whether this account may have one more request waiting, and what that keeps stored. @throws PolicyError `QUOTA_…` */
async function assertRoomToWait(
  { accounts }: ServerContext,
  { account }: Call,
  transaction: Transaction,
  bytes: number,
): Promise<void> {
  await accounts.quota.waitingRequest(transaction, account);
  await accounts.quota.bytes(transaction, account, bytes);
}

/** What names a request to people. */
type AskedRequest = Pick<MatterOfPeople['ballot'], 'kind' | 'expiresAt' | 'payloadHash' | 'tasksHash'> & {
  readonly requestId: Uint8Array;
};

async function factsOf(
  { clock, people }: ServerContext,
  reader: Reader,
  { key, description: { blind }, facts }: ReadRequest,
  { requestId, ...asked }: AskedRequest,
): Promise<RequestFacts> {
  const { owner, keyId, tightened, counting, policy: terms } = key;
  const { kind, expiresAt } = asked;
  const { asksPeople, hash: termsHash } = termsInForce(terms);
  const named = { matter: 'request', matterId: requestId, keyId, termsHash, requester: null } as const;
  const said = asksPeople
    ? await people.said(reader, { owner, terms, ballot: { ...named, ...asked } })
    : null;
  return { owner, keyId, tightened, counting, kind, blind, expiresAt, now: clock(), facts, said };
}
