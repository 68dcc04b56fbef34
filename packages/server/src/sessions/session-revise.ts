import type { SessionView } from '@ckm/api';
import type { Call, ServerContext } from '../context.js';
import type { Reader, SessionRow, Transaction } from '../storage/storage.js';
import { refusal } from './errors.js';
import { isOver } from './machine.js';
import { repeatWhenRaced } from './raced.js';
import type { Room } from './room.js';
import { draftOf, endDraft, isUnchanged, wipeDraft, type Draft } from './session-draft.js';
import { openSession, readPackets, viewSession, type StoredSession } from './session-record.js';
import { reportDraft, storeDraft } from './session-store.js';

/** The server with its rooms. */
export interface SessionMeans {
  readonly context: ServerContext;
  readonly rooms: readonly Room[];
}

/** On whose behalf a session changes, and how its transaction is opened. */
export interface Origin {
  readonly owner: Uint8Array;
  readonly sessionId: Uint8Array;
  /** The account behind it; null: the server itself. */
  readonly who: Uint8Array | null;
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** A change by the account that sent a message. */
export function originOf(call: Call, sessionId: Uint8Array): Origin {
  const owner = call.account.xid;
  return { owner, sessionId, who: owner, transact: (work) => call.transact(work) };
}

/** What a session becomes; reads whatever else it needs through the transaction. */
export type Change = (draft: Draft, room: Room, transaction: Transaction) => Draft | Promise<Draft>;

/**
 * Reads a session, lets `change` draft its future, stores that in one transaction, and answers only after the commit.
 * A session whose time has passed expires instead.
 */
export async function reviseSession(
  means: SessionMeans,
  origin: Origin,
  change: Change,
): Promise<SessionView> {
  const { context } = means;
  const { before, draft, after } = await repeatWhenRaced(() =>
    origin.transact((transaction) => reviseOnce(means, transaction, origin, change)),
  );
  if (after !== before) reportDraft(context, before, draft);
  const view = viewIn(means, after, draft);
  wipeDraft(draft);
  return view;
}

async function reviseOnce(means: SessionMeans, transaction: Transaction, origin: Origin, change: Change) {
  const { context } = means;
  const before = openSession(context, await findSessionRow(transaction, origin));
  const room = roomFor(means, before);
  const untouched = draftOf(before, await readPackets(context, transaction, before.row));
  const draft = isOverdue(context, before)
    ? endDraft(untouched, 'expired', {})
    : await change(untouched, room, transaction);
  if (isUnchanged(draft, before)) return { before, draft, after: before };
  return { before, draft, after: await storeDraft(context, room, transaction, before, draft, origin.who) };
}

export function roomFor({ rooms }: SessionMeans, { record }: StoredSession): Room {
  return rooms.find(({ kind }) => kind === record.proposal.kind)!;
}

/** @throws StateError `SESSION_UNKNOWN`, also for a session of somebody else */
export async function findSessionRow(
  reader: Reader,
  { owner, sessionId }: Pick<Origin, 'owner' | 'sessionId'>,
): Promise<SessionRow> {
  const row = await reader.sessions.find(owner, sessionId);
  if (row === null) throw refusal('SESSION_UNKNOWN', 'there is no such session');
  return row;
}

export function isOverdue({ clock }: ServerContext, { row, state }: StoredSession): boolean {
  return !isOver(state) && row.expiresAt <= clock();
}

/** The view of a session with all packets this server has said in it. */
export function viewIn(
  means: SessionMeans,
  session: StoredSession,
  { packets }: Pick<Draft, 'packets'>,
): SessionView {
  if (session.record.parameters === null) return viewSession(session, []);
  const { ownSlot } = roomFor(means, session).members(means.context, session.record);
  const own = packets.filter(({ from }) => from === ownSlot).sort((a, b) => a.round - b.round);
  return viewSession(
    session,
    own.map(({ bytes }) => bytes),
  );
}
