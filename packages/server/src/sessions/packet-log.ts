import { parsePacket, previousHash, samePacket, verifyPacket, type Packet } from '@ckm/api';
import { EncodingError, equalBytes } from '@ckm/foundation';

/** What a server knows of a session when packets arrive; everything that a packet's header must agree with. */
export interface PacketScope {
  readonly protocol: string;
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** As packets name it: `runIdOf`. */
  readonly sessionId: Uint8Array;
  /** Identity keys in slot order; slot 1 first. */
  readonly identityKeys: readonly Uint8Array[];
  readonly ownSlot: number;
  readonly lastRound: number;
}

/** Two statements of one sender for one round, each with its signature: anyone can check them. */
export interface Contradiction {
  readonly sender: number;
  readonly round: number;
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

/** What delivered packets come to. */
export interface Sorted {
  /** Seen for the first time, to be kept. */
  readonly fresh: readonly Packet[];
  readonly contradictions: readonly Contradiction[];
  /** Slots whose servers run another version of the protocol. */
  readonly otherVersion: readonly number[];
  /** How many were not for this session, not authentic, not readable or known already. */
  readonly ignored: number;
}

/**
 * Sorts what a courier brings. Nothing in it is believed before its signature: a packet that cannot be read, is not
 * signed by the slot it names, or belongs to another key, epoch, session or recipient is ignored and blames nobody,
 * because the courier may have made it. What is signed and contradicts a packet already known is evidence.
 */
export function sortPackets(
  scope: PacketScope,
  packets: readonly Packet[],
  delivered: readonly Uint8Array[],
): Sorted {
  const seen = new Map<string, Packet>(packets.map((packet) => [place(packet), packet]));
  const fresh: Packet[] = [];
  const contradictions: Contradiction[] = [];
  const otherVersion = new Set<number>();
  let ignored = 0;
  for (const bytes of delivered) {
    const packet = addressed(scope, bytes);
    const earlier = packet === null ? undefined : seen.get(place(packet));
    // The very bytes that were checked before need no second check.
    const known = earlier !== undefined && equalBytes(earlier.bytes, bytes);
    if (packet === null || known || !isAuthentic(scope, packet)) ignored++;
    else if (packet.protocol !== scope.protocol) otherVersion.add(packet.from);
    else if (packet.round > scope.lastRound) ignored++;
    else if (earlier === undefined) {
      seen.set(place(packet), packet);
      fresh.push(packet);
    } else if (samePacket(earlier, packet)) ignored++;
    else contradictions.push(contradiction(earlier, packet));
  }
  return { fresh, contradictions, otherVersion: [...otherVersion].sort((a, b) => a - b), ignored };
}

/**
 * Slots whose packets of `round` were said after hearing another round before than we did. Either the courier told
 * two stories or one of the senders did: nobody can be blamed, and the session ends before anything secret depends on it.
 */
export function sendersOfAnotherStory(packets: readonly Packet[], round: number): readonly number[] {
  const expected = previousHash(packets.filter((packet) => packet.round === round - 1));
  return packets
    .filter((packet) => packet.round === round && !equalBytes(packet.previous, expected))
    .map(({ from }) => from)
    .sort((a, b) => a - b);
}

/** The slots among `awaited` that have not been heard in `round`. */
export function missingFrom(
  packets: readonly Packet[],
  round: number,
  awaited: readonly number[],
): readonly number[] {
  return awaited.filter((slot) => !packets.some((packet) => packet.round === round && packet.from === slot));
}

/** A packet that says it belongs to this session and is for everybody, or null. */
function addressed(scope: PacketScope, bytes: Uint8Array): Packet | null {
  const packet = readable(bytes);
  if (packet === null || packet.to !== 0 || packet.epoch !== scope.epoch) return null;
  const ours = equalBytes(packet.sessionId, scope.sessionId) && equalBytes(packet.keyId, scope.keyId);
  return ours ? packet : null;
}

/** Whether the slot that a packet names has signed it: the only sender there is. */
function isAuthentic(scope: PacketScope, packet: Packet): boolean {
  const identityKey = scope.identityKeys[packet.from - 1];
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

function place(packet: Packet): string {
  return `${packet.round}/${packet.from}`;
}

function contradiction(first: Packet, second: Packet): Contradiction {
  return { sender: first.from, round: first.round, first: first.bytes, second: second.bytes };
}
