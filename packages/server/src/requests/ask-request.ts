import type { SigningReply, SigningRequest } from '@ckm/api';
import { equalBytes, type PolicyError } from '@ckm/foundation';
import type { Call, ServerContext } from '../context.js';
import type { Transaction } from '../storage/storage.js';
import { demand } from '../sessions/errors.js';
import { repeatWhenRaced } from '../sessions/raced.js';
import { admitRequest, bytesFor, recheckRequest, type Admission, type Decided } from './admission.js';
import type { FrostMeans } from '../crafts/frost/fill-pool.js';
import { readRequest, type ReadRequest } from './read-request.js';
import { auditAttempt } from './request-audit.js';
import { replyTo } from './request-reply.js';
import {
  hashAttempt,
  isSameRequest,
  openAttempt,
  openRequest,
  sealAttempt,
  type AttemptRecord,
  type StoredRequest,
} from './request-record.js';
import { assertAttempt, ownCommitments, sharesOf, signAttempt } from '../crafts/frost/attempt.js';

/** What requests are answered with. */
export type RequestMeans = FrostMeans;

/** What a message leads to; told after the commit. */
type Outcome =
  | { readonly refused: PolicyError; readonly decided: Decided }
  | {
      readonly refused: null;
      readonly stored: StoredRequest;
      readonly suite: string;
      /** The policy's word, when this message asked for it. */
      readonly decided: Decided | null;
      readonly attempt: AttemptRecord | 'stale' | null;
      /** Whether the attempt was made now, not before. */
      readonly made: boolean;
      readonly commitments: SigningReply['commitments'];
    };

/**
 * Answers `sign.request`: the first time, again to wait, again to attempt. One transaction stores the request, the
 * shares and the audit row, and what the message used up; only after its commit do shares leave (N3, N5).
 */
export async function signRequest(
  means: RequestMeans,
  call: Call,
  request: SigningRequest,
): Promise<SigningReply> {
  const { context, keys } = means;
  const unapproved = request.attempt === null ? await lookUpUnapproved(context, call, request) : null;
  if (unapproved !== null) return replyTo(context, unapproved, {});
  const readFor = readRequest(request);
  const started = performance.now();
  const outcome = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const key = await keys.find(transaction, call.account.xid, request.keyId);
      return answer(means, call, transaction, request, readFor(key));
    }),
  );
  report(context, request, outcome, performance.now() - started);
  if (outcome.refused !== null) throw outcome.refused;
  const { stored, attempt, commitments } = outcome;
  if (attempt === null || attempt === 'stale') {
    return replyTo(context, stored, { commitments, stale: attempt === 'stale' });
  }
  return replyTo(context, stored, { commitments, shares: sharesOf(attempt) });
}

/** A known request that has nothing to give yet, or any more; null for all others. Reads only. */
async function lookUpUnapproved(
  context: ServerContext,
  call: Call,
  request: SigningRequest,
): Promise<StoredRequest | null> {
  const row = await context.storage.read((reader) =>
    reader.requests.find(call.account.xid, request.requestId),
  );
  if (row === null) return null;
  const stored = openRequest(context, row);
  assertSame(stored, request);
  return stored.state === 'approved' ? null : stored;
}

async function answer(
  means: RequestMeans,
  call: Call,
  transaction: Transaction,
  request: SigningRequest,
  read: ReadRequest,
): Promise<Outcome> {
  const { context } = means;
  const { suite } = read.key.context;
  const row = await transaction.requests.find(call.account.xid, request.requestId);
  if (row === null) {
    const admission = await admitRequest(context, call, transaction, request, read);
    return proceed(means, transaction, request, read, admission);
  }
  const stored = openRequest(context, row);
  assertSame(stored, request);
  const over = stored.state !== 'approved' || stored.row.expiresAt <= context.clock();
  if (over)
    return { refused: null, stored, suite, decided: null, attempt: null, made: false, commitments: [] };
  const attempt = await findAttempt(context, transaction, request, stored);
  if (attempt !== null) {
    const commitments = issue(means, request, read);
    return { refused: null, stored, suite, decided: null, attempt, made: false, commitments };
  }
  if (request.attempt !== null) {
    await context.accounts.quota.bytes(transaction, call.account, bytesFor(read));
  }
  const admission = await recheckRequest(context, call, transaction, stored, read);
  return proceed(means, transaction, request, read, admission);
}

