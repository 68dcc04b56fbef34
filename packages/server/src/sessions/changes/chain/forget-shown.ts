import { CkmError, equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../../../context.js';
import type { ShownEpochRow, Transaction } from '../../../storage/storage.js';
import { type KeyName, shownAt } from './shown-epochs.js';

/** So long it is kept what was shown of a key that nothing came of: it can be shown again. */
const KEEP_SECONDS = 2_592_000;
/** So many keys of which something was shown are looked at in one transaction. */
const PAGE = 64;
/** Between one walk over all of them and the next. Seconds. */
const REST = 3_600;
/** So many open ceremonies of an account are looked at; of one that has more, nothing is forgotten. */
const MOST_OPEN = 100;

/** Forgets what was shown of keys that are not here, a page in each call; called every few seconds. Whoever filled an account with them does not keep it full. */
export function createShownSweep(context: ServerContext): () => Promise<void> {
  let after: KeyName | null = null;
  let restsUntil = 0;
  return async () => {
    const now = context.clock();
    if (now < restsUntil && restsUntil - now <= REST) return;
    const place = after;
    after = await context.storage.transact((transaction) => forgetPage(context, transaction, place));
    if (after === null) restsUntil = now + REST;
  };
}

/** @returns the last key of the page; null: there is none behind it */
async function forgetPage(
  context: ServerContext,
  transaction: Transaction,
  after: KeyName | null,
): Promise<KeyName | null> {
  let last = after;
  for (let looked = 0; looked < PAGE; looked++) {
    const row = await transaction.shownEpochs.ofNextKey(last);
    if (row === null) return null;
    const { owner, keyId } = row;
    last = { owner, keyId };
    // The key first, as everybody holds them.
    if (!isShownLongAgo(context, row) || (await transaction.keys.hold(owner, keyId)) !== null) continue;
    // Whoever takes an order in by it has committed that by now, or finds nothing any more.
    await transaction.shownEpochs.hold(owner, keyId);
    if (!(await isForUse(transaction, last))) await transaction.shownEpochs.removeAll(owner, keyId);
  }
  return last;
}

/** Never, where it was tampered with: one bad row must not stop the others. */
function isShownLongAgo(context: ServerContext, row: ShownEpochRow): boolean {
  try {
    return shownAt(context, row) <= context.clock() - KEEP_SECONDS;
  } catch (error) {
    if (error instanceof CkmError && error.code === 'ROW_TAMPERED') return false;
    throw error;
  }
}

/** Whether this server has the key, was ordered to join it, or takes a share of it back. */
async function isForUse(transaction: Transaction, { owner, keyId }: KeyName): Promise<boolean> {
  if ((await transaction.keys.find(owner, keyId)) !== null) return true;
  if ((await transaction.changes.listOf(owner, keyId)).length > 0) return true;
  const open = await transaction.sessions.listOpen(owner, MOST_OPEN);
  return open.length === MOST_OPEN || open.some((session) => equalBytes(session.keyId, keyId));
}
