import { concatBytes, EncodingError, equalBytes } from '@ckm/foundation';
import { decodeData, encodeData, type Identity, signBytes, verifyBytes } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, bytesUpTo, identifier } from './fields.js';

/** A packet may not be longer than this. */
export const MAX_PACKET_BYTES = 65_536;

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
  /** 0: everyone. */
  to: z.int().min(0).max(65_535),
  /** {@link previousHash} of the round before: an echo, so that whoever tells two stories is found one round later. */
  previous: bytesOf(32),
  payload: bytesUpTo(60_000),
});
export type PacketBody = Omit<z.infer<typeof body>, 'version'>;

/** A packet as it travels: its fields, its own bytes and the signature over them. Not verified by itself. */
export interface Packet extends PacketBody {
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
  /** What the signature covers. */
  readonly signed: Uint8Array;
}

const outer = z.strictObject({ body: bytesUpTo(MAX_PACKET_BYTES), signature: bytesOf(64) });
const PURPOSE = 'ckm/packet/v1';

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
  const wrapper = outer.safeParse(decodeData(bytes));
  if (!wrapper.success) throw malformed('its wrapper is not of its form');
  const { body: signed, signature } = wrapper.data;
  const parsed = body.safeParse(decodeData(signed));
  if (!parsed.success) throw malformed('its body is not of its form');
  const { version: _version, ...fields } = parsed.data;
  return { ...fields, signature, bytes, signed };
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

/** Whether two packets of one sender and round are the same statement. */
export function samePacket(a: Packet, b: Packet): boolean {
  return equalBytes(a.signed, b.signed);
}

/**
 * Hash over all packets of one round, in slot order; 32 zero bytes stand for "no round before".
 * Source: protocols note §0.1 (Goldwasser–Lindell echo broadcast over store-and-forward).
 */
export function previousHash(packets: readonly Packet[]): Uint8Array {
  if (packets.length === 0) return new Uint8Array(32);
  const inOrder = packets.toSorted((a, b) => a.from - b.from);
  return taggedHash('CKM/packet/previous/v1', ...inOrder.map(({ signed }) => concatBytes(signed)));
}

function malformed(why: string): EncodingError {
  return new EncodingError(`a packet cannot be read: ${why}`, {
    code: 'PACKET_INVALID',
    hint: 'fetch the packet again from the server that sent it',
  });
}