/** Attempts what was admitted, hands out commitments, and writes it all down. */
async function proceed(
  means: RequestMeans,
  transaction: Transaction,
  request: SigningRequest,
  read: ReadRequest,
  admission: Admission,
): Promise<Outcome> {
  if (admission.kind === 'refused') return { refused: admission.error, decided: admission.decided };
  const { stored, decided } = admission;
  const { suite } = read.key.context;
  if (stored.state !== 'approved') {
    return { refused: null, stored, suite, decided, attempt: null, made: false, commitments: [] };
  }
  const attempt = await makeAttempt(means, transaction, request, read);
  const commitments = issue(means, request, read);
  await auditAttempt(means.context, transaction, { request, admission, attempt });
  return { refused: null, stored, suite, decided, attempt, made: true, commitments };
}

/** The answer that this very attempt was given before. @throws StateError `ATTEMPT_DIFFERS` */
async function findAttempt(
  context: ServerContext,
  transaction: Transaction,
  { attempt }: SigningRequest,
  { row: { owner, requestId } }: StoredRequest,
): Promise<AttemptRecord | null> {
  if (attempt === null) return null;
  const row = await transaction.attempts.find(owner, requestId, attempt.number);
  if (row === null) return null;
  const record = openAttempt(context, row);
  const same = equalBytes(record.packageHash, hashAttempt(attempt));
  demand(same, 'ATTEMPT_DIFFERS', `attempt ${attempt.number} was made with other signers or commitments`);
  return record;
}

/** Takes the nonces, makes the shares, stores them. `stale`: the commitments are not, or no longer, ours. */
async function makeAttempt(
  { context, pool, budget }: RequestMeans,
  transaction: Transaction,
  { requestId, attempt }: SigningRequest,
  { key, tasks }: ReadRequest,
): Promise<AttemptRecord | 'stale' | null> {
  if (attempt === null) return null;
  assertAttempt(attempt, key, tasks.length);
  const nonces = pool.take(key, ownCommitments(attempt, key));
  if (nonces === null) return 'stale';
  budget.refund(key, nonces.length);
  const record = signAttempt(attempt, key, tasks, nonces);
  const columns = { owner: key.owner, requestId, number: attempt.number };
  await transaction.attempts.insert(sealAttempt(context, columns, record));
  return record;
}

/** Fresh commitments for the client's store, as far as the budget of the key goes. */
function issue(
  { pool, budget }: RequestMeans,
  { commitmentsWanted }: SigningRequest,
  { key, tasks }: ReadRequest,
): SigningReply['commitments'] {
  if (commitmentsWanted === 0) return [];
  const granted = budget.grant(key, commitmentsWanted, tasks.length);
  return [...pool.issue(key, granted)];
}

function assertSame(stored: StoredRequest, request: SigningRequest): void {
  demand(isSameRequest(stored, request), 'REQUEST_DIFFERS', 'this request id stands for another request');
}

function report(
  { events }: ServerContext,
  { kind }: SigningRequest,
  outcome: Outcome,
  elapsedMs: number,
): void {
  if (outcome.decided !== null) events.requestDecided({ kind, ...outcome.decided });
  if (outcome.refused !== null) return;
  const { stored, suite, attempt, made, commitments, decided } = outcome;
  if (decided !== null) events.requestMoved({ kind, to: stored.state });
  if (commitments.length > 0) events.poolFilled({ count: commitments.length });
  if (!made || attempt === null || attempt === 'stale' || attempt.problem !== null) return;
  events.sharesReleased({ suite, tasks: attempt.shares.length, seconds: elapsedMs / 1000 });
}
