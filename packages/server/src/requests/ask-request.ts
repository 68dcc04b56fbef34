import {
  type CraftPrepared,
  fromProblem,
  type RefusedVote,
  type RequestAsk,
  type RequestReply,
} from '@ckm/api';
import { concatBytes, encodeHex, equalBytes, type PolicyError, reveal, secret, wipe } from '@ckm/foundation';
import { requestKind } from '@ckm/requests';
import { craftNamed } from '../crafts/craft.js';
import type { Call, ServerContext } from '../context.js';
import { termsInForce } from '../policy/terms.js';
import { rowChanged } from '../storage/codes.js';
import type { Transaction } from '../storage/storage.js';
import { demand } from '../refusals.js';
import { type ActiveKey, assertEpoch } from '../sessions/keys/active-keys.js';
import { whenHeadKnown } from '../sessions/keys/head-memory.js';
import { repeatWhenRaced } from '../storage/raced.js';
import { settleMatter } from '../votes/matters.js';
import { askedBy } from './by-device.js';
import { admitRequest, bytesFor, recheckRequest, type Admission, type Decided } from './admission.js';
import { assertAttempt, assertSameCraft, type Early, findAttempt, makeAttempt } from './make-attempt.js';
import { endIfGone } from './end-requests.js';
import { nameOfRequest, waitsForPeople } from './hear-people.js';
import type { RequestMeans } from './means.js';
import { readRequest, type ReadRequest } from './read-request.js';
import { auditAttempt } from './request-audit.js';
import { sumRequest } from './sum-request.js';
import { ATTEMPT_AT_ONCE_MS, costOf, type RequestCost } from './request-cost.js';
import { isFrozen, SHARE_WRONG, stopKey } from './stop-key.js';
import { replyTo } from './request-reply.js';
import {
  hashAttempt,
  isSameRequest,
  openRequest,
  type AttemptRecord,
  type StoredRequest,
} from './request-record.js';

/** What a message leads to; told after the commit. */
type Outcome =
  | { readonly refused: PolicyError; readonly decided: Decided }
  | {
      readonly refused: null;
      readonly stored: StoredRequest;
      readonly read: ReadRequest;
      /** The policy's word, when this message asked for it. */
      readonly decided: Decided | null;
      readonly attempt: AttemptRecord | 'stale' | null;
      /** Whether the attempt was made now, not before. */
      readonly made: boolean;
      /** Whether the request is open: what is wanted for the next attempt is prepared. */
      readonly isOpen: boolean;
      /** Votes that came with the message, and count nothing. */
      readonly votes: readonly RefusedVote[];
    };

/**
 * Answers `request.ask`: the first time, again to wait, again to attempt. One transaction stores the request, the
 * answer and the audit row, and what the message used up; only after its commit does an answer leave (N3, N5). What takes
 * long is done before that transaction: nobody waits for the database meanwhile.
 * @throws PolicyError `QUOTA_COST` before any of the work is done
 */
export async function askRequest(
  means: RequestMeans,
  call: Call,
  request: RequestAsk,
): Promise<RequestReply> {
  const { context, costs, crafts } = means;
  const unapproved = request.attempt === null ? await lookUpUnapproved(means, call, request) : null;
  if (unapproved !== null) return replyTo(context, unapproved, {});
  const cost = costOf(crafts, request);
  costs.charge(call.account, cost);
  const started = performance.now();
  const name = { owner: call.account.xid, keyId: request.keyId };
  const outcome = await oneAfterTheOther(means, call, request, cost, () =>
    whenHeadKnown(context, name, () =>
      repeatWhenRaced(async () => {
        const readFor = await readRequest(means, call, request, cost);
        const early = await attemptEarly(means, call, request, readFor, cost);
        return early?.outcome ?? receive(means, call, request, readFor, early?.made ?? null);
      }),
    ),
  );
  report(context, request, outcome, performance.now() - started);
  if (outcome.refused !== null) throw outcome.refused;
  const { stored, attempt, votes: refused } = outcome;
  if (attempt !== null && attempt !== 'stale' && attempt.problem !== null) throw fromProblem(attempt.problem);
  const prepared = outcome.isOpen ? await prepare(means, request, outcome.read) : null;
  if (attempt === null || attempt === 'stale') {
    return replyTo(context, stored, { prepared, stale: attempt === 'stale', refused });
  }
  return replyTo(context, stored, { prepared, answer: attempt.answer, refused });
}

