import { parsePacket, type Packet, type SessionState, type SessionView } from '@ckm/api';
import type { ServerContext } from '../context.js';
import type { PacketRow, Reader, SessionRow } from '../storage/storage.js';
import { isOver, parseSessionState } from './machine.js';
import type { SessionRecord } from './room.js';
import { openRecord, sealRecord } from './sealed-record.js';

/** A session as it is stored: what its row shows, what its seal hides. */
export interface StoredSession {
  readonly row: SessionRow;
  readonly state: SessionState;
  readonly record: SessionRecord;
}

export function openSession(context: ServerContext, row: SessionRow): StoredSession {
  return { row, state: parseSessionState(row.state), record: openRecord(context.vault, 'sessions', row) };
}

/** A session to look at: its secrets are overwritten already. */
export function openSessionToShow(context: ServerContext, row: SessionRow): StoredSession {
  const session = openSession(context, row);
  session.record.secrets?.fill(0);
  return session;
}

/** The row of a session after a change: one version on, secrets dropped once it is over. */
export function sealSession(
  context: ServerContext,
  session: Omit<StoredSession, 'row'> & { readonly row: Omit<SessionRow, 'sealed'> },
): SessionRow {
  const { sealed: _sealed, ...columns } = { sealed: null, ...session.row };
  const over = isOver(session.state);
  const record = over ? { ...session.record, secrets: null } : session.record;
  return sealRecord(context.vault, 'sessions', { ...columns, state: session.state, open: !over }, record);
}

/** All packets of a session, own ones included; by round, then sender. */
export async function readPackets(
  context: ServerContext,
  reader: Reader,
  { owner, sessionId }: Pick<SessionRow, 'owner' | 'sessionId'>,
): Promise<readonly Packet[]> {
  const rows = await reader.packets.list(owner, sessionId);
  return rows.map((row) =>
    parsePacket(openRecord<{ bytes: Uint8Array }>(context.vault, 'session_packets', row).bytes),
  );
}

export function sealPacket(
  context: ServerContext,
  { owner, sessionId }: Pick<SessionRow, 'owner' | 'sessionId'>,
  packet: Packet,
): PacketRow {
  const columns = { owner, sessionId, round: packet.round, sender: packet.from };
  return sealRecord(context.vault, 'session_packets', columns, { bytes: packet.bytes });
}

/** What the owner is shown. `outbox`: this server's own packets, oldest first. */
export function viewSession(session: StoredSession, outbox: readonly Uint8Array[]): SessionView {
  const { row, state, record } = session;
  return {
    sessionId: row.sessionId,
    kind: record.proposal.kind,
    state,
    offer: record.offer,
    round: record.round,
    awaiting: [...record.awaiting],
    outbox: [...outbox],
    result: record.result,
    fault: record.fault,
    reason: record.reason,
    expiresAt: row.expiresAt,
  };
}
