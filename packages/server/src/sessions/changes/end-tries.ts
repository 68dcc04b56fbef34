import type { Proposal, RepairProposal, ReshareProposal } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type ChangeParams, encodeChange } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { Transaction } from '../../storage/storage.js';
import { destroySessionKey } from '../session/session-keys.js';
import {
  openSessionToShow,
  sealSession,
  type SessionRecord,
  type StoredSession,
} from '../session/session-record.js';
import type { DecidingScope } from './deciding.js';

/** More than an account may have open. */
const MOST_OPEN = 1_024;

/** One sentence for the log about the session in which shares move. */
export function sentenceOfMove({ order: { epoch, quorum }, attempt }: ReshareProposal): string {
  return `Move the shares of a key to ${quorum.needed} of ${quorum.of} servers after epoch ${epoch} (attempt ${attempt}).`;
}

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
  await cancelThose(context, transaction, scope, isTry, 'what follows the epoch is decided');
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
  await cancelThose(context, transaction, scope, isRepair, 'the key has gone on to another epoch');
}

/**
 * Ends the session of a change that this server was shown as its whole roster signed it, and has checked: all that others would still have said
 * in it is in there, and what was kept for it opens no more. An old member hears of it with the question for its lock, which spares a
 * message to each.
 */
export async function finishTry(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: DecidingScope,
  { change, next: transcriptHash }: { readonly change: ChangeParams; readonly next: Uint8Array },
): Promise<void> {
  const parameters = encodeChange(change);
  const result = { kind: 'reshare', keyId, transcriptHash };
  const ended = await endThose(context, transaction, { owner, keyId }, ({ state, record }) => {
    const { proposal, parameters: joined } = record;
    if (proposal.kind !== 'reshare' || state !== 'running' || joined === null) return null;
    return equalBytes(joined, parameters) ? { state: 'finished', result } : null;
  });
  for (const { row, record } of ended) {
    const { kind } = record.proposal;
    transaction.whenCommitted(() => {
      context.events.sessionMoved({ kind, to: 'finished' });
    });
    await context.audit.append(transaction, {
      deed: 'session.finished',
      who: owner,
      keyId,
      subject: row.sessionId,
      sentence: sentenceOfMove(record.proposal as unknown as ReshareProposal),
      verdict: 'done',
      policy: '',
      detail: '',
    });
  }
}

async function cancelThose(
  context: ServerContext,
  transaction: Transaction,
  scope: DecidingScope,
  isOver: (proposal: Proposal) => boolean,
  reason: string,
): Promise<void> {
  await endThose(context, transaction, scope, ({ record }) =>
    isOver(record.proposal) ? { state: 'cancelled', reason } : null,
  );
}

/** How a session ends. */
type Ending =
  | ({ readonly state: 'cancelled' } & Pick<SessionRecord, 'reason'>)
  | ({ readonly state: 'finished' } & Pick<SessionRecord, 'result'>);

/** @param endingOf null: it goes on @returns those that ended, as they were */
async function endThose(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: Pick<DecidingScope, 'owner' | 'keyId'>,
  endingOf: (session: StoredSession) => Ending | null,
): Promise<readonly StoredSession[]> {
  const ended: StoredSession[] = [];
  for (const row of await transaction.sessions.listOpen(owner, MOST_OPEN)) {
    if (!equalBytes(row.keyId, keyId)) continue;
    const session = openSessionToShow(context, row);
    const ending = endingOf(session);
    if (ending === null) continue;
    const { state, ...why } = ending;
    const columns = { ...row, version: row.version + 1 };
    const record = { ...session.record, awaiting: [], ...why };
    await transaction.sessions.update(sealSession(context, { row: columns, state, record }));
    transaction.whenCommitted(() => destroySessionKey(context, row));
    ended.push(session);
  }
  return ended;
}