/** A large attempt that is asked for again while it is being made waits for its answer, which is stored then. */
async function oneAfterTheOther<T>(
  { large }: RequestMeans,
  call: Call,
  { requestId, attempt }: RequestAsk,
  cost: RequestCost,
  work: () => Promise<T>,
): Promise<T> {
  if (attempt === null || cost.attempt <= ATTEMPT_AT_ONCE_MS) return work();
  const leave = await large.enter(encodeHex(concatBytes(call.account.xid, requestId)));
  try {
    return await work();
  } finally {
    leave();
  }
}

/** The one transaction. @param early what was made before it */
function receive(
  means: RequestMeans,
  call: Call,
  request: RequestAsk,
  readFor: (key: ActiveKey) => ReadRequest,
  early: Early | null,
): Promise<Outcome> {
  return call.transact(async (transaction) => {
    const key = await means.keys.find(transaction, call.account.xid, request.keyId);
    assertEpoch(key, request);
    // Held, so that whoever says how often it was used counts this attempt, or has voided what it is made with.
    // And so that nobody freezes it, or gives it other terms, between what people have said and the share.
    // Nor lets in what a rule sums.
    const { asksPeople, sums } = termsInForce(key.policy);
    const isHeld = means.context.policy.isCounted(key.policy, key) || asksPeople || sums;
    if (request.attempt !== null && isHeld) {
      const held = await transaction.keys.hold(key.owner, key.keyId);
      if (held?.version !== key.version) throw rowChanged('keys');
    }
    return answer(means, call, transaction, request, readFor(key), early);
  });
}

/**
 * A large attempt is made outside of any transaction, in slices, and only once its request is stored as approved. Its
 * answer leaves after a second transaction, which decides once more. Null for a small one.
 */
async function attemptEarly(
  means: RequestMeans,
  call: Call,
  request: RequestAsk,
  readFor: (key: ActiveKey) => ReadRequest,
  cost: RequestCost,
): Promise<{ readonly outcome: Outcome | null; readonly made: Early | null } | null> {
  const { context, crafts, pace } = means;
  const { attempt, requestId } = request;
  if (attempt === null || cost.attempt <= ATTEMPT_AT_ONCE_MS) return null;
  const outcome = await receive(means, call, { ...request, attempt: null }, readFor, null);
  report(context, request, outcome, 0);
  if (outcome.refused !== null || !outcome.isOpen) return { outcome, made: null };
  const { key, tasks } = outcome.read;
  const known = await context.storage.read((reader) =>
    reader.attempts.find(key.owner, requestId, attempt.number),
  );
  if (known !== null) return null;
  assertAttempt(means, attempt, outcome.read);
  const own = withOwnShare(key);
  try {
    const made = await craftNamed(crafts, attempt.craft).attempt(
      own,
      tasks,
      attempt,
      pace.of(encodeHex(key.owner)),
      requestId,
    );
    if (made === 'stale') return { outcome: { ...outcome, attempt: 'stale' }, made: null };
    if (made.problem?.code !== SHARE_WRONG) return { outcome: null, made: { made, voided: own.voided } };
    // Now, whatever becomes of the request meanwhile: whoever takes it back must not keep the key answering.
    await context.storage.transact((transaction) => stopKey(means, transaction, key, requestId));
    const record = { attemptHash: hashAttempt(crafts, attempt), ...made };
    return { outcome: { ...outcome, attempt: record, made: true }, made: null };
  } finally {
    wipe(own.share.share);
  }
}

/** With a copy of the share, which nobody else wipes while slices of the work are still to come. The caller wipes it. */
function withOwnShare(key: ActiveKey): ActiveKey {
  const copy = secret(reveal(key.share.share, 'keep it for one attempt').slice());
  return { ...key, share: { ...key.share, share: copy } };
}

/** A known request that has nothing to give yet, or any more; null for all others. Reads only. */
async function lookUpUnapproved(
  means: RequestMeans,
  call: Call,
  request: RequestAsk,
): Promise<StoredRequest | null> {
  const { context } = means;
  const row = await context.storage.read((reader) =>
    reader.requests.find(call.account.xid, request.requestId),
  );
  if (row === null) return null;
  const stored = openRequest(context, row);
  assertSame(stored, request, call);
  if (stored.state === 'approved' || (await isToCount(means, stored, request))) return null;
  return stored;
}

/** Whether people were asked and have said something since they were counted last, or the terms are others. */
async function isToCount(
  { context: { storage, clock }, keys }: RequestMeans,
  { row, state, record }: StoredRequest,
  { votes = [] }: RequestAsk,
): Promise<boolean> {
  const { people } = record;
  if (state !== 'waiting' || people === undefined || row.expiresAt <= clock()) return false;
  if (votes.length > 0) return true;
  return storage.read(async (reader) => {
    const matter = await reader.matters.find(nameOfRequest(row));
    if (matter?.version !== people.counted) return true;
    const { policy } = await keys.find(reader, row.owner, row.keyId);
    return !equalBytes(termsInForce(policy).hash, people.termsHash);
  });
}

