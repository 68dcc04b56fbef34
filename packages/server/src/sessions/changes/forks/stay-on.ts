import type { ServerContext } from '../../../context.js';
import type { Transaction } from '../../../storage/storage.js';
import type { ChangeRecord } from '../change-record.js';
import { type ForkedKey, isStoppedIn, writeForked } from './forked-key.js';
import { laterFork } from './settle-epoch.js';

/**
 * Whether this server is stopped in the forked epoch, and asks its operator, because votes of others were shown: a no says that it stays there, and ends the stop.
 * Whoever has voted itself stays stopped: what it said, others have.
 */
export function isStoppedByOthers(forked: ForkedKey): boolean {
  const { settling } = forked.record;
  return settling?.isShown === true && settling.member === null && isStoppedIn(forked);
}

/** Answers with the key again, unless a later epoch is forked too. What was refused stays refused. */
export async function stayOn(
  context: ServerContext,
  transaction: Transaction,
  forked: ForkedKey,
  record: ChangeRecord,
): Promise<void> {
  const { forked: _forked, settling: _settling, ...kept } = forked.head;
  const later = await laterFork(context, transaction, forked);
  const head = { ...kept, ...later, stands: forked.epoch + 1 };
  await writeForked(context, transaction, { ...forked, head }, record);
}
