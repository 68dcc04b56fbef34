import {
  openPayload,
  parsePacket,
  previousHash,
  samePacket,
  verifyPacket,
  type Packet,
  type PacketPosition,
  isPlanned,
  toldBefore,
} from '@ckm/api';
import { EncodingError, equalBytes } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { spokenToUs, type Seats } from './seats.js';

/** What a server knows of a session when packets arrive; everything that a packet's header must agree with. */
export interface PacketScope {
  readonly protocol: string;
  readonly keyId: Uint8Array;
  /** As packets name it: `runIdOf`. */
  readonly sessionId: Uint8Array;
  readonly seats: Seats;
  readonly lastRound: number;
}

/**
 * A packet that was kept, by its place and what it says. A session remembers these, so that it reads packets themselves
 * only to compute with them or to hand them out.
 */
export type Mark = PacketPosition & Pick<Packet, 'digest'>;

/** Two statements of one sender for one place, each with its signature: anyone can check them. */
export interface Contradiction {
  readonly sender: number;
  readonly round: number;
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

/** A packet that contradicts one that was kept. */
export interface Contradicting {
  readonly earlier: Mark;
  readonly packet: Packet;
}

/** What delivered packets come to. */
export interface Sorted {
  /** Seen for the first time, to be kept. */
  readonly fresh: readonly Packet[];
  readonly contradicting: readonly Contradicting[];
  /** Slots whose servers run another version of the protocol. */
  readonly otherVersion: readonly number[];
  /** How many were not for this session, not authentic, not readable or known already. */
  readonly ignored: number;
}

/**
 * Sorts what a courier brings. Nothing in it is believed before its signature: a packet that cannot be read, is not
 * signed by the slot it names, belongs to another key, epoch, session or receiver, or has a place where the room lets
 * nobody speak, is ignored and blames nobody. What is signed and contradicts a packet already known is evidence.
 *
 * An honest server never signs two packets for one place: a place belongs to one run (`runIdOf`), what it says follows
 * from the state that is stored before it speaks, and so does the seal around it (`sealPayload`).
 */
export function sortPackets(
  scope: PacketScope,
  known: readonly Mark[],
  delivered: readonly Uint8Array[],
): Sorted {
  const seen = new Map<string, Mark>(known.map((mark) => [nameOf(mark), mark]));
  const fresh: Packet[] = [];
  const contradicting: Contradicting[] = [];
  const otherVersion = new Set<number>();
  let ignored = 0;
  for (const bytes of delivered) {
    const packet = addressed(scope, bytes);
    const earlier = packet === null ? undefined : seen.get(nameOf(packet));
    // What was checked before needs no second check.
    const isKnown = packet !== null && earlier !== undefined && samePacket(earlier, packet);
    if (packet === null || isKnown || !isAuthentic(scope, packet)) ignored++;
    else if (packet.protocol !== scope.protocol) otherVersion.add(packet.from);
    else if (earlier !== undefined) contradicting.push({ earlier, packet });
    else if (isPlanned(scope.seats, packet)) {
      seen.set(nameOf(packet), packet);
      fresh.push(packet);
    } else ignored++;
  }
  return { fresh, contradicting, otherVersion: [...otherVersion].sort((a, b) => a - b), ignored };
}

/**
 * Slots whose packets of `round` were said after hearing something else than we did when everybody was told last. Either
 * the courier told two things or one of the senders did: nobody can be blamed, and the session ends before anything
 * secret depends on it.
 * @param packets of `round`
 */
export function sendersWithOtherEcho(
  seats: Seats,
  packets: readonly Packet[],
  known: readonly Mark[],
  round: number,
): readonly number[] {
  const echoed = toldBefore(seats, round);
  const expected = previousHash(known.filter((mark) => mark.round === echoed));
  const others = packets.filter((packet) => !equalBytes(packet.previous, expected));
  return [...new Set(others.map(({ from }) => from))].sort((a, b) => a - b);
}

/** The slots among `awaited` that have not said all they say to us in `round`. */
export function missingFrom(
  seats: Seats,
  known: readonly PacketPosition[],
  round: number,
  awaited: readonly number[],
): readonly number[] {
  const isKnown = (from: number, to: number) =>
    known.some((mark) => mark.round === round && mark.from === from && mark.to === to);
  return awaited.filter((from) => !spokenToUs(seats, round, from).every((to) => isKnown(from, to)));
}

/** What a packet says to us; null when it was sealed to us and cannot be opened. */
export function payloadOf(identity: Identity, packet: Packet): Uint8Array | null {
  return packet.to === 0 ? packet.payload : openPayload(identity, packet, packet.payload);
}

/** A packet that says it belongs to this session and concerns this server, or null. */
function addressed({ seats, lastRound, keyId, sessionId }: PacketScope, bytes: Uint8Array): Packet | null {
  const packet = readable(bytes);
  if (packet === null || packet.epoch !== seats.epoch || packet.round > lastRound) return null;
  const isForUs = packet.to === 0 || packet.to === seats.ownSlot || packet.from === seats.ownSlot;
  const isOurs = equalBytes(packet.sessionId, sessionId) && equalBytes(packet.keyId, keyId);
  return isForUs && isOurs ? packet : null;
}

/** Whether the slot that a packet names has signed it: the only sender there is. */
function isAuthentic({ seats }: PacketScope, packet: Packet): boolean {
  const identityKey = seats.identityKeys[packet.from - 1];
  return identityKey !== undefined && verifyPacket(packet, identityKey);
}

function readable(bytes: Uint8Array): Packet | null {
  try {
    return parsePacket(bytes);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

function nameOf({ round, from, to }: PacketPosition): string {
  return `${round}/${from}/${to}`;
}
