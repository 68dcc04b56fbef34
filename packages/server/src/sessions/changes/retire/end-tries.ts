import type { Proposal, RepairProposal, ReshareProposal } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../../../context.js';
import type { Transaction } from '../../../storage/storage.js';
import { destroySessionKey } from '../../session/session-keys.js';
import { openSessionToShow, sealSession } from '../../session/session-record.js';
import type { DecidingScope } from '../deciding.js';

/** More than an account may have open. */
const MOST_OPEN = 1_024;

/**
 * Ends the sessions in which the shares of an epoch, or of one before it, were to be moved on: what followed it is decided, and their secrets
 * would open the shares of what they were to make.
 */
export async function endTries(
  context: ServerContext,
  transaction: Transaction,
  scope: DecidingScope,
): Promise<void> {
  const isTry = (proposal: Proposal) =>
    proposal.kind === 'reshare' && (proposal as unknown as ReshareProposal).order.epoch <= scope.epoch;
  await endThose(context, transaction, scope, isTry, 'what follows the epoch is decided');
}

/**
 * Ends the repairs of shares of an epoch, or of one before it, that is in use no more: nobody is to be asked for a share that nobody needs.
 * Before that epoch is over they go on, whatever is decided.
 */
export async function endRepairs(
  context: ServerContext,
  transaction: Transaction,
  scope: DecidingScope,
): Promise<void> {
  const isRepair = (proposal: Proposal) =>
    proposal.kind === 'repair' && (proposal as unknown as RepairProposal).epoch <= scope.epoch;
  await endThose(context, transaction, scope, isRepair, 'the key has gone on to another epoch');
}

async function endThose(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: DecidingScope,
  isOver: (proposal: Proposal) => boolean,
  reason: string,
): Promise<void> {
  for (const row of await transaction.sessions.listOpen(owner, MOST_OPEN)) {
    if (!equalBytes(row.keyId, keyId)) continue;
    const { record } = openSessionToShow(context, row);
    if (!isOver(record.proposal)) continue;
    const columns = { ...row, version: row.version + 1 };
    await transaction.sessions.update(
      sealSession(context, { row: columns, state: 'cancelled', record: { ...record, awaiting: [], reason } }),
    );
    transaction.whenCommitted(() => destroySessionKey(context, row));
  }
}
