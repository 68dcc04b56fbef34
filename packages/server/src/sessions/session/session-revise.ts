import type { SessionView } from '@ckm/api';
import { BugError } from '@ckm/foundation';
import type { Call, ServerContext } from '../../context.js';
import type { Reader, SessionRow, Transaction } from '../../storage/storage.js';
import { refusal } from '../../refusals.js';
import { isOver } from './machine.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { Room, RoomMeans } from '../room/room.js';
import { isOfRoom } from '../keys/change-key.js';
import { rememberHead } from '../keys/head-memory.js';
import { draftOf, endDraft, isUnchanged, wipeDraft, type Draft, type Drafting } from './session-draft.js';
import { openSession, readRound, type StoredSession } from './session-record.js';
import { reportDraft, storeDraft, type Cause } from './session-store.js';
import { viewSession } from './session-view.js';
import type { Counter } from '../waiting-time.js';

/** The server with its rooms. */
export interface SessionMeans {
  readonly context: ServerContext;
  readonly means: RoomMeans;
  readonly rooms: readonly Room[];
  /** This process, by which it is counted how long an operator is waited for. */
  counting(): Counter;
  /** Counts milliseconds of one core that a message is about to cost. @throws PolicyError `QUOTA_COST` */
  charge(account: { readonly xid: Uint8Array }, costMs: number): void;
}

/** On whose behalf a session changes, and how its transaction is opened. */
export interface Origin extends Cause {
  readonly owner: Uint8Array;
  readonly sessionId: Uint8Array;
  /** How many of this server's packets the caller has. */
  readonly after: number;
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** The account that sent a message. */
export function originOf(call: Call, sessionId: Uint8Array, after = 0): Origin {
  const owner = call.account.xid;
  return { owner, sessionId, who: owner, after, transact: (work) => call.transact(work) };
}

/** This server by itself. */
export function ownOrigin({ storage }: ServerContext, { owner, sessionId }: SessionRow): Origin {
  return { owner, sessionId, who: null, after: 0, transact: storage.transact.bind(storage) };
}

/** What a session becomes; reads whatever else it needs through the transaction. */
export type Change = (draft: Draft, drafting: Drafting, transaction: Transaction) => Draft | Promise<Draft>;

/**
 * Reads a session, lets `change` draft its future, stores that in one transaction, and answers only after the commit.
 * A session whose time has passed expires instead.
 */
export async function reviseSession(
  server: SessionMeans,
  origin: Origin,
  change: Change,
): Promise<SessionView> {
  const { context } = server;
  const { before, draft, after, view } = await repeatWhenRaced(() =>
    origin.transact((transaction) => reviseOnce(server, transaction, origin, change)),
  );
  if (after !== before) reportDraft(context, before, draft);
  // Whom it helped, or that it gave its share out: before the answer leaves that does so.
  if (draft.keys.some(isOfRoom)) await rememberHead(context, after.row);
  return view;
}

/**
 * What {@link reviseSession} does, inside of a transaction that does more.
 * @returns what is to be done once it has committed
 */
export async function reviseWithin(
  server: SessionMeans,
  transaction: Transaction,
  origin: Omit<Origin, 'transact'>,
  change: Change,
): Promise<() => Promise<void>> {
  const { context } = server;
  const { before, draft, after } = await reviseOnce(server, transaction, origin, change);
  return async () => {
    if (after !== before) reportDraft(context, before, draft);
    if (draft.keys.some(isOfRoom)) await rememberHead(context, after.row);
  };
}

async function reviseOnce(
  server: SessionMeans,
  transaction: Transaction,
  origin: Omit<Origin, 'transact'>,
  change: Change,
) {
  const { context } = server;
  const before = openSession(context, await findSessionRow(transaction, origin));
  let draft = draftOf(before);
  try {
    const drafting = draftingOf(server, transaction, before);
    draft = isOverdue(context, before)
      ? endDraft(draft, 'expired', {})
      : await change(draft, drafting, transaction);
    const after = isUnchanged(draft, before)
      ? before
      : await storeDraft(context, drafting.room, transaction, before, draft, origin);
    const view = await viewSession(context, transaction, after, origin.after, draft.fresh);
    return { before, draft, after, view };
  } finally {
    // Sealed copies are stored, or the transaction is rolled back and everything is read anew.
    wipeDraft(draft);
    before.record.secrets?.fill(0);
  }
}

/** What changes of that session are drafted with. */
function draftingOf(
  { context, means, rooms }: SessionMeans,
  reader: Reader,
  { row, record }: StoredSession,
): Drafting {
  const room = roomFor(rooms, record.proposal.kind);
  return { means, room, reader, round: (round) => readRound(context, reader, row, round) };
}

/** @throws BugError `ROOM_MISSING` for a session that another version of the server had a room for */
export function roomFor(rooms: readonly Room[], kind: string): Room {
  const room = rooms.find((one) => one.kind === kind);
  if (room !== undefined) return room;
  throw new BugError('a stored session is of a kind that this version does not know', {
    code: 'ROOM_MISSING',
    hint: 'run the version of the server that wrote this database, or a later one',
  });
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