async function answer(
  means: RequestMeans,
  call: Call,
  transaction: Transaction,
  request: RequestAsk,
  read: ReadRequest,
  early: Early | null,
): Promise<Outcome> {
  const { context } = means;
  const row = await transaction.requests.find(call.account.xid, request.requestId);
  if (row === null) {
    const admission = await admitRequest(means, call, transaction, request, read);
    return proceed(means, transaction, { request, read, early }, admission);
  }
  const stored = openRequest(context, row);
  assertSame(stored, request, call);
  const isOpen = stored.state === 'approved' || waitsForPeople(stored);
  const over = !isOpen || stored.row.expiresAt <= context.clock();
  const nothing = {
    refused: null,
    stored,
    read,
    decided: null,
    attempt: null,
    made: false,
    votes: [],
  } as const;
  if (over) return { ...nothing, isOpen: false };
  const ended = await endIfGone(context, transaction, stored);
  if (ended !== null) return { ...nothing, stored: ended, isOpen: false };
  const attempt = await findAttempt(means, transaction, request, stored);
  if (attempt !== null) return { ...nothing, attempt, isOpen: true };
  if (request.attempt !== null) {
    await context.accounts.quota.bytes(transaction, call.account, bytesFor(read));
  }
  const admission = await recheckRequest(means, call, transaction, stored, request, read);
  return proceed(means, transaction, { request, read, early }, admission);
}

/** Attempts what was admitted, and writes it all down. */
async function proceed(
  means: RequestMeans,
  transaction: Transaction,
  asked: { readonly request: RequestAsk; readonly read: ReadRequest; readonly early: Early | null },
  admission: Admission,
): Promise<Outcome> {
  if (admission.kind === 'refused') return { refused: admission.error, decided: admission.decided };
  const { request, read, early } = asked;
  const { stored, decided, refused: votes, matter } = admission;
  if (stored.state !== 'approved') {
    return { refused: null, stored, read, decided, attempt: null, made: false, isOpen: false, votes };
  }
  const attempt = await makeAttempt(means, transaction, request, read, early);
  // From the first share on, nothing that people say changes what this server has done.
  const isGiven = attempt !== null && attempt !== 'stale' && attempt.answer !== null;
  if (isGiven && matter !== null) await settleMatter(means.context, transaction, matter, 'released');
  if (isGiven) await sumRequest(means.context, transaction, stored, read);
  await auditAttempt(means, transaction, { request, admission, attempt });
  return { refused: null, stored, read, decided, attempt, made: true, isOpen: true, votes };
}

/** What the client wants for its next attempt. */
async function prepare(
  { context, crafts, pace }: RequestMeans,
  { wanted }: RequestAsk,
  { key, tasks }: ReadRequest,
): Promise<CraftPrepared | null> {
  // What was answered before is answered again; a key that was stopped or frozen since then prepares nothing.
  if (wanted === null || key.stoppedAt !== null || isFrozen(key, context.clock())) return null;
  assertSameCraft(wanted.craft, tasks);
  return craftNamed(crafts, wanted.craft).prepare(key, wanted, tasks.length, pace.of(encodeHex(key.owner)));
}

/**
 * What an heir has asked for is his, and what the owner has is none of an heir's. Where a secret comes of it, people said yes to
 * the device that asked, and another one of the account has no part in it (amendments S7).
 */
function assertSame(stored: StoredRequest, request: RequestAsk, call: Call): void {
  const isSame = isSameRequest(stored, request) && stored.record.heir === call.heir?.name;
  demand(isSame, 'REQUEST_DIFFERS', 'this request id stands for another request');
  if (requestKind(request.kind).resultIsSecret !== true) return;
  const [asked, asks] = [stored.record.by, askedBy(call).by];
  const isAsker = asked === undefined ? asks === undefined : asks !== undefined && equalBytes(asked, asks);
  demand(isAsker, 'REQUEST_DIFFERS', 'another device of this account asked for this secret');
}

function report({ events }: ServerContext, { kind }: RequestAsk, outcome: Outcome, elapsedMs: number): void {
  if (outcome.decided !== null) events.requestDecided({ kind, ...outcome.decided });
  if (outcome.refused !== null) return;
  const { stored, read, attempt, made, decided } = outcome;
  const { suite } = read.key.context;
  if (decided !== null) events.requestMoved({ kind, to: stored.state });
  if (!made || attempt === null || attempt === 'stale' || attempt.problem !== null) return;
  events.sharesReleased({
    suite,
    tasks: attempt.answer === null ? 0 : read.tasks.length,
    seconds: elapsedMs / 1000,
  });
}
