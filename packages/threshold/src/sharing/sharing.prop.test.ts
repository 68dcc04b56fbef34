import { randomBytes } from 'node:crypto';
import { EncodingError, UsageError } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Group, GroupName, Scalar, SecretScalar } from '../group/group.js';
import { groupNamed } from '../group/index.js';
import type { PartyIndex } from '../protocol/contract.js';
import {
  evaluatePolynomial,
  feldmanCommit,
  feldmanEvaluate,
  feldmanEvaluateAll,
  feldmanVerify,
  lagrangeAt,
  lagrangeAtZero,
  parsePartySet,
} from './index.js';

const NAMES: readonly GroupName[] = ['ed25519', 'ristretto255', 'secp256k1', 'P-256'];

const randomPolynomial = (group: Group, size: number): SecretScalar[] =>
  Array.from({ length: size }, () => group.scalars.reduceSecret(randomBytes(64)));

const parties = (...indices: number[]) => indices as PartyIndex[];

/** Σ λᵢ·f(i), in the open: tests only. */
function interpolate(group: Group, shares: readonly SecretScalar[], set: readonly PartyIndex[]): Scalar {
  const { scalars } = group;
  return set.reduce<Scalar>((sum, party, i) => {
    const share = scalars.publish(shares[i]!, 'test');
    return scalars.add(sum, scalars.multiply(lagrangeAtZero(group, set, party), share));
  }, scalars.zero);
}

