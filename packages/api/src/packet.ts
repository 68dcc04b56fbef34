import { EncodingError, equalBytes } from '@ckm/foundation';
import { decodeData, encodeData, type Identity, signBytes, verifyBytes } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, bytesUpTo, identifier } from './fields/fields.js';

/** What one packet says may not be longer than this, before it is sealed to its receiver. A room may allow less. */
export const MAX_PACKET_PAYLOAD_BYTES = 262_144;
/** A packet may not be longer than this: its payload with header, seal and signature. */
export const MAX_PACKET_BYTES = MAX_PACKET_PAYLOAD_BYTES + 1_024;
/** What sealing to one receiver adds to a payload: an X25519 key and a tag. */
export const PACKET_SEAL_BYTES = 48;

/** What one server says to the others in one round of one session, before it is signed. */
const body = z.strictObject({
  version: z.literal(1),
  protocol: z.string().min(1).max(64),
  keyId: identifier,
  epoch: z.int().min(0).max(0xffff_ffff),
  /** {@link runIdOf} the session, not its bare id. */
  sessionId: identifier,
  round: z.int().min(0).max(255),
  from: z.int().min(1).max(65_535),
  /** 0: everyone; else the one slot that the payload is sealed to. */
  to: z.int().min(0).max(65_535),
  /** {@link previousHash} of the round before: an echo, so that whoever says two things is found one round later. */
  previous: bytesOf(32),
  payload: bytesUpTo(MAX_PACKET_PAYLOAD_BYTES + PACKET_SEAL_BYTES),
});
export type PacketBody = Omit<z.infer<typeof body>, 'version'>;

/** A packet as it travels: its fields, its own bytes and the signature over them. Not verified by itself. */
export interface Packet extends PacketBody {
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
  /** What the signature covers. */
  readonly signed: Uint8Array;
  /** 32 bytes that stand for what was signed. */
  readonly digest: Uint8Array;
}

/** Where in a session a packet belongs: each sender says one thing there, or convicts itself. */
export type PacketPosition = Pick<PacketBody, 'round' | 'from' | 'to'>;

const outer = z.strictObject({ body: bytesUpTo(MAX_PACKET_BYTES), signature: bytesOf(64) });
const PURPOSE = 'ckm/packet/v1';
/** What is longer or holds more is no packet, and is not read. */
const LIMITS = { maxBytes: MAX_PACKET_BYTES, maxDepth: 2, maxItems: 32 } as const;

/**
 * What packets name as their session: its id together with the parameters that its servers joined with. Those hold a
 * static key that each server made for this one run, so that an honest server never signs two packets for one place,
 * even for a courier who opens one session id twice, under two accounts say. Only therefore do two such packets convict.
 */
export function runIdOf(sessionId: Uint8Array, parameters: Uint8Array): Uint8Array {
  return taggedHash('CKM/packet/run/v1', sessionId, parameters);
}

/** Signs a packet with the identity of the server that says it. */
export function signPacket(identity: Identity, packet: PacketBody): Uint8Array {
  const signed = encodeData({ version: 1, ...packet });
  return encodeData({ body: signed, signature: signBytes(identity, PURPOSE, signed) });
}

/** @throws EncodingError `PACKET_INVALID` for anything that {@link signPacket} would not have written. */
export function parsePacket(bytes: Uint8Array): Packet {
  if (bytes.length > MAX_PACKET_BYTES) throw malformed('it is too long');
  const wrapper = outer.safeParse(decodeData(bytes, LIMITS));
  if (!wrapper.success) throw malformed('its wrapper is not of its form');
  const { body: signed, signature } = wrapper.data;
  const parsed = body.safeParse(decodeData(signed, LIMITS));
  if (!parsed.success) throw malformed('its body is not of its form');
  const { version: _version, ...fields } = parsed.data;
  return { ...fields, signature, bytes, signed, digest: taggedHash('CKM/packet/digest/v1', signed) };
}

/** Whether the holder of `identityKey` (32 bytes, Ed25519) said this packet. */
export function verifyPacket(packet: Packet, identityKey: Uint8Array): boolean {
  return verifyBytes(
    { signing: { scheme: 'ed25519', bytes: identityKey } },
    PURPOSE,
    packet.signed,
    packet.signature,
  );
}

/** Whether two packets of one place are the same statement: two valid signatures over one are not two. */
export function samePacket(a: Pick<Packet, 'digest'>, b: Pick<Packet, 'digest'>): boolean {
  return equalBytes(a.digest, b.digest);
}

/**
 * Hash over what everybody was told in one round, by digest and in slot order; 32 zero bytes stand for "nothing was".
 * Packets with a receiver are left out: only two servers know them, so that an echo of them would differ among honest
 * servers, and nobody may be suspected for that.
 * Source: Goldwasser–Lindell echo broadcast over store-and-forward.
 */
export function previousHash(packets: readonly Pick<Packet, 'from' | 'to' | 'digest'>[]): Uint8Array {
  const told = packets.filter(({ to }) => to === 0);
  if (told.length === 0) return new Uint8Array(32);
  const inOrder = told.toSorted((a, b) => a.from - b.from);
  return taggedHash('CKM/packet/previous/v1', ...inOrder.map(({ digest }) => digest));
}

function malformed(why: string): EncodingError {
  return new EncodingError(`a packet cannot be read: ${why}`, {
    code: 'PACKET_INVALID',
    hint: 'fetch the packet again from the server that sent it',
  });
}
