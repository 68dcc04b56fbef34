import type { ServerContext } from '../context.js';
import type { Transaction } from '../storage/storage.js';
import type { ReadRequest } from './read-request.js';
import type { StoredRequest } from './request-record.js';
import { updateRequest } from './update-request.js';

/** Sums a request that a share was given for just now, where rules of its key look at sums. Another share for it is nothing more. */
export async function sumRequest(
  context: Pick<ServerContext, 'vault' | 'policy' | 'clock'>,
  transaction: Transaction,
  stored: StoredRequest,
  { key, facts }: ReadRequest,
): Promise<void> {
  if (facts === null) return;
  const { row, record } = stored;
  const request = { requestId: row.requestId, number: record.summed ?? null };
  const given = { request, kind: record.kind, facts, now: context.clock() };
  const summed = await context.policy.sum(transaction, key.policy, key, given);
  if (summed === null) return;
  const after = { ...stored, row: { ...row, version: row.version + 1 }, record: { ...record, summed } };
  await updateRequest(context, transaction, after);
}