describe.each(NAMES)('sharing over %s', (name) => {
  const group = groupNamed(name);
  const { scalars } = group;

  test('any quorum restores the secret, and one party fewer something else', () => {
    const someSet = fc.uniqueArray(fc.integer({ min: 1, max: 65535 }), { minLength: 3, maxLength: 8 });
    fc.assert(
      fc.property(someSet, fc.integer({ min: 2, max: 8 }), (indices, size) => {
        fc.pre(size <= indices.length);
        const polynomial = randomPolynomial(group, size);
        const set = parties(...indices);
        const shares = set.map((party) => evaluatePolynomial(group, polynomial, party));
        expect(scalars.equal(interpolate(group, shares, set), polynomial[0]!)).toBe(true);
        const few = interpolate(group, shares.slice(0, size - 1), set.slice(0, size - 1));
        expect(scalars.equal(few, polynomial[0]!)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  test('V1: any quorum gives the value at another party, and never the one at zero', () => {
    const polynomial = randomPolynomial(group, 3);
    const set = parties(9, 1, 65535);
    const at = (x: number) =>
      set.reduce<Scalar>((sum, party) => {
        const share = scalars.publish(evaluatePolynomial(group, polynomial, party), 'test');
        return scalars.add(sum, scalars.multiply(lagrangeAt(group, set, party, x as PartyIndex), share));
      }, scalars.zero);
    for (const x of [2, 9, 40_000]) {
      expect(scalars.equal(at(x), evaluatePolynomial(group, polynomial, x))).toBe(true);
    }
    for (const x of [0, -1, 65_536, 1.5])
      expect(() => at(x)).toThrow(expect.objectContaining({ code: 'PARTY_INDEX_INVALID' }));
  });

  test('V33: weights belong to parties, whatever the order they are listed in', () => {
    const set = parties(4, 1, 65535, 9);
    for (const party of set) {
      expect(lagrangeAtZero(group, set, party)).toEqual(lagrangeAtZero(group, [...set].reverse(), party));
    }
    expect(parsePartySet([9, 1, 4], { needed: 2, of: 5 })).toEqual([1, 4, 9]);
  });

  test('a share is checked against its commitment, and only its own share passes', () => {
    const polynomial = randomPolynomial(group, 3);
    const commitment = feldmanCommit(group, polynomial);
    for (const party of [1, 2, 40, 65535]) {
      const share = evaluatePolynomial(group, polynomial, party);
      expect(feldmanVerify(group, commitment, party, share)).toBe(true);
      expect(feldmanVerify(group, commitment, party === 1 ? 2 : 1, share)).toBe(false);
      expect(feldmanVerify(group, commitment, party, scalars.add(share, scalars.one))).toBe(false);
      expect(feldmanVerify(group, commitment.slice(0, 2), party, share)).toBe(false);
      expect(feldmanVerify(group, [...commitment, group.generator], party, share)).toBe(false);
    }
  });

  test('V5: a zero share, or identities in the commitment, are arithmetic like any other', () => {
    const zero = scalars.parseSecret(new Uint8Array(32));
    const commitment = [group.identity, group.identity];
    expect(feldmanVerify(group, commitment, 3, zero)).toBe(true);
    expect(feldmanVerify(group, commitment, 3, scalars.parseSecret(scalars.one))).toBe(false);
    expect(group.isIdentity(feldmanEvaluate(group, commitment, 3))).toBe(true);
  });

  test('evaluating for all parties gives what evaluating for each gives, near and far', () => {
    for (const size of [1, 2, 3, 7]) {
      const commitment = feldmanCommit(group, randomPolynomial(group, size));
      for (const set of [[1, 2, 3], [3, 1, 2, 5], [2, 9, 10, 11, 12, 30], [65535], [1, 65535], []]) {
        const together = feldmanEvaluateAll(group, commitment, set);
        expect(together).toHaveLength(set.length);
        together.forEach((value, i) => {
          expect(group.equal(value, feldmanEvaluate(group, commitment, set[i]!))).toBe(true);
        });
      }
    }
  });

  test('evaluation does not touch the coefficients, and its result can be wiped alone', () => {
    const polynomial = randomPolynomial(group, 1);
    const share = evaluatePolynomial(group, polynomial, 5);
    share.fill(0);
    expect(scalars.isZero(polynomial[0]!)).toBe(false);
  });
});

describe('inputs that are no parties', () => {
  const group = groupNamed('secp256k1');
  const polynomial = randomPolynomial(group, 2);
  const commitment = feldmanCommit(group, polynomial);

  test('V1: party 0, which would be the secret itself, and every index out of range are refused everywhere', () => {
    for (const index of [0, -0, -1, 65536, 2 ** 32, 2 ** 53, 1.5, Number.NaN, Infinity]) {
      for (const use of [
        () => evaluatePolynomial(group, polynomial, index),
        () => feldmanEvaluate(group, commitment, index),
        () => feldmanEvaluateAll(group, commitment, [1, index]),
        () => feldmanVerify(group, commitment, index, polynomial[0]!),
        () => lagrangeAtZero(group, parties(1, index), parties(1)[0]!),
      ]) {
        expect(use).toThrow(
          expect.objectContaining({ errorClass: 'EncodingError', code: 'PARTY_INDEX_INVALID' }),
        );
      }
    }
  });

  test('V2: a party named twice is an error, not a division by zero', () => {
    expect(() => lagrangeAtZero(group, parties(1, 1), parties(1)[0]!)).toThrow(EncodingError);
    expect(() => lagrangeAtZero(group, parties(1, 2, 1), parties(2)[0]!)).toThrow(
      expect.objectContaining({ code: 'PARTY_DUPLICATE' }),
    );
  });

  test('a party outside the set has no weight in it', () => {
    expect(() => lagrangeAtZero(group, parties(1, 2), parties(3)[0]!)).toThrow(UsageError);
  });

  test('V4: an empty polynomial or commitment verifies nothing, so it is refused', () => {
    expect(() => evaluatePolynomial(group, [], 1)).toThrow(UsageError);
    expect(() => feldmanEvaluate(group, [], 1)).toThrow(UsageError);
    expect(() => feldmanEvaluateAll(group, [], [1])).toThrow(UsageError);
    expect(() => feldmanVerify(group, [], 1, polynomial[0]!)).toThrow(UsageError);
  });
});
