import type { ServerContext } from '../../../context.js';
import type { KeyRow, Transaction } from '../../../storage/storage.js';
import { NO_CHANGE, writeChange } from '../change-record.js';
import { destroyRoot } from '../receiver-seeds.js';

/**
 * When a key comes to an epoch here, nothing has been said of what follows it: a row that is there was begun for another key of the same id, which
 * anybody can make, and show to a server that is to join it. It is emptied, and its head names what is left.
 */
export async function beginEpoch(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
): Promise<void> {
  const row = (await transaction.keys.hold(owner, keyId))!;
  const { epoch } = row;
  const found = await transaction.changes.find(owner, keyId, epoch);
  if (found === null) return;
  await writeChange(context, transaction, { owner, keyId, epoch }, row, found, NO_CHANGE);
  transaction.whenCommitted(() => destroyRoot(context, { owner, keyId, epoch }));
}
