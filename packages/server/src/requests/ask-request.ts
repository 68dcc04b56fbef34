import {
  type CraftAttempt,
  type CraftPrepared,
  fromProblem,
  type RequestAsk,
  type RequestReply,
} from '@ckm/api';
import { equalBytes, type PolicyError } from '@ckm/foundation';
import type { Task } from '@ckm/requests';
import type { Call, ServerContext } from '../context.js';
import type { Transaction } from '../storage/storage.js';
import { demand } from '../sessions/errors.js';
import { assertEpoch } from '../sessions/keys/active-keys.js';
import { repeatWhenRaced } from '../sessions/raced.js';
import { admitRequest, bytesFor, recheckRequest, type Admission, type Decided } from './admission.js';
import type { RequestMeans } from './means.js';
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
      readonly prepared: CraftPrepared | null;
    };

/**
 * Answers `request.ask`: the first time, again to wait, again to attempt. One transaction stores the request, the
 * shares and the audit row, and what the message used up; only after its commit do shares leave (N3, N5).
 */
export async function askRequest(
  means: RequestMeans,
  call: Call,
  request: RequestAsk,
): Promise<RequestReply> {
  const { context, keys } = means;
  const unapproved = request.attempt === null ? await lookUpUnapproved(context, call, request) : null;
  if (unapproved !== null) return replyTo(context, unapproved, {});
  const readFor = readRequest(request);
  const started = performance.now();
  const outcome = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const key = await keys.find(transaction, call.account.xid, request.keyId);
      assertEpoch(key, request.epoch);
      return answer(means, call, transaction, request, readFor(key));
    }),
  );
  report(context, request, outcome, performance.now() - started);
  if (outcome.refused !== null) throw outcome.refused;
  const { stored, attempt, prepared } = outcome;
  if (attempt === null || attempt === 'stale') {
    return replyTo(context, stored, { prepared, stale: attempt === 'stale' });
  }
  if (attempt.problem !== null) throw fromProblem(attempt.problem);
  return replyTo(context, stored, { prepared, answer: attempt.answer });
}

/** A known request that has nothing to give yet, or any more; null for all others. Reads only. */
async function lookUpUnapproved(
  context: ServerContext,
  call: Call,
  request: RequestAsk,
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
  request: RequestAsk,
  read: ReadRequest,
): Promise<Outcome> {
  const { context } = means;
  const { suite } = read.key.context;
  const row = await transaction.requests.find(call.account.xid, request.requestId);
  if (row === null) {
    const admission = await admitRequest(means, call, transaction, request, read);
    return proceed(means, transaction, request, read, admission);
  }
  const stored = openRequest(context, row);
  assertSame(stored, request);
  const over = stored.state !== 'approved' || stored.row.expiresAt <= context.clock();
  if (over)
    return { refused: null, stored, suite, decided: null, attempt: null, made: false, prepared: null };
  const attempt = await findAttempt(means, transaction, request, stored);
  if (attempt !== null) {
    const prepared = prepare(means, request, read);
    return { refused: null, stored, suite, decided: null, attempt, made: false, prepared };
  }
  if (request.attempt !== null) {
    await context.accounts.quota.bytes(transaction, call.account, bytesFor(read));
  }
  const admission = await recheckRequest(means, call, transaction, stored, read);
  return proceed(means, transaction, request, read, admission);
}

/** Attempts what was admitted, hands out commitments, and writes it all down. */
async function proceed(
  means: RequestMeans,
  transaction: Transaction,
  request: RequestAsk,
  read: ReadRequest,
  admission: Admission,
): Promise<Outcome> {
  if (admission.kind === 'refused') return { refused: admission.error, decided: admission.decided };
  const { stored, decided } = admission;
  const { suite } = read.key.context;
  if (stored.state !== 'approved') {
    return { refused: null, stored, suite, decided, attempt: null, made: false, prepared: null };
  }
  const attempt = await makeAttempt(means, transaction, request, read);
  const prepared = prepare(means, request, read);
  await auditAttempt(means, transaction, { request, admission, attempt });
  return { refused: null, stored, suite, decided, attempt, made: true, prepared };
}

/** The answer that this very attempt was given before. @throws StateError `ATTEMPT_DIFFERS` */
async function findAttempt(
  { context, crafts }: RequestMeans,
  transaction: Transaction,
  { attempt }: RequestAsk,
  { row: { owner, requestId } }: StoredRequest,
): Promise<AttemptRecord | null> {
  if (attempt === null) return null;
  const row = await transaction.attempts.find(owner, requestId, attempt.number);
  if (row === null) return null;
  const record = openAttempt(context, row);
  const same = equalBytes(record.attemptHash, hashAttempt(crafts, attempt));
  demand(same, 'ATTEMPT_DIFFERS', `attempt ${attempt.number} was made with something else`);
  return record;
}

/** Does this server's part and stores it. `stale`: the attempt was put together from what is not, or no longer, ours. */
async function makeAttempt(
  { context, crafts }: RequestMeans,
  transaction: Transaction,
  { requestId, attempt }: RequestAsk,
  { key, tasks }: ReadRequest,
): Promise<AttemptRecord | 'stale' | null> {
  if (attempt === null) return null;
  const craft = crafts[attempt.craft];
  assertSameCraft(attempt.craft, tasks);
  craft.assertAttempt(attempt, key, tasks);
  const made = craft.attempt(key, tasks, attempt);
  if (made === 'stale') return 'stale';
  const record: AttemptRecord = { attemptHash: hashAttempt(crafts, attempt), ...made };
  const columns = { owner: key.owner, requestId, number: attempt.number };
  await transaction.attempts.insert(sealAttempt(context, columns, record));
  return record;
}

/** What the client wants for its next attempt. */
function prepare(
  { crafts }: RequestMeans,
  { wanted }: RequestAsk,
  { key, tasks }: ReadRequest,
): CraftPrepared | null {
  if (wanted === null) return null;
  assertSameCraft(wanted.craft, tasks);
  return crafts[wanted.craft].prepare(key, wanted, tasks.length);
}

/** @throws UsageError `ATTEMPT_INVALID` */
function assertSameCraft(craft: CraftAttempt['craft'], tasks: readonly Task[]): void {
  const same = tasks.every((task) => task.craft === craft);
  demand(same, 'ATTEMPT_INVALID', `the request is not worked on by ${craft}`);
}

function assertSame(stored: StoredRequest, request: RequestAsk): void {
  demand(isSameRequest(stored, request), 'REQUEST_DIFFERS', 'this request id stands for another request');
}

function report({ events }: ServerContext, { kind }: RequestAsk, outcome: Outcome, elapsedMs: number): void {
  if (outcome.decided !== null) events.requestDecided({ kind, ...outcome.decided });
  if (outcome.refused !== null) return;
  const { stored, suite, attempt, made, decided } = outcome;
  if (decided !== null) events.requestMoved({ kind, to: stored.state });
  if (!made || attempt === null || attempt === 'stale' || attempt.problem !== null) return;
  events.sharesReleased({ suite, tasks: attempt.answer?.shares.length ?? 0, seconds: elapsedMs / 1000 });
}
