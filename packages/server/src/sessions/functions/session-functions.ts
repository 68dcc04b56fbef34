import type { Parameters, SessionView } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Call, Handlers, SessionFunctionName } from '../../context.js';
import { demand } from '../../refusals.js';
import { passIfTampered } from '../../storage/tampered-row.js';
import { canMove, isOver } from '../session/machine.js';
import { costOfPackets, costOfParameters } from '../session-cost.js';
import { assertAsker } from '../session/session-asker.js';
import { cancelDraft, endDraft, hearDraft, joinDraft } from '../session/session-draft.js';
import { proposeSession } from '../session/session-propose.js';
import { assertOpens, openSessionToShow } from '../session/session-record.js';
import {
  findSessionRow,
  isOverdue,
  originOf,
  ownOrigin,
  reviseSession,
  type SessionMeans,
} from '../session/session-revise.js';
import { viewSession } from '../session/session-view.js';

const SWEEP_BATCH = 64;

/** What `session.*` does, for every kind of ceremony. Every call may be repeated, and then only looks. */
export function sessionHandlers(
  server: SessionMeans,
): Handlers<Extract<SessionFunctionName, `session.${string}`>> {
  return {
    'session.propose': (call, parameters) => proposeSession(server, call, parameters),
    'session.join': (call, parameters) => joinSession(server, call, parameters),
    'session.deliver': (call, parameters) => deliver(server, call, parameters),
    'session.show': (call, parameters) => showSession(server, call, parameters),
    'session.cancel': (call, { sessionId, reason }) =>
      reviseSession(server, originOf(call, sessionId), (draft, { room }) => cancelDraft(room, draft, reason)),
  };
}

/** Expires open sessions whose time has passed. */
export async function sweepSessions(server: SessionMeans): Promise<void> {
  const { storage, clock } = server.context;
  const rows = await storage.read((reader) => reader.sessions.overdue(clock(), SWEEP_BATCH));
  for (const row of rows) {
    await passIfTampered(server.context.events.storageFailed, () =>
      reviseSession(server, ownOrigin(server.context, row), (draft) => draft),
    );
  }
}

/**
 * Ends every open session: what a restored database brings back, others may have left behind. Keys that were pending
 * stay so, because somebody may hold their certificate.
 */
export async function voidSessions(server: SessionMeans, reason: string): Promise<number> {
  let count = 0;
  const { storage } = server.context;
  const openOnes = () =>
    storage.read((reader) => reader.sessions.overdue(Number.MAX_SAFE_INTEGER, SWEEP_BATCH));
  for (let rows = await openOnes(); rows.length > 0; rows = await openOnes()) {
    for (const row of rows) {
      await reviseSession(server, ownOrigin(server.context, row), (draft) =>
        isOver(draft.session.state) ? draft : endDraft(draft, 'cancelled', { reason }),
      );
    }
    count += rows.length;
  }
  return count;
}

function joinSession(
  server: SessionMeans,
  call: Call,
  { sessionId, parameters }: Parameters<'session.join'>,
): Promise<SessionView> {
  const { accounts } = server.context;
  server.charge(call.account, costOfParameters(parameters));
  return reviseSession(server, originOf(call, sessionId), async (draft, drafting, transaction) => {
    const { state, record } = draft.session;
    assertAsker(record.proposal, call);
    if (record.parameters !== null) {
      const same = equalBytes(record.parameters, parameters);
      demand(same, 'SESSION_DIFFERS', 'other parameters were agreed on in this session');
      return draft;
    }
    if (isOver(state)) return draft;
    demand(canMove(state, 'running'), 'SESSION_NOT_ACCEPTED', `the session is ${state}`);
    assertOpens(draft.session);
    // What was proposed is looked at once more, by some rooms.
    server.charge(call.account, drafting.room.cost?.(record.proposal) ?? 0);
    await accounts.quota.bytes(transaction, call.account, parameters.length);
    return joinDraft(drafting, draft, parameters);
  });
}

function deliver(
  server: SessionMeans,
  call: Call,
  { sessionId, packets, after }: Parameters<'session.deliver'>,
): Promise<SessionView> {
  const { accounts } = server.context;
  server.charge(call.account, costOfPackets(packets));
  return reviseSession(server, originOf(call, sessionId, after), async (draft, drafting, transaction) => {
    const { state, record } = draft.session;
    if (isOver(state)) return draft;
    demand(record.parameters !== null, 'SESSION_NOT_JOINED', 'the protocol of this session has not started');
    if (packets.length === 0) return draft;
    assertOpens(draft.session);
    const bytes = packets.reduce((sum, packet) => sum + packet.length, 0);
    await accounts.quota.bytes(transaction, call.account, bytes);
    return hearDraft(drafting, draft, packets);
  });
}

async function showSession(
  server: SessionMeans,
  call: Call,
  { sessionId, after }: Parameters<'session.show'>,
): Promise<SessionView> {
  const { context } = server;
  const origin = originOf(call, sessionId, after);
  const view = await context.storage.read(async (reader) => {
    const session = openSessionToShow(context, await findSessionRow(reader, origin));
    return isOverdue(context, session) ? null : viewSession(context, reader, session, after);
  });
  return view ?? reviseSession(server, { ...origin, who: null }, (draft) => draft);
}
