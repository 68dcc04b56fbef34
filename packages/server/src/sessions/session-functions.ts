import type { Parameters, SessionView } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Call, Handlers, SessionFunctionName } from '../context.js';
import { demand } from './errors.js';
import { canMove, isOver } from './machine.js';
import { endDraft, hearDraft, joinDraft } from './session-draft.js';
import { proposeSession } from './session-propose.js';
import { openSessionToShow, readPackets, viewSession } from './session-record.js';
import {
  originOf,
  findSessionRow,
  isOverdue,
  reviseSession,
  viewIn,
  type SessionMeans,
} from './session-revise.js';

const MOST_LISTED = 64;
const SWEEP_BATCH = 64;

/** What `session.*` does, for every kind of ceremony. Every call may be repeated, and then only looks. */
export function sessionHandlers(
  means: SessionMeans,
): Handlers<Extract<SessionFunctionName, `session.${string}`>> {
  return {
    'session.propose': (call, parameters) => proposeSession(means, call, parameters),
    'session.join': (call, parameters) => joinSession(means, call, parameters),
    'session.deliver': (call, parameters) => deliver(means, call, parameters),
    'session.show': (call, parameters) => showSession(means, call, parameters),
    'session.list': (call) => listSessions(means, call),
    'session.cancel': (call, { sessionId, reason }) =>
      reviseSession(means, originOf(call, sessionId), (draft) =>
        isOver(draft.session.state) ? draft : endDraft(draft, 'cancelled', { reason }),
      ),
  };
}

/** Expires open sessions whose time has passed. */
export async function sweepSessions(means: SessionMeans): Promise<void> {
  const { storage, clock } = means.context;
  const rows = await storage.read((reader) => reader.sessions.overdue(clock(), SWEEP_BATCH));
  for (const { owner, sessionId } of rows) {
    const origin = { owner, sessionId, who: null, transact: storage.transact.bind(storage) };
    await reviseSession(means, origin, (draft) => draft);
  }
}

/**
 * Ends every open session: what a restored database brings back, others may have left behind. Keys that were pending
 * stay so, because somebody may hold their certificate.
 */
export async function voidSessions(means: SessionMeans, reason: string): Promise<void> {
  const { storage } = means.context;
  const openOnes = () =>
    storage.read((reader) => reader.sessions.overdue(Number.MAX_SAFE_INTEGER, SWEEP_BATCH));
  for (let rows = await openOnes(); rows.length > 0; rows = await openOnes()) {
    for (const { owner, sessionId } of rows) {
      const origin = { owner, sessionId, who: null, transact: storage.transact.bind(storage) };
      await reviseSession(means, origin, (draft) =>
        isOver(draft.session.state) ? draft : endDraft(draft, 'cancelled', { reason }),
      );
    }
  }
}

function joinSession(
  means: SessionMeans,
  call: Call,
  { sessionId, parameters }: Parameters<'session.join'>,
): Promise<SessionView> {
  const { context } = means;
  return reviseSession(means, originOf(call, sessionId), async (draft, room, transaction) => {
    const { state, record } = draft.session;
    if (record.parameters !== null) {
      const same = equalBytes(record.parameters, parameters);
      demand(same, 'SESSION_DIFFERS', 'other parameters were agreed on in this session');
      return draft;
    }
    if (isOver(state)) return draft;
    demand(canMove(state, 'running'), 'SESSION_NOT_ACCEPTED', `the session is ${state}`);
    await context.accounts.quota.bytes(transaction, call.account, parameters.length);
    return joinDraft(context, room, draft, parameters);
  });
}

function deliver(
  means: SessionMeans,
  call: Call,
  { sessionId, packets }: Parameters<'session.deliver'>,
): Promise<SessionView> {
  const { context } = means;
  return reviseSession(means, originOf(call, sessionId), async (draft, room, transaction) => {
    const { state, record } = draft.session;
    if (isOver(state)) return draft;
    demand(record.parameters !== null, 'SESSION_NOT_JOINED', 'the protocol of this session has not started');
    const bytes = packets.reduce((sum, packet) => sum + packet.length, 0);
    await context.accounts.quota.bytes(transaction, call.account, bytes);
    return hearDraft(context, room, draft, packets);
  });
}

async function showSession(
  means: SessionMeans,
  call: Call,
  { sessionId }: Parameters<'session.show'>,
): Promise<SessionView> {
  const { context } = means;
  const origin = originOf(call, sessionId);
  const { session, packets } = await context.storage.read(async (reader) => {
    const row = await findSessionRow(reader, origin);
    return { session: openSessionToShow(context, row), packets: await readPackets(context, reader, row) };
  });
  if (isOverdue(context, session)) return reviseSession(means, { ...origin, who: null }, (draft) => draft);
  return viewIn(means, session, { packets });
}

/** Without packets: show a session to go on with it. */
async function listSessions({ context }: SessionMeans, call: Call): Promise<{ sessions: SessionView[] }> {
  const rows = await context.storage.read((reader) => reader.sessions.list(call.account.xid, MOST_LISTED));
  return { sessions: rows.map((row) => viewSession(openSessionToShow(context, row), [])) };
}
