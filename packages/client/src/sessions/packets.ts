import {
  isPlanned,
  MAX_PACKETS,
  OUTBOX_PAGE_BYTES,
  type Packet,
  type PacketPosition,
  parsePacket,
  previousHash,
  runIdOf,
  samePacket,
  tellers,
  toldBefore,
  verifyPacket,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Participant } from '../servers/ask-all.js';
import { serverFault } from '../servers/faults.js';
import type { Ceremony, Plan } from './ceremony.js';
import type { SessionRecord } from './session-record.js';

/** All packets of a session known so far, by their places. */
export type PacketBoard = ReadonlyMap<string, Packet>;

/** Two packets of one server for one place, both signed. */
export interface Equivocation {
  readonly participant: Participant;
  readonly round: number;
  readonly packets: readonly [Uint8Array, Uint8Array];
}

/** What a packet of a session has to agree with. */
export interface PacketScope {
  readonly ceremony: Pick<Ceremony, 'protocol'>;
  readonly session: Pick<SessionRecord, 'sessionId' | 'proposal' | 'parameters'>;
  readonly plan: Plan;
  readonly participants: readonly Participant[];
}

/** The board that a stored session holds; its packets were checked before they were stored. */
export function boardOf({ packets }: Pick<SessionRecord, 'packets'>): PacketBoard {
  return new Map(packets.map(parsePacket).map((packet) => [positionOf(packet), packet]));
}

/** In the order of rounds, then of who says it to whom. */
export function packetsOf(board: PacketBoard, round?: number): readonly Packet[] {
  return [...board.values()]
    .filter((packet) => round === undefined || packet.round === round)
    .sort((a, b) => a.round - b.round || a.from - b.from || a.to - b.to);
}

/** The places of a round in which a slot has not been heard. */
export function owed({ speeches }: Plan, board: PacketBoard, round: number, slot: number): number {
  const receivers = speeches[round]?.flatMap(({ from, to }) => (from.includes(slot) ? to : [])) ?? [];
  return receivers.filter((to) => to !== slot && !board.has(positionOf({ round, from: slot, to }))).length;
}

/** How many packets a slot has to say in all rounds; its own copies count too. */
export function placesOf({ speeches }: Plan, slot: number): number {
  return speeches.flat().reduce((sum, { from, to }) => sum + (from.includes(slot) ? to.length : 0), 0);
}

export function isRoundComplete(plan: Plan, board: PacketBoard, round: number): boolean {
  const speakers = plan.speeches[round]?.flatMap(({ from }) => from) ?? [];
  return speakers.every((slot) => owed(plan, board, round, slot) === 0);
}

/** Whether everybody has said everything. */
export function isAllSaid(plan: Plan, board: PacketBoard): boolean {
  return plan.speeches.every((_, round) => isRoundComplete(plan, board, round));
}

/** Whether a slot has said everything. */
export function hasSaidAll(plan: Plan, board: PacketBoard, slot: number): boolean {
  return plan.speeches.every((_, round) => owed(plan, board, round, slot) === 0);
}

/**
 * Takes a server's own packets, each checked: signed by its pinned identity, of this session, in a place that is its to
 * speak in, and said after hearing what everybody else heard.
 * @throws PeerFaultError `FAULT_PACKET_INVALID`
 */
export function takePackets(
  scope: PacketScope,
  board: PacketBoard,
  participant: Participant,
  outbox: readonly Uint8Array[],
): { board: PacketBoard; equivocation: Equivocation | null } {
  const { plan } = scope;
  const next = new Map(board);
  let equivocation: Equivocation | null = null;
  for (const bytes of outbox) {
    const packet = readOwn(scope, participant, bytes);
    // Servers speak in order: one that is ahead of itself would be waited for in vain.
    const isAhead = plan.speeches
      .slice(0, packet.round)
      .some((_, round) => owed(plan, next, round, participant.slot) > 0);
    if (isAhead) throw invalid(participant, 'a packet of another session, round or sender');
    const before = next.get(positionOf(packet));
    if (before === undefined) next.set(positionOf(packet), packet);
    else if (!samePacket(before, packet))
      equivocation ??= { participant, round: packet.round, packets: [before.bytes, packet.bytes] };
  }
  assertEchoes(scope, next);
  return { board: next, equivocation };
}

function readOwn(scope: PacketScope, participant: Participant, bytes: Uint8Array): Packet {
  const { ceremony, session, plan } = scope;
  let packet: Packet;
  try {
    packet = parsePacket(bytes);
  } catch {
    throw invalid(participant, 'a packet that cannot be read');
  }
  const isItsOwn =
    packet.protocol === ceremony.protocol &&
    packet.epoch === plan.epoch &&
    packet.from === participant.slot &&
    isPlanned(plan, packet) &&
    session.parameters !== null &&
    equalBytes(packet.sessionId, runIdOf(session.sessionId, session.parameters)) &&
    equalBytes(packet.keyId, session.proposal.keyId);
  if (!isItsOwn) throw invalid(participant, 'a packet of another session, round or sender');
  if (!verifyPacket(packet, participant.server.publicKeys.signing.bytes)) {
    throw invalid(participant, 'a packet that it did not sign');
  }
  return packet;
}

/** Also of packets that came before all others of the round they echo: they are judged when these are there. */
function assertEchoes({ plan, participants }: PacketScope, board: PacketBoard): void {
  const packets = packetsOf(board);
  plan.speeches.forEach((_, round) => {
    const echoed = toldBefore(plan, round);
    const told = packets.filter((packet) => packet.round === echoed && packet.to === 0);
    if (echoed !== null && told.length < tellers(plan, echoed).length) return;
    const expected = previousHash(told);
    const wrong = packets.find((packet) => packet.round === round && !equalBytes(packet.previous, expected));
    if (wrong === undefined) return;
    const sender = participants.find(({ slot }) => slot === wrong.from)!;
    throw invalid(sender, 'a packet that answers something nobody said');
  });
}

/** What concerns a slot, of that which others have said. */
export function packetsFor(board: PacketBoard, slot: number): readonly Packet[] {
  return packetsOf(board).filter(({ from, to }) => from !== slot && (to === 0 || to === slot));
}

/** In parts that fit into one message each; always one at least. */
export function inPages(packets: readonly Packet[]): readonly (readonly Packet[])[] {
  const pages: Packet[][] = [[]];
  let bytes = 0;
  for (const packet of packets) {
    const page = pages.at(-1)!;
    bytes += packet.bytes.length;
    if (page.length < MAX_PACKETS && (page.length === 0 || bytes <= OUTBOX_PAGE_BYTES)) page.push(packet);
    else {
      pages.push([packet]);
      bytes = packet.bytes.length;
    }
  }
  return pages;
}

function positionOf({ round, from, to }: PacketPosition): string {
  return `${round}/${from}/${to}`;
}

function invalid(participant: Participant, what: string) {
  return serverFault('FAULT_PACKET_INVALID', [participant], `sent ${what}`);
}
