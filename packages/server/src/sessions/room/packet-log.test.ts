import {
  parsePacket,
  previousHash,
  sealPayload,
  signPacket,
  verifyPacket,
  type Packet,
  type PacketBody,
  allSpeak,
  EVERYONE,
} from '@ckm/api';
import { decodeData, encodeData, type Data } from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import { missingFrom, payloadOf, sendersWithOtherEcho, sortPackets, type PacketScope } from './packet-log.js';
import { testPerson } from '../test/bare-server.js';

const people = [1, 2, 3].map(testPerson);
const id = (byte: number) => new Uint8Array(32).fill(byte);
const scope: PacketScope = {
  protocol: 'ckm/dkg/v1',
  keyId: id(1),
  sessionId: id(2),
  seats: {
    identityKeys: people.map(({ publicKeys }) => publicKeys.signing.bytes),
    sealingKeys: people.map(({ publicKeys }) => publicKeys.agreement),
    ownSlot: 1,
    epoch: 0,
    speeches: [
      ...allSpeak([1, 2, 3], 2),
      [
        { from: [2], to: EVERYONE },
        { from: [2, 3], to: [1, 2, 3] },
      ],
    ],
  },
  lastRound: 2,
};

function said(slot: number, change: Partial<PacketBody> = {}, by = slot): Uint8Array {
  const body: PacketBody = {
    protocol: scope.protocol,
    keyId: scope.keyId,
    epoch: 0,
    sessionId: scope.sessionId,
    round: 0,
    from: slot,
    to: 0,
    previous: new Uint8Array(32),
    payload: Uint8Array.of(slot),
    ...change,
  };
  return signPacket(people[by - 1]!, body);
}

const sort = (delivered: readonly Uint8Array[], known: readonly Packet[] = []) =>
  sortPackets(scope, known, delivered);
const nothing = { fresh: [], contradicting: [], otherVersion: [] };

/** The packet with one field of its signed body changed, its signature as it was. */
function altered(bytes: Uint8Array, change: Readonly<Record<string, Data>>): Uint8Array {
  const { body, signature } = decodeData(bytes) as { body: Uint8Array; signature: Uint8Array };
  const fields = decodeData(body) as { readonly [field: string]: Data };
  return encodeData({ body: encodeData({ ...fields, ...change }), signature });
}

describe('what a courier delivers', () => {
  test('packets of other parties are kept, the same one twice is one', () => {
    const sorted = sort([said(2), said(3), said(2)]);
    expect(sorted.fresh.map(({ from }) => from)).toEqual([2, 3]);
    expect(sorted.ignored).toBe(1);
    expect(sort([said(2)], sorted.fresh)).toEqual({ ...nothing, ignored: 1 });
  });

  test.each([
    ['the round', { round: 1 }],
    ['the sender', { from: 3 }],
    ['the protocol', { protocol: 'ckm/dkg/v2' }],
    ['the key', { keyId: id(9) }],
    ['the session', { sessionId: id(9) }],
    ['the epoch', { epoch: 1 }],
    ['the recipient', { to: 1 }],
    ['the echo', { previous: id(9) }],
    ['the payload', { payload: Uint8Array.of(9) }],
  ])('V17: a signed packet with %s changed is ignored and blames nobody', (_, change) => {
    expect(sort([altered(said(2), change)])).toEqual({ ...nothing, ignored: 1 });
  });

  test('V18: a packet that names another sender than its signer is ignored', () => {
    expect(sort([said(2, {}, 3), said(3, {}, 2)])).toEqual({ ...nothing, ignored: 2 });
  });

  test.each([
    ['session', { sessionId: id(9) }],
    ['key', { keyId: id(9) }],
    ['epoch', { epoch: 1 }],
    ['recipient', { to: 2 }],
  ])('V19: a packet its sender signed for another %s is ignored', (_, change) => {
    expect(sort([said(2, change)])).toEqual({ ...nothing, ignored: 1 });
  });

  test('V19: a packet of a round that does not exist is ignored', () => {
    expect(sort([said(2, { round: 3 }), said(2, { round: 255 })])).toEqual({ ...nothing, ignored: 2 });
  });

  test('V20: a server that speaks another version of the protocol is told apart at its first packet', () => {
    expect(sort([said(2, { protocol: 'ckm/dkg/v2' })]).otherVersion).toEqual([2]);
  });

  test('a server that says two things in one round has signed both: evidence', () => {
    const [first, second] = [said(2), said(2, { payload: Uint8Array.of(7) })];
    const convicted = [{ earlier: parsePacket(first), packet: parsePacket(second) }];
    expect(sort([first, second]).contradicting).toEqual(convicted);
    expect(sort([second], [parsePacket(first)]).contradicting).toEqual(convicted);
  });

  test('a packet from a slot that does not exist is ignored', () => {
    expect(sort([said(2, { from: 4 }), said(2, { from: 65_535 })])).toEqual({ ...nothing, ignored: 2 });
  });

  test('garbage of every kind is ignored', () => {
    const packet = said(2);
    const garbage = [
      new Uint8Array(0),
      new Uint8Array(65_536),
      packet.subarray(1),
      packet.subarray(0, packet.length - 1),
      encodeData({ body: new Uint8Array(0), signature: new Uint8Array(64) }),
      encodeData([1, 2, 3]),
      Uint8Array.from({ length: 500 }, (_, i) => (i * 131) & 0xff),
    ];
    expect(sort(garbage)).toEqual({ ...nothing, ignored: garbage.length });
  });

  test('every truncation and every flipped bit of a packet is ignored or is that packet', () => {
    const packet = said(2);
    for (let at = 0; at < packet.length; at++) {
      const bent = packet.slice();
      bent[at]! ^= 1 << (at % 8);
      expect(sort([bent, packet.subarray(0, at)]).fresh).toEqual([]);
    }
  });
});

