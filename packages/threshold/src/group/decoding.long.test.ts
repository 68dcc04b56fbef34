// @module-tag long
import { randomBytes } from 'node:crypto';
import { type EncodingError, encodeHex, UsageError } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import type { Element, Group } from './group.js';
import { EVERY_BACKEND, oracleOf, show } from './test/backends.js';
import { MIXED_TORSION, SMALL_ORDER, WRONG_ENCODINGS } from './test/encodings.js';

const invalid = expect.objectContaining({ errorClass: 'EncodingError', code: 'ELEMENT_INVALID' }) as unknown;

function refusal(decode: () => unknown): unknown {
  try {
    decode();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Hex of what a backend makes of the bytes, or the code of its refusal. */
function verdict(judge: Group, bytes: Uint8Array): string {
  const error = refusal(() => judge.decode(bytes));
  return error === undefined ? show(judge, judge.decode(bytes)) : (error as EncodingError).code;
}

/** Every way in which bytes become an element. */
function waysIn(group: Group): readonly ((bytes: Uint8Array) => Element)[] {
  const { scalars } = group;
  return [
    (bytes) => group.decode(bytes),
    (bytes) => group.decodeAndMul(bytes, scalars.fromInteger(8)),
    (bytes) => group.decodeAndMul(bytes, scalars.zero),
    (bytes) => group.decodeAndSum([bytes]),
    (bytes) => group.decodeAndSum([group.encode(group.generator), bytes]),
    (bytes) => group.decodeAndSum([bytes], [group.generator]),
    ...[scalars.zero, scalars.one].flatMap((factor) =>
      [scalars.zero, scalars.fromInteger(8)].map(
        (response) => (bytes: Uint8Array) =>
          group.decodeAndVerify(bytes, factor, response, group.encode(group.generator)).element,
      ),
    ),
    (bytes) => group.decode(agreeOnce(group, bytes)),
  ];
}

function agreeOnce(group: Group, bytes: Uint8Array): Uint8Array {
  const secret = group.scalars.parseSecret(group.scalars.fromInteger(8));
  return group.agree(secret).pointWith(bytes).slice();
}

for (const [label, backend] of EVERY_BACKEND) {
  describe.skipIf(backend === undefined)(`decoding for ${label}`, () => {
    const group = backend!;

    test('V5 V6 V7: refuses the identity, points off the curve and every second spelling, with one typed error', () => {
      for (const bytes of WRONG_ENCODINGS[group.name]) {
        for (const wayIn of waysIn(group))
          expect(
            refusal(() => wayIn(bytes)),
            encodeHex(bytes),
          ).toEqual(invalid);
      }
    });

    test('V4 V6: refuses every length but its own', () => {
      const good = group.encode(group.generator);
      const lengths = [new Uint8Array(), good.subarray(1), Uint8Array.of(...good, 0), new Uint8Array(10_000)];
      for (const bytes of lengths) {
        for (const wayIn of waysIn(group)) expect(refusal(() => wayIn(bytes))).toEqual(invalid);
      }
    });

    test('V10: refuses what is no byte string at all', () => {
      const good = group.encode(group.generator);
      const strange = [
        undefined,
        null,
        7,
        encodeHex(good),
        [...good],
        Object.assign({}, good, { length: good.length }),
        good.buffer,
      ];
      for (const value of strange) {
        for (const wayIn of waysIn(group)) {
          expect(refusal(() => wayIn(value as unknown as Uint8Array))).toEqual(invalid);
        }
      }
    });

    test('takes what noble takes and refuses what noble refuses, on random and on damaged bytes', () => {
      const oracle = oracleOf(group.name);
      for (let i = 0; i < 60; i++) {
        const bytes = new Uint8Array(randomBytes(group.elementByteLength));
        if (group.elementByteLength === 33) bytes[0] = 2 + (i & 1);
        const damaged = oracle.encode(oracle.mulBase(oracle.scalars.reduceSecret(randomBytes(64))));
        damaged[i % damaged.length] = damaged[i % damaged.length]! ^ (1 << (i & 7));
        expect(verdict(group, bytes)).toBe(verdict(oracle, bytes));
        expect(verdict(group, damaged)).toBe(verdict(oracle, damaged));
      }
    });

    test('keeps no hold on the bytes it was given, nor on those it gave', () => {
      const good = Buffer.from(group.encode(group.mulSmall(group.generator, 5)));
      const before = encodeHex(good);
      const elements = [group.decode(good), group.decodeAndSum([good])];
      good.fill(0);
      for (const element of elements) {
        group.encode(element).fill(0);
        expect(show(group, element)).toBe(before);
      }
    });

    test('V5: the identity has no encoding', () => {
      expect(() => group.encode(group.identity)).toThrow(UsageError);
      expect(refusal(() => group.encode(group.identity))).toMatchObject({ code: 'ELEMENT_IDENTITY' });
    });
  });
}

for (const [label, backend] of EVERY_BACKEND.filter(([name]) => name.startsWith('ed25519'))) {
  describe.skipIf(backend === undefined)(`torsion for ${label}`, () => {
    const group = backend!;

    test('V7: the test points are what they claim: seven cosets of a good point', () => {
      expect(SMALL_ORDER).toHaveLength(8);
      expect(new Set(MIXED_TORSION.map(encodeHex)).size).toBe(7);
    });

    test('V7: torsion left in a sum is refused, torsion that cancels out leaves the sum of the good parts', () => {
      const good = group.encode(group.mulBasePublic(group.scalars.fromInteger(0x123456789abcdefn)));
      const [torsion, opposite] = cancellingPair(group);
      expect(refusal(() => group.decodeAndSum([torsion, good]))).toEqual(invalid);
      expect(refusal(() => group.decodeAndSum([torsion], [group.generator]))).toEqual(invalid);
      const sum = group.decodeAndSum([torsion, opposite]);
      expect(show(group, sum)).toBe(show(group, group.mulSmall(group.decode(good), 2)));
    });
  });
}

for (const [label, backend] of EVERY_BACKEND) {
  describe.skipIf(backend === undefined)(`encodeSum for ${label}`, () => {
    const group = backend!;
    const sumOf = (bytes: Uint8Array) => group.encodeSum([bytes], [group.generator]);

    test('V5 V6: refuses the identity and every second spelling, alone and in a sum; off the curve, too', () => {
      for (const bytes of WRONG_ENCODINGS[group.name]) {
        const isTorsion = [...SMALL_ORDER, ...MIXED_TORSION].some(
          (one) => encodeHex(one) === encodeHex(bytes),
        );
        expect(
          refusal(() => group.encodeSum([bytes], [])),
          encodeHex(bytes),
        ).toEqual(invalid);
        if (!isTorsion)
          expect(
            refusal(() => sumOf(bytes)),
            encodeHex(bytes),
          ).toEqual(invalid);
      }
    });

    test('gives torsion away as bytes at most, which are no element', () => {
      if (group.name !== 'ed25519') return;
      for (const bytes of MIXED_TORSION) {
        if (refusal(() => sumOf(bytes)) !== undefined) continue;
        expect(refusal(() => group.decode(sumOf(bytes)))).toEqual(invalid);
      }
    });
  });
}

/** Two points with opposite torsion on top of the same good point. */
function cancellingPair(group: Group): [Uint8Array, Uint8Array] {
  for (const a of MIXED_TORSION) {
    for (const b of MIXED_TORSION) {
      if (encodeHex(a) !== encodeHex(b) && refusal(() => group.decodeAndSum([a, b])) === undefined)
        return [a, b];
    }
  }
  throw new Error('no two points cancel');
}
