import { type Awaited, hashPayload, hashTasks, type RefusedVote, type RequestAsk } from '@ckm/api';
import { equalBytes, type PolicyError } from '@ckm/foundation';
import type { Call, ServerContext } from '../context.js';
import { isFromBefore, momentOfEntry } from '../policy/counting.js';
import type { RequestFacts, Verdict } from '../policy/policy.js';
import type { SummedRequest } from '../policy/totals.js';
import { unlessChanged } from '../storage/tampered-row.js';
import type { Transaction } from '../storage/storage.js';
import type { StoredMatter } from '../votes/matter.js';
import { demand } from '../refusals.js';
import { assertExpiry } from '../sessions/expiry.js';
import { askedBy } from './by-device.js';
import {
  askAboutRequest,
  hearPeople,
  type Heard,
  isSamePeople,
  namesSaying,
  peopleHeard,
  type RequestBallot,
} from './hear-people.js';
import { requestEntry } from './request-audit.js';
import { moveRequest } from './request-machine.js';
import type { RequestMeans } from './means.js';
import { sealRequest, type StoredRequest } from './request-record.js';
import type { ReadRequest } from './read-request.js';
import { requesterMissing } from './requester.js';
import { bytesOfShown, shownOf } from './shown-request.js';
import { updateRequest } from './update-request.js';

/** What the policy decided about a request, now. */
export interface Decided {
  readonly verdict: 'allow' | 'ask' | 'refuse';
  readonly code: string;
}

export type Admission =
  | { readonly kind: 'refused'; readonly error: PolicyError; readonly decided: Decided }
  | {
      readonly kind: 'admitted';
      /** `approved`, `waiting`, or `rejected` by people. */
      readonly stored: StoredRequest;
      /** Whether this message brought it about, so that it belongs into the audit log. */
      readonly fresh: boolean;
      readonly policy: string;
      readonly decided: Decided | null;
      /** What people are asked, as it is stored now; null: they are asked nothing. */
      readonly matter: StoredMatter | null;
      /** Votes that came with the message, and count nothing. */
      readonly refused: readonly RefusedVote[];
    };

/**
 * Decides on a new request, and stores it unless it is refused. A refusal is in the audit log, but leaves no request: what
 * counts against a rate is what was let in.
 * @throws UsageError `EXPIRY_PASSED`, `EXPIRY_TOO_FAR`; PolicyError `QUOTA_…`; AccessError `REQUESTER_NOT_PROVEN`
 */
