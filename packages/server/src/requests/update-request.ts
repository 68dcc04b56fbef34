import type { ServerContext } from '../context.js';
import type { Transaction } from '../storage/storage.js';
import { endMatter } from '../votes/matters.js';
import { nameOfRequest } from './hear-people.js';
import { sealRequest, type StoredRequest } from './request-record.js';

/** Stores the next version of a request. With one that is over, nobody is asked about it any more, and what they were shown is gone. */
export async function updateRequest(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  after: StoredRequest,
): Promise<void> {
  await transaction.requests.update(sealRequest(context, after));
  const isOpen = after.state === 'waiting' || after.state === 'approved';
  if (!isOpen && after.record.people !== undefined) await endMatter(transaction, nameOfRequest(after.row));
}