describe('the echo', () => {
  const round0 = [1, 2, 3].map((slot) => parsePacket(said(slot)));
  const heard = previousHash(round0);

  test('a sender who heard another round before is found, before anything depends on it', () => {
    const round1 = [said(2, { round: 1, previous: heard }), said(3, { round: 1, previous: id(7) })];
    expect(sendersWithOtherEcho(scope.seats, round1.map(parsePacket), round0, 1)).toEqual([3]);
  });

  test('what is missing is counted by round', () => {
    const packets = [...round0, parsePacket(said(2, { round: 1, previous: heard }))];
    expect(missingFrom(scope.seats, packets, 0, [2, 3])).toEqual([]);
    expect(missingFrom(scope.seats, packets, 1, [2, 3])).toEqual([3]);
  });
});

describe('packets with a receiver', () => {
  const header = (from: number, to: number, change: Partial<PacketBody> = {}) => ({
    protocol: scope.protocol,
    keyId: scope.keyId,
    epoch: 0,
    sessionId: scope.sessionId,
    round: 2,
    from,
    to,
    ...change,
  });
  const sealed = (from: number, to: number, payload: Uint8Array, as = to) =>
    sealPayload(people[from - 1]!, scope.seats.sealingKeys[as - 1]!, header(from, to), payload);
  const told = (from: number, to: number, payload: Uint8Array, as = to) =>
    said(from, { round: 2, to, payload: sealed(from, to, payload, as) });
  const secretly = Uint8Array.of(4, 2);

  test('are kept by their receiver, who alone can open them', () => {
    const [packet] = sort([told(2, 1, secretly)]).fresh;
    expect(payloadOf(people[0]!, packet!)).toEqual(secretly);
    expect(payloadOf(people[2]!, packet!)).toBeNull();
  });

  test('for somebody else are ignored, also when their place is one where somebody speaks', () => {
    expect(sort([told(2, 3, secretly)])).toEqual({ ...nothing, ignored: 1 });
  });

  test('are places of their own beside what everyone was told', () => {
    expect(sort([told(2, 1, secretly), said(2, { round: 2 })]).fresh.map(({ to }) => to)).toEqual([1, 0]);
  });

  test('V17: of which two with different bytes have one round, sender and receiver, convict their sender', () => {
    const [first, second] = [told(2, 1, secretly), told(2, 1, Uint8Array.of(9))];
    const { contradicting } = sort([first, second]);
    expect(contradicting).toEqual([{ earlier: parsePacket(first), packet: parsePacket(second) }]);
    expect(contradicting.every(({ packet }) => verifyPacket(packet, scope.seats.identityKeys[1]!))).toBe(
      true,
    );
  });

  test('said again after a crash have the same bytes, so that an honest server never convicts itself', () => {
    expect(told(2, 1, secretly)).toEqual(told(2, 1, secretly));
    expect(sort([told(2, 1, secretly)], [parsePacket(told(2, 1, secretly))])).toEqual({
      ...nothing,
      ignored: 1,
    });
  });

  test('from a slot that the room lets say nothing in that round are ignored', () => {
    const early = said(2, { round: 1, to: 1, payload: sealed(2, 1, secretly) });
    expect(sort([early, said(3, { round: 2 })])).toEqual({ ...nothing, ignored: 2 });
  });

  test.each([
    ['another round', { round: 1 }],
    ['another sender', { from: 3 }],
    ['another receiver', { to: 3 }],
    ['another session', { sessionId: id(9) }],
    ['another key', { keyId: id(9) }],
    ['another epoch', { epoch: 1 }],
    ['another protocol', { protocol: 'ckm/dkg/v2' }],
  ])(
    'sealed under %s cannot be opened: a seal put into another packet tells nobody anything',
    (_, change) => {
      const moved = sealPayload(people[1]!, scope.seats.sealingKeys[0]!, header(2, 1, change), secretly);
      const packet = parsePacket(said(2, { round: 2, to: 1, payload: moved }));
      expect(payloadOf(people[0]!, packet)).toBeNull();
    },
  );

  test('sealed to another server than they name cannot be opened, nor can any truncation or flipped bit', () => {
    expect(payloadOf(people[0]!, parsePacket(told(2, 1, secretly, 3)))).toBeNull();
    const whole = sealed(2, 1, secretly);
    for (let at = 0; at < whole.length; at++) {
      const bent = whole.slice();
      bent[at]! ^= 1;
      for (const payload of [bent, whole.subarray(0, at)]) {
        const packet = parsePacket(said(2, { round: 2, to: 1, payload }));
        expect(payloadOf(people[0]!, packet)).toBeNull();
      }
    }
  });

  test('are left out of the echo: who was told something alone is no reason to suspect anybody', () => {
    const all = [told(2, 1, secretly), said(2, { round: 2 })].map(parsePacket);
    expect(previousHash(all)).toEqual(previousHash(all.slice(1)));
  });

  test('are missing until a slot has said all it says to us, to everyone and to us alone', () => {
    const [toAll, toUs] = [said(2, { round: 2 }), told(2, 1, secretly)].map(parsePacket);
    expect(missingFrom(scope.seats, [toAll!], 2, [2, 3])).toEqual([2, 3]);
    expect(missingFrom(scope.seats, [toAll!, toUs!], 2, [2, 3])).toEqual([3]);
  });

  test('to a key of small order are not sealed at all', () => {
    expect(() => sealPayload(people[1]!, new Uint8Array(32), header(2, 1), secretly)).toThrow(
      expect.objectContaining({ code: 'SEALING_KEY_INVALID' }),
    );
  });
});
