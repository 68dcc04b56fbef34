import type { CraftAttempt, RequestAsk } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Task } from '@ckm/requests';
import { type Attempted, craftNamed } from '../crafts/craft.js';
import { demand } from '../refusals.js';
import type { Transaction } from '../storage/storage.js';
import type { RequestMeans } from './means.js';
import type { ReadRequest } from './read-request.js';
import {
  hashAttempt,
  openAttempt,
  sealAttempt,
  type AttemptRecord,
  type StoredRequest,
} from './request-record.js';
import { SHARE_WRONG, stopKey } from './stop-key.js';

/** What was made before the transaction that stores it. */
export interface Early {
  readonly made: Attempted;
  /** How often the nonces of its key had been voided then. */
  readonly voided: number;
}

/** The answer that this very attempt was given before. @throws StateError `ATTEMPT_DIFFERS` */
export async function findAttempt(
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
export async function makeAttempt(
  means: RequestMeans,
  transaction: Transaction,
  { requestId, attempt }: RequestAsk,
  read: ReadRequest,
  early: Early | null,
): Promise<AttemptRecord | 'stale' | null> {
  if (attempt === null) return null;
  const { context, crafts } = means;
  const { key, tasks } = read;
  assertAttempt(means, attempt, read);
  if (early !== null && early.voided !== key.voided) return 'stale';
  const made =
    early?.made ?? (await craftNamed(crafts, attempt.craft).attempt(key, tasks, attempt, AT_ONCE, requestId));
  if (made === 'stale') return 'stale';
  const record: AttemptRecord = { attemptHash: hashAttempt(crafts, attempt), ...made };
  if (made.problem?.code === SHARE_WRONG) await stopKey(means, transaction, key, requestId);
  const columns = { owner: key.owner, requestId, number: attempt.number };
  await transaction.attempts.insert(sealAttempt(context, columns, record));
  return record;
}

/** What is small does not pause: others wait for the end of its transaction. */
const AT_ONCE = () => Promise.resolve();

/** @throws UsageError `ATTEMPT_INVALID` */
export function assertAttempt(
  { crafts }: RequestMeans,
  attempt: CraftAttempt,
  { key, tasks }: ReadRequest,
): void {
  assertSameCraft(attempt.craft, tasks);
  craftNamed(crafts, attempt.craft).assertAttempt(attempt, key, tasks);
}

/** @throws UsageError `ATTEMPT_INVALID` */
export function assertSameCraft(craft: CraftAttempt['craft'], tasks: readonly Task[]): void {
  const same = tasks.every((task) => task.craft === craft);
  demand(same, 'ATTEMPT_INVALID', `the request is not worked on by ${craft}`);
}
