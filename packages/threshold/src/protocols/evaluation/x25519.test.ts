import { createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { decodeHex, encodeHex } from '@ckm/foundation';
import { ED25519_TORSION_SUBGROUP, ed25519, x25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import { groupNamed } from '../../group/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { generatedKey, keyShare, subsets } from './fixtures/key.js';
import {
  combineAnswers,
  decodeX25519,
  encodeX25519,
  type Evaluation,
  evaluateShare,
  openPartial,
} from './index.js';

const group = groupNamed('ed25519');
const made = generatedKey('ed25519', { needed: 2, of: 3 });
const { key, shares } = made;
const slots = [...shares.keys()];
const publicKey = encodeX25519(group.decode(key.groupKey));
const P = 2n ** 255n - 19n;

/** DER of an X25519 public key around its 32 bytes (RFC 8410 §4). */
function nodeKey(raw: Uint8Array) {
  const prefix = decodeHex('302a300506032b656e032100');
  return createPublicKey({ key: Buffer.from([...prefix, ...raw]), format: 'der', type: 'spki' });
}

function rawOf(publicPart: ReturnType<typeof createPublicKey>): Uint8Array {
  return new Uint8Array(publicPart.export({ format: 'der', type: 'spki' }).subarray(12));
}

function openedBy(from: readonly PartyIndex[], ephemeral: Uint8Array): Uint8Array {
  const evaluation: Evaluation = { mode: 'open', points: [decodeX25519(ephemeral)] };
  const answers = from.map((slot) => ({
    slot,
    partial: evaluateShare(keyShare(made, slot), evaluation, bytesOf(`fresh ${slot}`)),
  }));
  return encodeX25519(combineAnswers(key, evaluation, answers).results![0]!);
}

function littleEndian(value: bigint): Uint8Array {
  return decodeHex(value.toString(16).padStart(64, '0')).reverse();
}

describe('a quorum opens what was sealed to its key as X25519 does', () => {
  test('RFC 7748: the same shared secret as the sender’s, by OpenSSL, for 20 senders and every quorum', () => {
    for (let sender = 0; sender < 20; sender++) {
      const { privateKey, publicKey: ephemeral } = generateKeyPairSync('x25519');
      const expected = encodeHex(
        new Uint8Array(diffieHellman({ privateKey, publicKey: nodeKey(publicKey) })),
      );
      for (const pair of subsets(slots, 2))
        expect(encodeHex(openedBy(pair, rawOf(ephemeral)))).toBe(expected);
    }
  });

  test('and by noble, and its public key is the one that libraries make of a point', () => {
    const secretKey = x25519.utils.randomSecretKey();
    const expected = x25519.getSharedSecret(secretKey, publicKey);
    expect(openedBy(slots.slice(0, 2), x25519.getPublicKey(secretKey))).toEqual(expected);
    expect(ed25519.utils.toMontgomery(key.groupKey)).toEqual(publicKey);
  });
});

describe('V60: an ephemeral key that no honest sender makes is refused', () => {
  /** u-coordinates of points whose order divides 8: RFC 7748 §6.1 and its references. */
  const SMALL = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  ];
  const honest = x25519.getPublicKey(x25519.utils.randomSecretKey());

  test.each<[string, Uint8Array]>([
    ...SMALL.map((hex) => ['of small order', decodeHex(hex)] as [string, Uint8Array]),
    ['−1', littleEndian(P - 1n)],
    ['p, which stands for 0', littleEndian(P)],
    ['p + 1', littleEndian(P + 1n)],
    ['p + 9', littleEndian(P + 9n)],
    ['an honest one with its top bit set', honest.map((byte, i) => (i === 31 ? byte | 0x80 : byte))],
    ['2, which is on the twist', littleEndian(2n)],
    ['of 31 bytes', honest.subarray(1)],
    ['of 33 bytes', Uint8Array.of(...honest, 0)],
  ])('%s', (_, bytes) => {
    expect(codeOf(() => decodeX25519(bytes))).toBe('POINT_REFUSED');
  });

  test('an honest one is taken, and the same with a component of order 2, 4 or 8 is not', () => {
    const point = ed25519.Point.BASE.multiply(123_456_789n);
    const u = (each: typeof point) => ed25519.utils.toMontgomery(each.toBytes());
    expect(group.encode(decodeX25519(u(point)))[31]! >> 7).toBe(0);
    let refused = 0;
    for (const hex of ED25519_TORSION_SUBGROUP) {
      const torsion = ed25519.Point.fromHex(hex, true);
      if (torsion.is0()) continue;
      expect(codeOf(() => decodeX25519(u(point.add(torsion))))).toBe('POINT_REFUSED');
      refused++;
    }
    expect(refused).toBe(7);
  });

  test('S14: an output with such a component is refused, whatever its proof says', () => {
    const evaluation: Evaluation = { mode: 'open', points: [decodeX25519(honest)] };
    const slot = slots[0]!;
    const partial = evaluateShare(keyShare(made, slot), evaluation, bytesOf('fresh'));
    expect(openPartial(key, slot, evaluation, partial)).toHaveLength(1);
    for (const hex of ED25519_TORSION_SUBGROUP.slice(1)) {
      const torsion = ed25519.Point.fromHex(hex, true);
      const moved = ed25519.Point.fromBytes(partial.slice(0, 32)).add(torsion).toBytes();
      expect(
        openPartial(key, slot, evaluation, Uint8Array.of(...moved, ...partial.subarray(32))),
      ).toBeUndefined();
    }
  });
});

test('the identity has no coordinate, and the secret of a small multiple of the generator is its coordinate', () => {
  expect(codeOf(() => encodeX25519(group.identity))).toBe('ELEMENT_IDENTITY');
  expect(encodeX25519(group.generator)).toEqual(littleEndian(9n));
});
