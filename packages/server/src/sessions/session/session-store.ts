import { isDrillKeyId } from '@ckm/api';
import type { AuditEntry } from '../../audit/audit.js';
import type { ServerContext } from '../../context.js';
import { rowChanged } from '../../storage/codes.js';
import type { SessionRow, Transaction } from '../../storage/storage.js';
import { makeRoomForDrill } from '../drills/drill-keys.js';
import { changeKey, isOfRoom, type KeyChange } from '../keys/change-key.js';
import { isOver } from './machine.js';
import type { Room } from '../room/room.js';
import { sealRecord } from '../../vault/sealed-record.js';
import type { Draft } from './session-draft.js';
import { destroySessionKey } from './session-keys.js';
import { sealPacket, sealSession, type StoredSession } from './session-record.js';

/** What a change comes from. */
export interface Cause {
  /** The account behind it; null: the server itself, or its operator. */
  readonly who: Uint8Array | null;
  /** What the audit log says instead of the usual. */
  readonly entry?: Pick<AuditEntry, 'deed' | 'verdict' | 'detail'>;
}

/**
 * Stores everything a draft changes, with its audit row: all of it or nothing. Only when the transaction has committed
 * may anything of it be told to anyone.
 * @throws StateError `ROW_CHANGED` when the session moved meanwhile: read it again and draft anew
 */
export async function storeDraft(
  context: ServerContext,
  room: Room,
  transaction: Transaction,
  before: StoredSession,
  draft: Draft,
  { who, entry }: Cause,
): Promise<StoredSession> {
  const { session } = draft;
  const row = sealSession(context, { ...session, row: { ...before.row, version: before.row.version + 1 } });
  await transaction.sessions.update(row);
  for (const packet of draft.fresh) {
    const inserted = await transaction.packets.insert(sealPacket(context, row, packet));
    if (!inserted) throw rowChanged('session_packets');
  }
  await storeEvidence(context, transaction, draft);
  for (const change of draft.keys) await storeKey(context, room, transaction, row, change);
  if (isOver(session.state) && !isOver(before.state))
    await room.people?.rest(
      transaction,
      row,
      session.record.proposal,
      ...(session.state === 'finished' ? (['released'] as const) : []),
    );
  if (isOver(session.state)) transaction.whenCommitted(() => destroySessionKey(context, row));
  const line = auditEntry(room, before, draft, who, entry !== undefined);
  if (line !== null) await context.audit.append(transaction, { ...line, ...entry });
  return { ...session, row };
}

/** Tells log and metrics, after the commit. */
export function reportDraft(context: ServerContext, before: StoredSession, draft: Draft): void {
  const { state, record } = draft.session;
  if (state !== before.state) context.events.sessionMoved({ kind: record.proposal.kind, to: state });
  if (record.fault !== null) context.events.peerFault({ code: record.fault.code, round: record.fault.round });
  for (const change of draft.keys) {
    if (change.kind === 'promote' || change.kind === 'regain')
      context.events.keyActivated({ suite: change.record.suite });
    if (change.kind === 'give-out') context.events.shareGivenOut();
  }
}

async function storeKey(
  context: ServerContext,
  room: Room,
  transaction: Transaction,
  row: SessionRow,
  change: KeyChange,
): Promise<void> {
  if (isOfRoom(change)) return room.storeKey?.(transaction, row, change);
  // Once more: as many may have been begun as were asked for at a time.
  if (change.kind === 'create' && isDrillKeyId(row.keyId))
    await makeRoomForDrill(context, transaction, row.owner);
  return changeKey(context, transaction, row, change);
}

async function storeEvidence(context: ServerContext, transaction: Transaction, draft: Draft): Promise<void> {
  const { owner, sessionId } = draft.session.row;
  let number = (await transaction.evidence.list(owner, sessionId)).length;
  for (const contradiction of draft.evidence.slice(0, MOST_EVIDENCE)) {
    number++;
    const row = sealRecord(context.vault, 'session_evidence', { owner, sessionId, number }, contradiction);
    await transaction.evidence.insert(row);
  }
}

/** A session ends at the first contradiction, so that more than one of each party is never of use. */
const MOST_EVIDENCE = 32;

function auditEntry(
  room: Room,
  before: StoredSession,
  draft: Draft,
  who: Uint8Array | null,
  isSaid: boolean,
): AuditEntry | null {
  const { state, record, row } = draft.session;
  const moved = state !== before.state;
  if (!moved && record.round === before.record.round && !isSaid) return null;
  return {
    deed: moved ? `session.${state}` : 'session.round',
    who,
    keyId: row.keyId,
    subject: row.sessionId,
    sentence: room.sentence(record.proposal),
    verdict: state === 'aborted' ? 'failed' : 'done',
    policy: '',
    detail:
      isOver(state) && record.fault !== null
        ? describeFault(record.fault)
        : moved
          ? describeGrant(state, before)
          : `round ${record.round}`,
  };
}

/** An operator's own yes says so himself. */
function describeGrant(state: StoredSession['state'], { record }: StoredSession): string {
  const { waiting = null, operator } = record;
  if (state !== 'accepted' || waiting === null) return '';
  const time = `${waiting.needed / 3_600} hours`;
  if (operator === undefined) return `its operator said nothing for ${time}`;
  return operator === 'agreed'
    ? `its operator had agreed, and ${time} have passed`
    : `${time} have passed, and its operator is not asked`;
}

function describeFault({ code, round, culprits }: NonNullable<StoredSession['record']['fault']>): string {
  const who = culprits.length === 0 ? '' : `, slot ${culprits.join(' ')}`;
  return `${code} in round ${round}${who}`;
}
