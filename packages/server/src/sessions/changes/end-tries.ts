import type { ReshareProposal } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import type { SessionRow, Transaction } from '../../storage/storage.js';
import { destroySessionKey } from '../session-keys.js';
import { openSessionToShow, sealSession } from '../session-record.js';
import type { DecidingScope } from './deciding.js';

/** More than an account may have open. */
const MOST_OPEN = 1_024;

/**
 * Ends the sessions in which the shares of an epoch, or of one before it, were to be moved on: what followed it is decided, and their secrets
 * would open the shares of what they were to make.
 */
export async function endTries(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId, epoch }: DecidingScope,
): Promise<void> {
  for (const row of await transaction.sessions.listOpen(owner, MOST_OPEN)) {
    if (!equalBytes(row.keyId, keyId)) continue;
    const { proposal } = openSessionToShow(context, row).record;
    if (proposal.kind !== 'reshare') continue;
    const { order } = proposal as unknown as ReshareProposal;
    if (order.epoch <= epoch) await end(context, transaction, row);
  }
}

async function end(context: ServerContext, transaction: Transaction, row: SessionRow): Promise<void> {
  const { record } = openSessionToShow(context, row);
  const ended = { ...record, awaiting: [], reason: 'what follows the epoch is decided' };
  const columns = { ...row, version: row.version + 1 };
  await transaction.sessions.update(
    sealSession(context, { row: columns, state: 'cancelled', record: ended }),
  );
  transaction.whenCommitted(() => destroySessionKey(context, row));
}
