import { describe, expect, test } from 'vitest';
import { parsePartyIndex, parsePartySet, parseQuorum } from './index.js';

const refused = (code: string) => expect.objectContaining({ errorClass: 'EncodingError', code }) as Error;

const NO_INDEX = [
  0,
  -0,
  -1,
  65536,
  1.5,
  Number.NaN,
  Infinity,
  '1',
  1n,
  true,
  null,
  undefined,
  [1],
  { valueOf: () => 1 },
];

describe('party indices', () => {
  test('are the integers from 1 to 65535', () => {
    for (const index of [1, 2, 32, 65535]) expect(parsePartyIndex(index)).toBe(index);
  });

  test('V1 V10: nothing else passes for one', () => {
    for (const value of [...NO_INDEX, '__proto__', 'constructor']) {
      expect(() => parsePartyIndex(value)).toThrow(refused('PARTY_INDEX_INVALID'));
    }
  });
});

describe('party sets', () => {
  const quorum = { needed: 2, of: 3 };

  test('come out sorted and frozen', () => {
    const set = parsePartySet([7, 2, 300], quorum);
    expect(set).toEqual([2, 7, 300]);
    expect(Object.isFrozen(set)).toBe(true);
  });

  test('V2: a party cannot count twice', () => {
    expect(() => parsePartySet([1, 1], quorum)).toThrow(refused('PARTY_DUPLICATE'));
    expect(() => parsePartySet([3, 1, 3], quorum)).toThrow(refused('PARTY_DUPLICATE'));
  });

  test('V4: too few, too many, or no list at all is refused before anything is looked at', () => {
    for (const values of [[], [1], [1, 2, 3, 4], Array(1_000_000).fill(0)]) {
      expect(() => parsePartySet(values, quorum)).toThrow(refused('PARTY_COUNT_INVALID'));
    }
    for (const values of [undefined, null, '12', { length: 2, 0: 1, 1: 2 }]) {
      expect(() => parsePartySet(values as never, quorum)).toThrow(refused('PARTY_COUNT_INVALID'));
    }
  });

  test('V1: members are indices, and a hole in the list is no index', () => {
    for (const value of NO_INDEX)
      expect(() => parsePartySet([1, value], quorum)).toThrow(refused('PARTY_INDEX_INVALID'));
    const sparse: unknown[] = [1];
    sparse.length = 3;
    expect(() => parsePartySet(sparse, quorum)).toThrow(refused('PARTY_INDEX_INVALID'));
  });
});

describe('quorums', () => {
  test('run from 2 of 2 to 32 of 32', () => {
    for (const [needed, of] of [
      [2, 2],
      [2, 3],
      [20, 32],
      [32, 32],
    ] as const) {
      expect(parseQuorum({ needed, of })).toEqual({ needed, of });
    }
  });

  test('parseQuorum refuses anything but 2 of 2 to 32 of 32', () => {
    const wrong = [
      [1, 1],
      [1, 3],
      [0, 3],
      [4, 3],
      [2, 33],
      [33, 33],
      [-2, 3],
      [2.5, 3],
      [2, 2.5],
      ['2', '3'],
      [2n, 3n],
      [Number.NaN, 3],
    ];
    for (const [needed, of] of wrong) {
      expect(() => parseQuorum({ needed, of })).toThrow(refused('QUORUM_INVALID'));
    }
    for (const value of [undefined, null, 'two of three', 2, [2, 3], { needed: 2 }, { of: 3 }]) {
      expect(() => parseQuorum(value)).toThrow(refused('QUORUM_INVALID'));
    }
  });

  test('keep nothing but the two numbers', () => {
    const parsed = parseQuorum({ needed: 2, of: 3, extra: 'x' });
    expect(Object.keys(parsed)).toEqual(['needed', 'of']);
    expect(Object.isFrozen(parsed)).toBe(true);
  });
});
