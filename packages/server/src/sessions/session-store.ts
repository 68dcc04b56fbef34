import { equalBytes } from '@ckm/foundation';
import type { AuditEntry } from '../audit/audit.js';
import type { ServerContext } from '../context.js';
import { rowChanged } from '../storage/codes.js';
import type { Transaction } from '../storage/storage.js';
import { refusal } from './errors.js';
import { openKeyToShow, sealKey } from './keys/key-record.js';
import { isOver } from './machine.js';
import type { KeyChange, Room } from './room.js';
import { sealRecord } from './sealed-record.js';
import type { Draft } from './session-draft.js';
import { sealPacket, sealSession, type StoredSession } from './session-record.js';

/**
 * Stores everything a draft changes, with its audit row: all of it or nothing. Only when the transaction has committed
 * may anything of it be told to anyone.
 * @param who the account that caused it; null: the server itself
 * @throws StateError `ROW_CHANGED` when the session moved meanwhile: read it again and draft anew
 */
export async function storeDraft(
  context: ServerContext,
  room: Room,
  transaction: Transaction,
  before: StoredSession,
  draft: Draft,
  who: Uint8Array | null,
): Promise<StoredSession> {
  const { session } = draft;
  const row = sealSession(context, { ...session, row: { ...before.row, version: before.row.version + 1 } });
  await transaction.sessions.update(row);
  for (const packet of draft.fresh) {
    const inserted = await transaction.packets.insert(sealPacket(context, row, packet));
    if (!inserted) throw rowChanged('session_packets');
  }
  await storeEvidence(context, transaction, draft);
  if (draft.key !== null) await storeKey(context, transaction, draft.session, draft.key);
  const entry = auditEntry(room, before, draft, who);
  if (entry !== null) await context.audit.append(transaction, entry);
  return { ...session, row };
}

/** Tells log and metrics, after the commit. */
export function reportDraft(context: ServerContext, before: StoredSession, draft: Draft): void {
  const { state, record } = draft.session;
  if (state !== before.state) context.events.sessionMoved({ kind: record.proposal.kind, to: state });
  if (record.fault !== null) context.events.peerFault({ code: record.fault.code, round: record.fault.round });
  if (draft.key?.state === 'active') context.events.keyActivated({ suite: draft.key.record.suite });
}

/** Stores a key for the first time, or the next version of it. */
async function storeKey(
  context: ServerContext,
  transaction: Transaction,
  { row: { owner, keyId, sessionId } }: StoredSession,
  { state, record }: KeyChange,
): Promise<void> {
  const existing = await transaction.keys.hold(owner, keyId);
  if (existing === null) {
    const columns = { owner, keyId, state, version: 1, createdAt: context.clock() };
    await transaction.keys.insert(sealKey(context, columns, record));
    return;
  }
  const maker = openKeyToShow(context, existing).record.sessionId;
  if (maker === null || !equalBytes(maker, sessionId)) {
    throw refusal('KEY_ID_TAKEN', 'another session made a key with this id');
  }
  const { createdAt, version } = existing;
  await transaction.keys.update(
    sealKey(context, { owner, keyId, state, version: version + 1, createdAt }, record),
  );
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
): AuditEntry | null {
  const { state, record, row } = draft.session;
  const moved = state !== before.state;
  if (!moved && record.round === before.record.round) return null;
  return {
    deed: moved ? `session.${state}` : 'session.round',
    who,
    keyId: row.keyId,
    subject: row.sessionId,
    sentence: room.sentence(record.proposal),
    verdict: state === 'aborted' ? 'failed' : 'done',
    policy: '',
    detail: isOver(state) && record.fault !== null ? describeFault(record.fault) : `round ${record.round}`,
  };
}

function describeFault({ code, round, culprits }: NonNullable<StoredSession['record']['fault']>): string {
  const who = culprits.length === 0 ? '' : `, slot ${culprits.join(' ')}`;
  return `${code} in round ${round}${who}`;
}
