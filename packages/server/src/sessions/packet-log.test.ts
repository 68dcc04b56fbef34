import { parsePacket, previousHash, signPacket, type Packet, type PacketBody } from '@ckm/api';
import { decodeData, encodeData, type Data } from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import { missingFrom, sendersOfAnotherStory, sortPackets, type PacketScope } from './packet-log.js';
import { testPerson } from './test/bare-server.js';

const people = [1, 2, 3].map(testPerson);
const id = (byte: number) => new Uint8Array(32).fill(byte);
const scope: PacketScope = {
  protocol: 'ckm/dkg/v1',
  keyId: id(1),
  epoch: 0,
  sessionId: id(2),
  identityKeys: people.map(({ publicKeys }) => publicKeys.signing.bytes),
  ownSlot: 1,
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
const nothing = { fresh: [], contradictions: [], otherVersion: [] };

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
    expect(sort([first, second]).contradictions).toEqual([{ sender: 2, round: 0, first, second }]);
    expect(sort([second], [parsePacket(first)]).contradictions).toEqual([
      { sender: 2, round: 0, first, second },
    ]);
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
    expect(sendersOfAnotherStory([...round0, ...round1.map(parsePacket)], 1)).toEqual([3]);
  });

  test('what is missing is counted by round', () => {
    const packets = [...round0, parsePacket(said(2, { round: 1, previous: heard }))];
    expect(missingFrom(packets, 0, [2, 3])).toEqual([]);
    expect(missingFrom(packets, 1, [2, 3])).toEqual([3]);
  });
});
