import {
  type Packet,
  parsePacket,
  previousHash,
  runIdOf,
  samePacket,
  type SessionView,
  verifyPacket,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { dkgProtocol } from '@ckm/threshold';
import type { KeySession } from '../sessions/session-record.js';
import type { Participant } from '../servers/ask-all.js';
import { serverFault } from '../servers/faults.js';

/** Rounds whose packets the courier carries: commit, share, certify. */
export const ROUNDS = 3;

/** All packets of a run known so far: by round, then by slot. */
export type PacketBoard = readonly (readonly (Packet | null)[])[];

/** Two packets of one server for one round, both signed. */
export interface Equivocation {
  readonly participant: Participant;
  readonly round: number;
  readonly packets: readonly [Uint8Array, Uint8Array];
}

function emptyBoard(size: number): PacketBoard {
  return Array.from({ length: ROUNDS }, () => Array.from({ length: size }, () => null));
}

/** The board that a stored session holds; its packets were checked before they were stored. */
export function boardOf({ packets, servers }: KeySession): PacketBoard {
  return emptyBoard(servers.length).map((row, round) =>
    row.map((_, i) => {
      const bytes = packets[round]?.[i] ?? null;
      return bytes === null ? null : parsePacket(bytes);
    }),
  );
}

export function isRoundComplete(board: PacketBoard, round: number): boolean {
  return board[round]?.every((packet) => packet !== null) ?? false;
}

export function packetsOf(board: PacketBoard, round: number): readonly Packet[] {
  return board[round]?.filter((packet) => packet !== null) ?? [];
}

/**
 * Takes a server's own packets out of its view of the session, each checked: signed by its pinned identity, of this
 * session, round and slot, and said after hearing what everybody else heard.
 * @throws PeerFaultError `FAULT_PACKET_INVALID`
 */
export function takePackets(
  session: KeySession,
  board: PacketBoard,
  participant: Participant,
  view: SessionView,
): { board: PacketBoard; equivocation: Equivocation | null } {
  const next = board.map((row) => [...row]);
  let equivocation: Equivocation | null = null;
  view.outbox.slice(0, ROUNDS).forEach((bytes, round) => {
    const packet = readOwn(session, participant, bytes, round);
    const before = next[round]![participant.slot - 1] ?? null;
    if (before !== null && !samePacket(before, packet)) {
      equivocation ??= { participant, round, packets: [before.bytes, packet.bytes] };
    } else if (before === null) next[round]![participant.slot - 1] = packet;
    if (round > 0 && isRoundComplete(next, round - 1))
      assertEcho(participant, packet, packetsOf(next, round - 1));
  });
  return { board: next, equivocation };
}

function readOwn(session: KeySession, participant: Participant, bytes: Uint8Array, round: number): Packet {
  const { server, slot } = participant;
  let packet: Packet;
  try {
    packet = parsePacket(bytes);
  } catch {
    throw invalid(participant, 'a packet that cannot be read');
  }
  const isItsOwn =
    packet.protocol === dkgProtocol.id &&
    packet.epoch === 0 &&
    packet.from === slot &&
    packet.to === 0 &&
    packet.round === round &&
    session.parameters !== null &&
    equalBytes(packet.sessionId, runIdOf(session.sessionId, session.parameters)) &&
    equalBytes(packet.keyId, session.proposal.keyId);
  if (!isItsOwn) throw invalid(participant, 'a packet of another session, round or sender');
  if (!verifyPacket(packet, server.publicKeys.signing.bytes)) {
    throw invalid(participant, 'a packet that it did not sign');
  }
  return packet;
}

function assertEcho(participant: Participant, packet: Packet, before: readonly Packet[]): void {
  if (equalBytes(packet.previous, previousHash(before))) return;
  throw invalid(participant, 'a packet that answers something nobody said');
}

function invalid(participant: Participant, what: string) {
  return serverFault('FAULT_PACKET_INVALID', [participant], `sent ${what}`);
}
