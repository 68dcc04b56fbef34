import {
  parsePacket,
  type Packet,
  type PacketPosition,
  type Proposal,
  type SessionResult,
  type SessionState,
} from '@ckm/api';
import { type CkmError, StorageError } from '@ckm/foundation';
import type { Data } from '@ckm/gordian';
import type { ServerContext } from '../../context.js';
import type { PacketRow, Reader, SessionRow } from '../../storage/storage.js';
import { isOver, parseSessionState } from './machine.js';
import type { Mark } from '../room/packet-log.js';
import type { SessionFault } from '../room/room.js';
import { openRecord, sealRecord } from '../../vault/sealed-record.js';
import type { Seats } from '../room/seats.js';
import type { WaitingTime } from '../waiting-time.js';

/** Everything a server keeps about one session, besides its packets and what the row shows; sealed as a whole. */
export interface SessionRecord {
  /** As its room read it. */
  readonly proposal: Proposal;
  /** Null while people are asked. */
  readonly offer: Data;
  /** What every party agreed on, as handed over by the owner; null before that. */
  readonly parameters: Uint8Array | null;
  /** As the room said when the session was joined; null before that. */
  readonly seats: Seats | null;
  /** Every packet kept, own ones included, in the order they were said or came. */
  readonly marks: readonly Mark[];
  readonly round: number;
  /** Slots that the room waits for in this round, whoever of them has spoken. */
  readonly awaiting: readonly number[];
  /** What the room needs to go on; null before it takes part, and when the session is over. Secret. */
  readonly secrets: Uint8Array | null;
  readonly result: SessionResult | null;
  readonly fault: SessionFault | null;
  readonly reason: string | null;
  /** The device that proposed it; absent: whoever has the words, or a version that knew of no devices. */
  readonly by?: Uint8Array;
  /** How long a silent operator is still waited for; null or absent: he is waited for until the session expires, or not at all. */
  readonly waiting?: WaitingTime | null;
  /**
   * Of a ceremony that waits for its time whatever its operator says: whether he is asked besides, and has agreed. Absent: his
   * yes is enough, and his silence for that time is a yes.
   */
  readonly operator?: 'asked' | 'agreed' | 'not-asked';
}

/** A session as it is stored: what its row shows, what its seal hides. */
export interface StoredSession {
  readonly row: SessionRow;
  readonly state: SessionState;
  readonly record: SessionRecord;
  /** Why its secrets do not open, when they do not: it can be ended, and does not go on. */
  readonly fault?: CkmError;
}

/** A session to go on with. Its secrets are sealed under a key that ends with it (`vault/epoch-keys.ts`). */
export function openSession(
  context: Pick<ServerContext, 'vault' | 'epochKeys'>,
  row: SessionRow,
): StoredSession {
  const stored = openRecord<SessionRecord>(context.vault, 'sessions', row);
  const shown = shownOf(row, stored);
  const { secrets } = stored;
  if (secrets === null) return shown;
  try {
    return { ...shown, record: { ...shown.record, secrets: openSecrets(context, row, secrets) } };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { ...shown, fault: error };
  }
}

function openSecrets(
  { epochKeys }: Pick<ServerContext, 'epochKeys'>,
  row: SessionRow,
  sealed: Uint8Array,
): Uint8Array {
  const own = epochKeys.find(row);
  try {
    return own.openFile(SECRETS, sealed);
  } finally {
    own.wipe();
  }
}

/** What the secrets of a session are sealed as, inside its row; the seal of the row binds them to it. */
const SECRETS = 'session-secrets';

/** A session to look at: without its secrets. */
export function openSessionToShow({ vault }: Pick<ServerContext, 'vault'>, row: SessionRow): StoredSession {
  return shownOf(row, openRecord<SessionRecord>(vault, 'sessions', row));
}

function shownOf(row: SessionRow, record: SessionRecord): StoredSession {
  return { row, state: parseSessionState(row.state), record: { ...record, secrets: null } };
}

/** @throws StorageError `EPOCH_KEY_MISSING`, `FILE_TAMPERED` for a session whose secrets do not open */
export function assertOpens({ fault }: StoredSession): void {
  if (fault !== undefined) throw fault;
}

/** The row of a session after a change: one version on, secrets dropped once it is over. */
export function sealSession(
  context: ServerContext,
  session: Omit<StoredSession, 'row'> & { readonly row: Omit<SessionRow, 'sealed'> },
): SessionRow {
  const { sealed: _sealed, ...columns } = { sealed: null, ...session.row };
  const over = isOver(session.state);
  const secrets = over ? null : sealSecrets(context, session);
  const record = { ...session.record, secrets };
  return sealRecord(context.vault, 'sessions', { ...columns, state: session.state, open: !over }, record);
}

function sealSecrets(
  { epochKeys }: ServerContext,
  { row, record: { secrets } }: { readonly row: SessionName; readonly record: SessionRecord },
): Uint8Array | null {
  if (secrets === null) return null;
  const own = epochKeys.create(row);
  try {
    return own.sealFile(SECRETS, secrets);
  } finally {
    own.wipe();
  }
}

type SessionName = Pick<SessionRow, 'owner' | 'sessionId'>;

/** The packets of one round, own ones included; by sender, then receiver. */
export async function readRound(
  context: ServerContext,
  reader: Reader,
  { owner, sessionId }: SessionName,
  round: number,
): Promise<readonly Packet[]> {
  const rows = await reader.packets.list(owner, sessionId, round);
  return rows.map((row) => openPacket(context, row));
}

/** One packet that was kept, or null. */
export async function readPacket(
  context: ServerContext,
  reader: Reader,
  { owner, sessionId }: SessionName,
  { round, from, to }: PacketPosition,
): Promise<Packet | null> {
  const row = await reader.packets.find(owner, sessionId, { round, sender: from, receiver: to });
  return row === null ? null : openPacket(context, row);
}

function openPacket(context: ServerContext, row: PacketRow): Packet {
  return parsePacket(openRecord<{ bytes: Uint8Array }>(context.vault, 'session_packets', row).bytes);
}

export function sealPacket(
  context: ServerContext,
  { owner, sessionId }: SessionName,
  packet: Packet,
): PacketRow {
  const { round, from: sender, to: receiver } = packet;
  const columns = { owner, sessionId, round, sender, receiver };
  return sealRecord(context.vault, 'session_packets', columns, { bytes: packet.bytes });
}
