// @module-tag long
import { randomBytes } from 'node:crypto';
import { UsageError } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import type { Element, Group, Scalar, SecretScalar } from './group.js';
import { EVERY_BACKEND, oracleOf, show } from './test/backends.js';

/** Scalars at every edge, and a few random ones. */
function scalarsToTry(group: Group): Scalar[] {
  const { order } = group.scalars;
  const edges = [0n, 1n, 2n, 3n, 8n, 65535n, 1n << 128n, order >> 1n, order - 2n, order - 1n];
  const random = Array.from({ length: 6 }, () => group.scalars.reduce(randomBytes(64)));
  return [...edges.map((edge) => group.scalars.fromInteger(edge)), ...random];
}

const secretly = (scalar: Scalar): SecretScalar => scalar as Uint8Array as SecretScalar;

for (const [label, backend] of EVERY_BACKEND) {
  describe.skipIf(backend === undefined)(`arithmetic of ${label}`, () => {
    const group = backend!;
    const oracle = oracleOf(group.name);
    const { scalars } = group;
    /** What computes with integers of JavaScript takes a second for what others do in a tenth of it. */
    const dear = backend?.grade === 'bigint' ? { tags: 'slow' as const } : {};
    const pairOf = (scalar: Scalar): [Element, Element] => [
      group.mulBasePublic(scalar),
      oracle.mulBasePublic(scalar),
    ];

    test('has the published order, generator and encoding length', () => {
      expect(scalars.order).toBe(oracle.scalars.order);
      expect(group.elementByteLength).toBe(oracle.elementByteLength);
      expect(show(group, group.generator)).toBe(show(oracle, oracle.generator));
      expect(group.isIdentity(group.identity)).toBe(true);
      expect(group.isIdentity(group.generator)).toBe(false);
      expect(group.generator.__element).toBe(group.name);
    });

    test('multiplies the generator as noble does', () => {
      for (const scalar of scalarsToTry(group)) {
        const expected = show(oracle, oracle.mulBasePublic(scalar));
        expect(show(group, group.mulBase(secretly(scalar)))).toBe(expected);
        expect(show(group, group.mulBasePublic(scalar))).toBe(expected);
        expect(show(group, group.mulSecret(group.generator, secretly(scalar)))).toBe(expected);
        expect(show(group, group.mulPublic(group.generator, scalar))).toBe(expected);
      }
    });

    test('multiplies any element as noble does, in secret and in public', () => {
      const [element, theirs] = pairOf(scalars.reduce(randomBytes(64)));
      for (const scalar of scalarsToTry(group)) {
        const expected = show(oracle, oracle.mulPublic(theirs, scalar));
        expect(show(group, group.mulSecret(element, secretly(scalar)))).toBe(expected);
        expect(show(group, group.mulPublic(element, scalar))).toBe(expected);
        expect(show(group, group.decodeAndMul(group.encode(element), scalar))).toBe(expected);
      }
    });

    test(
      'an agreement gives encodings of secret multiples, and leaves what they were made of as it is',
      dear,
      () => {
        const [encoded, other] = [1, 2].map(() =>
          group.encode(group.mulBasePublic(scalars.reduce(randomBytes(64)))),
        ) as [Uint8Array, Uint8Array];
        const own = secretly(scalars.reduce(randomBytes(64)));
        for (const scalar of scalarsToTry(group)) {
          if (scalars.isZero(scalar)) continue;
          const before = scalar.slice();
          const times = (bytes: Uint8Array) =>
            group.encode(group.mulSecret(group.decode(bytes), secretly(scalar)));
          const agreement = group.agree(secretly(scalar));
          const given = encoded.slice();
          const points = [
            agreement.pointWith(given),
            agreement.pointWith(other),
            agreement.pointWithOwn(own),
          ];
          expect(points).toEqual([times(encoded), times(other), times(group.encode(group.mulBase(own)))]);
          expect(given).toEqual(encoded);
          agreement.end();
          for (const point of points) expect(point).toEqual(new Uint8Array(group.elementByteLength));
          expect(scalar).toEqual(before);
        }
        const identity = expect.objectContaining({ code: 'ELEMENT_IDENTITY' }) as unknown;
        expect(() => group.agree(secretly(scalars.zero))).toThrow(identity);
        const agreement = group.agree(secretly(scalars.one));
        expect(() => agreement.pointWithOwn(secretly(scalars.zero))).toThrow(identity);
        agreement.end();
      },
    );

    test('two agreements at once do not mix their scalars, nor with a multiplication between them', () => {
      const encoded = group.encode(group.mulBasePublic(scalars.reduce(randomBytes(64))));
      const [one, two] = [5, 7].map((value) => secretly(scalars.fromInteger(value))) as [
        SecretScalar,
        SecretScalar,
      ];
      const [first, second] = [group.agree(one), group.agree(two)];
      group.mulSecret(group.decode(encoded), secretly(scalars.fromInteger(11)));
      const times = (factor: number) => group.encode(group.mulSmall(group.decode(encoded), factor));
      expect(first.pointWith(encoded)).toEqual(times(5));
      expect(second.pointWith(encoded)).toEqual(times(7));
      second.end();
      expect(first.pointWith(encoded)).toEqual(times(5));
      first.end();
    });

    test('decodeAndVerify is true for z·G − c·P and for nothing else, on every edge', dear, () => {
      for (const factor of scalarsToTry(group)) {
        const response = scalars.reduce(randomBytes(64));
        const [element] = pairOf(scalars.reduce(randomBytes(64)));
        const encoded = group.encode(element);
        const right = group.encode(
          group.add(group.mulBasePublic(response), group.negate(group.mulPublic(element, factor))),
        );
        const verify = (c: Scalar, z: Scalar, R: Uint8Array) => group.decodeAndVerify(encoded, c, z, R);
        const { element: decoded, isRight } = verify(factor, response, right);
        expect([isRight, show(group, decoded)]).toEqual([true, show(group, element)]);
        const wrong = [
          verify(scalars.add(factor, scalars.one), response, right),
          verify(factor, scalars.add(response, scalars.one), right),
          verify(factor, response, group.encode(group.negate(group.decode(right)))),
          verify(factor, response, encoded),
          verify(factor, response, new Uint8Array(group.elementByteLength)),
          verify(factor, response, right.subarray(1)),
          verify(factor, response, Uint8Array.of(...right, 0)),
          verify(factor, response, new Uint8Array(group.elementByteLength).fill(255)),
          // −(z·G − c·P), and z·G + c·P: all of the same x where only that is looked at.
          verify(factor, scalars.negate(response), right),
        ];
        expect(wrong.map((each) => each.isRight)).toEqual(wrong.map(() => false));
        if (scalars.isZero(factor)) continue;
        const mirrored = group.encode(
          group.add(group.mulBasePublic(response), group.mulPublic(element, factor)),
        );
        expect(verify(factor, response, mirrored).isRight).toBe(false);
        expect(verify(scalars.negate(factor), response, mirrored).isRight).toBe(true);
      }
    });

    test('decodeAndVerify where the result is the identity, or the multiple is the element or its negative', () => {
      const secret = scalars.reduce(randomBytes(64));
      const [element] = pairOf(secret);
      const encoded = group.encode(element);
      for (const factor of [scalars.one, scalars.negate(scalars.one), scalars.zero]) {
        const response = scalars.multiply(factor, secret);
        for (const R of [encoded, group.encode(group.negate(element)), group.encode(group.generator)]) {
          expect(group.decodeAndVerify(encoded, factor, response, R).isRight).toBe(false);
        }
        const next = scalars.add(response, scalars.one);
        const G = group.encode(group.generator);
        expect(group.decodeAndVerify(encoded, factor, next, G).isRight).toBe(true);
        // c·P = −P and so on: R = ±P.
        const zero = group.decodeAndVerify(
          encoded,
          factor,
          scalars.zero,
          group.encode(group.negate(element)),
        );
        expect(zero.isRight).toBe(scalars.equal(factor, scalars.one));
      }
    });

    test('V5: any multiple of the identity is the identity', () => {
      for (const scalar of scalarsToTry(group)) {
        expect(group.isIdentity(group.mulSecret(group.identity, secretly(scalar)))).toBe(true);
        expect(group.isIdentity(group.mulPublic(group.identity, scalar))).toBe(true);
        expect(group.isIdentity(group.msm([group.identity], [scalar]))).toBe(true);
      }
      expect(group.isIdentity(group.mulSmall(group.identity, 77))).toBe(true);
    });

    test('adds as noble does, also an element to itself, to its negative and to the identity', () => {
      for (const scalar of scalarsToTry(group)) {
        const [a, theirA] = pairOf(scalar);
        for (const [b, theirB] of [
          pairOf(scalars.one),
          [a, theirA],
          pairOf(scalars.negate(scalar)),
        ] as const) {
          expect(show(group, group.add(a, b))).toBe(show(oracle, oracle.add(theirA, theirB)));
          expect(show(group, group.subtract(a, b))).toBe(show(oracle, oracle.subtract(theirA, theirB)));
        }
        expect(group.isIdentity(group.add(a, group.negate(a)))).toBe(true);
        expect(show(group, group.add(a, group.identity))).toBe(show(group, a));
        expect(show(group, group.add(group.identity, a))).toBe(show(group, a));
        expect(show(group, group.subtract(a, group.identity))).toBe(show(group, a));
        expect(show(group, group.subtract(group.identity, a))).toBe(show(group, group.negate(a)));
        expect(show(group, group.negate(a))).toBe(show(oracle, oracle.negate(theirA)));
      }
    });

    test('sums any number of elements, through the identity and back', () => {
      const elements = scalarsToTry(group).map((scalar) => group.mulBasePublic(scalar));
      const oneByOne = elements.reduce((sum, element) => group.add(sum, element), group.identity);
      expect(show(group, group.sum(elements))).toBe(show(group, oneByOne));
      expect(group.isIdentity(group.sum([]))).toBe(true);
      expect(group.isIdentity(group.sum([group.identity, group.identity]))).toBe(true);
      const there = [group.generator, group.negate(group.generator)];
      expect(group.isIdentity(group.sum(there))).toBe(true);
      expect(show(group, group.sum([...there, group.generator]))).toBe(show(group, group.generator));
      const encodings = elements
        .filter((element) => !group.isIdentity(element))
        .map((element) => group.encode(element));
      expect(show(group, group.decodeAndSum(encodings))).toBe(show(group, oneByOne));
      expect(show(group, group.decodeAndSum(encodings, elements))).toBe(
        show(group, group.mulSmall(oneByOne, 2)),
      );
      expect(group.encodeSum(encodings, elements)).toEqual(group.encode(group.mulSmall(oneByOne, 2)));
      expect(group.encodeSum(encodings, [])).toEqual(group.encode(oneByOne));
      expect(group.encodeSum([], elements)).toEqual(group.encode(oneByOne));
      const cancelled = () =>
        group.encodeSum([group.encode(group.generator)], [group.negate(group.generator)]);
      expect(cancelled).toThrow(expect.objectContaining({ code: 'ELEMENT_IDENTITY' }));
      expect(() => group.encodeSum([], [])).toThrow(UsageError);
      expect(group.isIdentity(group.decodeAndSum([]))).toBe(true);
      expect(group.isIdentity(group.decodeAndSum(there.map((element) => group.encode(element))))).toBe(true);
    });

    test('multiplies by small factors, and by nothing that is no small factor', () => {
      const [element, theirs] = pairOf(scalars.reduce(randomBytes(64)));
      for (const factor of [...Array(34).keys(), 63, 64, 127, 255, 256, 4095, 65534, 65535]) {
        const expected = show(oracle, oracle.mulPublic(theirs, scalars.fromInteger(factor)));
        expect(show(group, group.mulSmall(element, factor)), String(factor)).toBe(expected);
      }
      for (const factor of [-1, 65536, 1.5, Number.NaN, Infinity]) {
        expect(() => group.mulSmall(element, factor)).toThrow(UsageError);
      }
    });

    test('adds up products as they come one by one', () => {
      const factors = scalarsToTry(group);
      const elements = factors.map((_, i) => group.mulSmall(group.generator, i));
      const products = elements.map((element, i) => group.mulPublic(element, factors[i]!));
      expect(show(group, group.msm(elements, factors))).toBe(show(group, group.sum(products)));
      for (const length of [2, 7, 8, 33]) {
        const terms = Array.from({ length }, (_, i) => group.mulSmall(group.generator, i * i));
        const random = terms.map(() => scalars.reduce(randomBytes(64)));
        const one = terms.map((term, i) => group.mulPublic(term, random[i]!));
        expect(show(group, group.msm(terms, random)), String(length)).toBe(show(group, group.sum(one)));
      }
      expect(group.isIdentity(group.msm([], []))).toBe(true);
      const both = [group.generator, group.generator];
      expect(group.isIdentity(group.msm(both, [scalars.one, scalars.negate(scalars.one)]))).toBe(true);
    });

    test('encodesTo is true for the encoding of an element and for nothing else', () => {
      const [element] = pairOf(scalars.reduce(randomBytes(64)));
      const sum = group.add(element, group.generator);
      const bytes = group.encode(sum);
      expect(group.encodesTo(sum, bytes)).toBe(true);
      expect(group.encodesTo(sum, group.encode(group.negate(sum)))).toBe(false);
      expect(group.encodesTo(sum, group.encode(element))).toBe(false);
      const longer = Uint8Array.of(...bytes, 0);
      for (const wrong of [bytes.subarray(1), longer, new Uint8Array(), new Uint8Array(bytes.length)]) {
        expect(group.encodesTo(sum, wrong)).toBe(false);
        expect(group.encodesTo(group.identity, wrong)).toBe(false);
      }
      for (let bit = 0; bit < 8 * bytes.length; bit += 7) {
        const damaged = bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        expect(group.encodesTo(sum, damaged)).toBe(false);
      }
    });

    test('V4: as many scalars as elements, or none at all', () => {
      expect(() => group.msm([group.generator], [])).toThrow(UsageError);
      expect(() => group.msm([], [scalars.one])).toThrow(UsageError);
    });

    test('knows equal elements, however they came about', () => {
      const two = scalars.fromInteger(2);
      const same = [
        group.mulBasePublic(two),
        group.add(group.generator, group.generator),
        group.mulSmall(group.generator, 2),
        group.decode(group.encode(group.mulBasePublic(two))),
      ];
      for (const a of same) for (const b of same) expect(group.equal(a, b)).toBe(true);
      for (const a of same) {
        expect(group.equal(a, group.generator)).toBe(false);
        expect(group.equal(a, group.negate(a))).toBe(false);
        expect(group.equal(a, group.identity)).toBe(false);
      }
      expect(group.equal(group.identity, group.mulBase(secretly(scalars.zero)))).toBe(true);
    });

    test('V10: refuses elements of another group, another backend, or none', () => {
      const strangers = EVERY_BACKEND.flatMap(([, other]) => (other === undefined ? [] : [other]))
        .filter((other) => other.name !== group.name || other.backend !== group.backend)
        .map((other) => other.generator);
      for (const stranger of [...strangers, { __element: group.name }, undefined, 'G'] as Element[]) {
        for (const use of [
          () => group.encode(stranger),
          () => group.add(group.generator, stranger),
          () => group.equal(stranger, group.generator),
          () => group.mulPublic(stranger, scalars.one),
          () => group.mulSecret(stranger, secretly(scalars.one)),
        ]) {
          expect(use).toThrow(expect.objectContaining({ code: 'ELEMENT_FOREIGN' }));
        }
      }
    });
  });
}
