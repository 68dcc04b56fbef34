import { decodeHex, encodeHex, reveal, secret } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { RandomBytes } from '../primitives/random.js';
import { encodeCanonical } from './dcbor.js';
import { combineSecret, shareFacts, splitSecret } from './sskr.js';
import { formatUr } from './ur.js';

// Source of the shares: BCR-2020-011, "Example/Test Vector".
const MASTER = '7daa851251002874e1a1995f0897e6b1';
const TWO_OF_THREE = [
  '4bbf1101003e990c1f0435e2b33c721535c74603d0',
  '4bbf1101010c8ba39a7502a325ed07b8d597d1b80f',
  '4bbf1101025abd490ee65b6084859854ee67736e75',
].map(decodeHex);
const THREE_OF_FIVE = [
  '4bbf11120044ef453f66923d32653b377de5c94b39',
  '4bbf1112016ffb1b0cc5ab485f5a67136c802bc67b',
  '4bbf111202a3763155fcfdb5887abce6ee69c4bbcd',
  '4bbf11120388626f665fc4c0e545e0c2ff0c26368f',
  '4bbf1112046334a0db7838a5c6c4d2dcb2e5b65911',
].map(decodeHex);

const combine = (...shares: readonly Uint8Array[]): string =>
  encodeHex(reveal(combineSecret(shares), 'test'));

function counting(start: number): RandomBytes {
  let next = start;
  return (length) => Uint8Array.from({ length }, () => (next = (next * 167 + 13) % 251));
}

describe('shares of the reference', () => {
  it('give the secret with every choice of two and three members', () => {
    const pairs = [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const;
    const triples = [
      [0, 1, 2],
      [0, 3, 4],
      [2, 1, 4],
      [4, 3, 2],
    ] as const;
    for (const pair of pairs) {
      for (const triple of triples) {
        const shares = [...triple.map((i) => THREE_OF_FIVE[i]!), ...pair.map((i) => TWO_OF_THREE[i]!)];
        expect(combine(...shares)).toBe(MASTER);
      }
    }
  });

  it('shareFacts tells group, member and thresholds of a share', () => {
    expect(shareFacts(TWO_OF_THREE[2]!)).toEqual({
      identifier: 0x4bbf,
      groupsNeeded: 2,
      groupCount: 2,
      groupIndex: 0,
      membersNeeded: 2,
      memberIndex: 2,
    });
    expect(shareFacts(THREE_OF_FIVE[0]!)).toMatchObject({ groupIndex: 1, membersNeeded: 3 });
  });

  it('are URs of the reference', () => {
    const urs = [...TWO_OF_THREE, ...THREE_OF_FIVE].map((share) =>
      formatUr({ type: 'sskr', cbor: encodeCanonical(share) }),
    );
    expect(urs).toEqual([
      'ur:sskr/gogrrsbyadaefmnlbnctaaecvoqdfnjpbzecstfgaxtifpsskbfw',
      'ur:sskr/gogrrsbyadadbnluotnykpaootdaweatrotlmsttrobsghbnurrh',
      'ur:sskr/gogrrsbyadaohtrygabavahphnlrlpmkghwyiojkjtkpmdkncfjp',
      'ur:sskr/gogrrsbybgaefywsfefhiymofseyihfremkivwsogrespmclwepd',
      'ur:sskr/gogrrsbybgadjlzocwbnskpyfdhehtiobwjzladnswkgtscfhfvt',
      'ur:sskr/gogrrsbybgaootkoehgoztzcreloknrfvawyinssrksnmedtfmks',
      'ur:sskr/gogrrsbybgaxloidjliyhessrtvwfevtsazmbndsenmywmbylpdy',
      'ur:sskr/gogrrsbybgaaiaeenbuyksetonswsstduoprvwrphkbytlfzlyca',
    ]);
  });

  it('too few, repeated, of another splitting, shortened or changed, do not give a secret', () => {
    const [a, b, c] = TWO_OF_THREE as [Uint8Array, Uint8Array, Uint8Array];
    const three = THREE_OF_FIVE.slice(0, 3);
    const changed = c.slice();
    changed[10]! ^= 1;
    const other = b.slice();
    other[0]! ^= 1;
    const cases: readonly (readonly [readonly Uint8Array[], string])[] = [
      [[], 'SSKR_SHARES_INSUFFICIENT'],
      [[a, ...three], 'SSKR_SHARES_INSUFFICIENT'],
      [[a, b], 'SSKR_SHARES_INSUFFICIENT'],
      [[a, changed, ...three], 'SSKR_SHARES_INSUFFICIENT'],
      [[a, a, ...three], 'SSKR_SHARES_INVALID'],
      [[a, other, ...three], 'SSKR_SHARES_INVALID'],
      [[a, b.slice(0, 20), ...three], 'SSKR_SHARES_INVALID'],
      [[new Uint8Array(3)], 'SSKR_SHARES_INVALID'],
    ];
    for (const [shares, code] of cases) {
      expect(() => combineSecret(shares)).toThrow(expect.objectContaining({ code, name: 'EncodingError' }));
    }
    expect(() => shareFacts(new Uint8Array(4))).toThrow(
      expect.objectContaining({ code: 'SSKR_SHARES_INVALID' }),
    );
  });
});

describe('splitting', () => {
  it('gives back secrets of 16 to 32 bytes through any sufficient members', () => {
    for (const length of [16, 24, 32]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 3);
      const plan = {
        groupsNeeded: 2,
        groups: [
          { needed: 2, of: 3 },
          { needed: 1, of: 1 },
          { needed: 3, of: 5 },
        ],
      };
      const groups = splitSecret(secret(bytes.slice()), plan, counting(length));
      expect(groups.map((group) => group.length)).toEqual([3, 1, 5]);
      expect(combine(groups[0]![2]!, groups[1]![0]!, groups[0]![0]!)).toBe(encodeHex(bytes));
      expect(combine(...groups[2]!.slice(1, 4), groups[1]![0]!)).toBe(encodeHex(bytes));
    }
  });

  it('refuses plans that cannot be and secrets of other lengths', () => {
    const master = secret(new Uint8Array(16).fill(1));
    const plans = [
      { groupsNeeded: 2, groups: [{ needed: 2, of: 3 }] },
      { groupsNeeded: 0, groups: [{ needed: 2, of: 3 }] },
      { groupsNeeded: 1, groups: [{ needed: 4, of: 3 }] },
      { groupsNeeded: 1, groups: [{ needed: 1, of: 17 }] },
      { groupsNeeded: 1, groups: [] },
    ];
    for (const plan of plans) {
      expect(() => splitSecret(master, plan, counting(1))).toThrow(
        expect.objectContaining({ code: 'SSKR_PLAN_INVALID' }),
      );
    }
    for (const length of [0, 14, 17, 34]) {
      const plan = { groupsNeeded: 1, groups: [{ needed: 2, of: 3 }] };
      expect(() => splitSecret(secret(new Uint8Array(length).fill(1)), plan, counting(1))).toThrow(
        expect.objectContaining({ code: 'SSKR_SECRET_LENGTH' }),
      );
    }
  });
});