export async function admitRequest(
  means: RequestMeans,
  call: Call,
  transaction: Transaction,
  request: RequestAsk,
  read: ReadRequest,
): Promise<Admission> {
  const { context } = means;
  const { requestId, keyId, kind, expiresAt } = request;
  assertExpiry(context, expiresAt, context.config.limits.requestLifetimeSeconds);
  await context.accounts.quota.bytes(transaction, call.account, bytesFor(read));
  const owner = call.account.xid;
  const hashes = { payloadHash: hashPayload(kind, request.payload), tasksHash: hashTasks(read.tasks) };
  const named = { kind, expiresAt, ...hashes };
  const heard = await hearPeople(means, call, transaction, request, read, named, null);
  const facts = factsOf(context, read, named, heard, { requestId, number: null });
  const verdict = withRequester(
    await unlessChanged(transaction, read.key, () =>
      context.policy.decide(transaction, read.key.policy, facts),
    ),
    heard,
  );
  const { sentence } = read.description;
  const createdAt = momentOfEntry(read.key.counting, facts.now);
  const columns = { owner, requestId, keyId, createdAt, expiresAt, version: 1 };
  if (verdict.verdict === 'refuse')
    return refuse(context, transaction, { ...columns, sentence }, kind, verdict);
  const { awaits, operator } = asksOf(verdict, null);
  const shown = operator ? shownOf(read.description) : null;
  if (shown !== null) {
    await assertRoomToWait(context, call, transaction, bytesFor(read) + bytesOfShown(shown));
  }
  const asks = verdict.verdict === 'ask';
  const asked = await askIfNeeded(means, transaction, request, read, heard, awaits);
  const state = moveRequest('proposed', asks ? 'waiting' : 'approved');
  const stored: StoredRequest = {
    row: { ...columns, state, waiting: asks && operator },
    state,
    record: {
      kind,
      ...hashes,
      sentence,
      ...(shown === null ? {} : { shown }),
      approvedBy: asks ? null : asked === null ? 'policy' : 'people',
      reason: null,
      ...askedBy(call),
      ...(asked === null ? {} : peopleIn(asked, { awaits, operator })),
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
    matter: asked?.matter ?? null,
    refused: heard?.refused ?? [],
  };
}

/**
 * Decides once more on a request that was approved before, at each attempt, and on one that waits for people, as soon as they have said something: what they
 * say is counted in this very transaction. Policy may only have become stricter. Where this server counts anew since then it is let in anew, once: others count
 * only what was signed, so that it would be signed besides what they say.
 */
export async function recheckRequest(
  means: RequestMeans,
  call: Call,
  transaction: Transaction,
  stored: StoredRequest,
  request: RequestAsk,
  read: ReadRequest,
): Promise<Admission> {
  const { context } = means;
  const { policy: rules } = context;
  const { record } = stored;
  const row = rowAnew(context, stored, read);
  const isAnew = row !== stored.row;
  const { kind, payloadHash, tasksHash } = record;
  const same = equalBytes(tasksHash, hashTasks(read.tasks));
  demand(same, 'REQUEST_DIFFERS', 'this server now reads the request differently from when it was approved');
  const named = { kind, expiresAt: row.expiresAt, payloadHash, tasksHash };
  const heard = await hearPeople(means, call, transaction, request, read, named, record);
  const { requestId } = row;
  const summed = { requestId, number: record.summed ?? null };
  const facts = factsOf(context, read, named, heard, summed);
  const verdict = withRequester(
    await unlessChanged(transaction, read.key, () =>
      isAnew
        ? rules.decide(transaction, read.key.policy, { ...facts, letInAt: stored.row.createdAt })
        : rules.recheck(transaction, read.key.policy, facts),
    ),
    heard,
  );
  if (verdict.verdict === 'refuse') {
    const refused = await refuse(context, transaction, { ...row, sentence: record.sentence }, kind, verdict);
    return isByPeople(verdict.error) && heard?.matter
      ? rejectByPeople(context, transaction, stored, verdict, heard)
      : refused;
  }
  const { awaits, operator } = asksOf(verdict, record);
  const asked = await askIfNeeded(means, transaction, request, read, heard, awaits);
  const people = asked === null ? {} : peopleIn(asked, { awaits, operator });
  const rest = {
    kind: 'admitted',
    policy: verdict.policy,
    matter: asked?.matter ?? null,
    refused: heard?.refused ?? [],
  } as const;
  if (awaits.length === 0 && !operator) {
    const isNew = stored.state === 'waiting';
    const approvedBy = record.approvedBy ?? 'people';
    const after = isNew
      ? nextRequest({ ...stored, row }, 'approved', { approvedBy, ...people })
      : isAnew
        ? { ...stored, row: { ...row, version: row.version + 1 } }
        : stored;
    if (after !== stored) await updateRequest(context, transaction, after);
    return { ...rest, stored: after, fresh: isNew, decided: isNew ? { verdict: 'allow', code: '' } : null };
  }
  const after = await waitOn(context, call, transaction, { ...stored, row }, read, { operator, people });
  const isFresh = after !== null && (stored.state === 'approved' || (operator && !stored.row.waiting));
  if (isFresh) await auditAsked(context, transaction, after, verdict.policy);
  return {
    ...rest,
    stored: after ?? stored,
    fresh: isFresh,
    decided: isFresh ? { verdict: 'ask', code: '' } : null,
  };
}

/** Has a request wait, or wait on for others than before. @returns how it is stored then; null: as it was */
async function waitOn(
  context: ServerContext,
  call: Call,
  transaction: Transaction,
  stored: StoredRequest,
  read: ReadRequest,
  { operator, people }: { readonly operator: boolean; readonly people: Partial<StoredRequest['record']> },
): Promise<StoredRequest | null> {
  const { row, state, record } = stored;
  const isAsked = operator && !row.waiting;
  if (state === 'waiting' && !isAsked && isSamePeople(record.people, people.people)) return null;
  const shown = operator ? (record.shown ?? shownOf(read.description)) : null;
  if (isAsked) await assertRoomToWait(context, call, transaction, bytesOfShown(shown!));
  const approvedBy = record.approvedBy === 'operator' && !operator ? 'operator' : null;
  const change = { approvedBy, ...people, ...(shown === null ? {} : { shown }) } as const;
  const after =
    state === 'waiting'
      ? { row: { ...row, version: row.version + 1 }, state, record: { ...record, ...change } }
      : nextRequest(stored, 'waiting', change);
  await updateRequest(context, transaction, after);
  return { ...after, row: { ...after.row, waiting: operator } };
}

/** Whose yes is missing: of people by the terms, and of the operator. */
function asksOf(
  verdict: Exclude<Verdict, { verdict: 'refuse' }>,
  record: Pick<StoredRequest['record'], 'approvedBy'> | null,
): { readonly awaits: readonly Awaited[]; readonly operator: boolean } {
  if (verdict.verdict === 'allow') return { awaits: [], operator: false };
  // What the operator said holds; people are heard anew each time.
  return { awaits: verdict.people, operator: verdict.operator && record?.approvedBy !== 'operator' };
}

/** People are asked in the name of somebody, who has no say himself: without one nobody is. */
function withRequester(verdict: Verdict, heard: Heard | null): Verdict {
  const isNamed = heard !== null && heard.requester !== null;
  const isMissing = verdict.verdict === 'ask' && verdict.people.length > 0 && !isNamed;
  return isMissing ? { verdict: 'refuse', policy: verdict.policy, error: requesterMissing() } : verdict;
}

interface AskedOfPeople {
  readonly heard: Heard;
  readonly requester: Uint8Array;
  readonly matter: StoredMatter;
}

/** Has people asked where somebody's yes is missing, or was given with this very message. Null: nobody is asked. */
async function askIfNeeded(
  means: RequestMeans,
  transaction: Transaction,
  { payload }: RequestAsk,
  { description: { sentence } }: ReadRequest,
  heard: Heard | null,
  awaits: readonly Awaited[],
): Promise<AskedOfPeople | null> {
  if (heard === null || heard.requester === null) return null;
  const { requester, matter: before, carried } = heard;
  if (before !== null && awaits.length === 0) return { heard, requester, matter: before };
  if (awaits.length === 0 && carried.votes.length === 0) return null;
  const matter = await askAboutRequest(means, transaction, heard, { payload, sentence, awaits });
  return { heard, requester, matter };
}

function peopleIn(
  { heard, requester, matter }: AskedOfPeople,
  waits: { readonly awaits: readonly Awaited[]; readonly operator: boolean },
): Required<Pick<StoredRequest['record'], 'requester' | 'people'>> {
  return { requester, people: peopleHeard(heard, matter, waits) };
}

/** A rule is over by those who said no: so is the request. */
async function rejectByPeople(
  context: ServerContext,
  transaction: Transaction,
  stored: StoredRequest,
  { policy, error }: Extract<Verdict, { verdict: 'refuse' }>,
  { refused, said }: Heard,
): Promise<Admission> {
  const after = await endByPeople(context, transaction, stored, error, said);
  const decided = { verdict: 'refuse', code: error.code } as const;
  return { kind: 'admitted', stored: after, fresh: false, policy, decided, matter: null, refused };
}

/** Who asked is told by name who said no, and why. */
export async function endByPeople(
  context: ServerContext,
  transaction: Transaction,
  stored: StoredRequest,
  error: PolicyError,
  { votes }: Heard['said'],
): Promise<StoredRequest> {
  const { people } = stored.record;
  const after = nextRequest(stored, 'rejected', {
    reason: error.message.slice(0, MOST_REASON),
    ...(people === undefined ? {} : { people: { ...people, ...namesSaying(votes), awaits: [] } }),
  });
  await updateRequest(context, transaction, after);
  return after;
}

const MOST_REASON = 280;

function isByPeople({ code }: PolicyError): boolean {
  return code === 'POLICY_PEOPLE_SAID_NO';
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

/** Writes down that a request is refused, and answers so. */
export async function refuse(
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
  const isOfOperator = record.people === undefined || record.people.operator;
  // What others are asked about is nothing that its operator has to look at.
  const asked = isOfOperator
    ? ({ deed: 'request.ask', verdict: 'asked' } as const)
    : ({ deed: 'approval.ask', verdict: 'done' } as const);
  const entry = { ...asked, sentence: record.sentence, policy, detail: detailOf(record) };
  await context.audit.append(transaction, requestEntry(row, entry));
}

/** Of what kind it is, and of whom a yes is wanted. */
function detailOf({ kind, people }: Pick<StoredRequest['record'], 'kind' | 'people'>): string {
  const awaits = people?.awaits ?? [];
  const named = awaits.map(({ rule, needed, of }) => `rule ${rule}: ${needed} of ${of.join(', ')}`);
  return [kind, ...named].join(' · ');
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

function factsOf(
  { clock }: ServerContext,
  { key, description: { blind }, facts }: ReadRequest,
  { kind, expiresAt }: RequestBallot,
  heard: Heard | null,
  request: SummedRequest,
): RequestFacts {
  const { owner, keyId, tightened, counting, summing } = key;
  const said = heard?.said ?? null;
  const sums = { request, ...(summing === undefined ? {} : { summing }) };
  return { owner, keyId, tightened, counting, kind, blind, expiresAt, now: clock(), facts, said, ...sums };
}
