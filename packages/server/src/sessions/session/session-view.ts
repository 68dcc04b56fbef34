import { MAX_PACKETS, OUTBOX_PAGE_BYTES, type Packet, type SessionView } from '@ckm/api';
import { BugError } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import type { Reader } from '../../storage/storage.js';
import { isOver } from './machine.js';
import { missingFrom, type Mark } from '../room/packet-log.js';
import type { Room } from '../room/room.js';
import { readPacket, type StoredSession } from './session-record.js';

/** What the owner is shown of a session, without what this server said in it. */
function viewWithout({ row, state, record }: StoredSession): Omit<SessionView, 'outbox' | 'next'> {
  const { seats, marks, round, awaiting } = record;
  return {
    sessionId: row.sessionId,
    kind: record.proposal.kind,
    state,
    offer: record.offer,
    round,
    awaiting: seats === null || isOver(state) ? [] : [...missingFrom(seats, marks, round, awaiting)],
    result: record.result,
    fault: record.fault,
    reason: record.reason,
    expiresAt: row.expiresAt,
  };
}

/** A session that nobody has spoken in. */
export function viewOfSilent(session: StoredSession): SessionView {
  return { ...viewWithout(session), outbox: [], next: null };
}

/**
 * What the owner is shown of a session, with a page of what this server said in it.
 * @param after how many of its packets the owner has
 * @param fresh packets that may be stored or not
 */
export async function viewSession(
  context: ServerContext,
  reader: Reader,
  session: StoredSession,
  after: number,
  fresh: readonly Packet[] = [],
): Promise<SessionView> {
  const own = session.record.marks.filter(({ from }) => from === session.record.seats?.ownSlot);
  const outbox: Uint8Array[] = [];
  let bytes = 0;
  for (const mark of own.slice(after, after + MAX_PACKETS)) {
    const packet = freshOf(fresh, mark) ?? (await readPacket(context, reader, session.row, mark));
    if (packet === null) throw packetLost();
    bytes += packet.bytes.length;
    if (outbox.length > 0 && bytes > OUTBOX_PAGE_BYTES) break;
    outbox.push(packet.bytes);
  }
  const held = Math.min(after, own.length) + outbox.length;
  return { ...viewWithout(session), outbox, next: held < own.length ? held : null };
}

/** The same, saying for whom it waits where its room asks people. */
export async function withHearing(
  { people }: Pick<Room, 'people'>,
  reader: Reader,
  { row: { owner }, state, record: { proposal } }: StoredSession,
  view: SessionView,
): Promise<SessionView> {
  if (state !== 'proposed' || people === undefined) return view;
  const { reason } = await people.hear({ owner, reader }, proposal);
  return { ...view, reason };
}

function freshOf(fresh: readonly Packet[], { round, from, to }: Mark): Packet | undefined {
  return fresh.find((packet) => packet.round === round && packet.from === from && packet.to === to);
}

function packetLost(): BugError {
  return new BugError('a packet that a session remembers is not there', {
    code: 'PACKET_LOST',
    hint: 'restore the database from a backup',
  });
}
