import { decodeHex, encodeHex, reveal, type Secret, secret } from '@ckm/foundation';
import { sharesInText, shareToUr, splitSecret } from '@ckm/gordian';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createShareSet, type SeedShare, type ShareSet, splitSeed } from './shares.js';

const BYTES = Uint8Array.from({ length: 32 }, (_, i) => 255 - i * 3);
const random = (length: number) => new Uint8Array(randomBytes(length));
const seed = () => secret(BYTES.slice());
const two3 = { groupsNeeded: 1, groups: [{ needed: 2, of: 3 }] };
const both = {
  groupsNeeded: 2,
  groups: [
    { needed: 2, of: 3 },
    { needed: 3, of: 5 },
    { needed: 1, of: 1 },
  ],
};
const setOf = (...texts: readonly Secret<string>[]): ShareSet => {
  const set = createShareSet();
  for (const text of texts) set.add(text);
  return set;
};
const open = (set: ShareSet) => encodeHex(reveal(set.seed(), 'test'));
const wordsOf = (shares: readonly SeedShare[]) => shares.map(({ words }) => words);

describe('an owner seed in shares', () => {
  test('comes back from each two of three, as words or UR, in any order', () => {
    const [shares] = splitSeed(seed(), two3, random);
    expect(shares!.map(({ group, member }) => [group, member])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
    for (const [a, b] of [
      [0, 1],
      [2, 0],
      [1, 2],
    ] as const)
      expect(open(setOf(shares![a]!.words, shares![b]!.ur))).toBe(encodeHex(BYTES));
  });

  test('comes back from as many groups as it takes, and says meanwhile what is missing of which', () => {
    const [one, two, three] = splitSeed(seed(), both, random) as [SeedShare[], SeedShare[], SeedShare[]];
    const set = createShareSet();
    set.add(two[4]!.ur);
    expect(set.missing()).toEqual({ groups: 2, begun: [{ group: 2, needed: 3, missing: 2 }], of: 3 });
    set.add(one[0]!.words);
    expect(set.missing()).toEqual({
      groups: 2,
      begun: [
        { group: 1, needed: 2, missing: 1 },
        { group: 2, needed: 3, missing: 2 },
      ],
      of: 3,
    });
    set.add(three[0]!.words);
    expect(set.missing()).toMatchObject({ groups: 1 });
    set.add(one[2]!.ur);
    expect(set.missing()).toBeNull();
    expect(open(set)).toBe(encodeHex(BYTES));
    expect(set.unchecked()).toEqual([expect.objectContaining({ group: 2, member: 5 })]);
  });

  test('is shown all shares that are given: one that does not fit is named, though the others are enough', () => {
    const [shares] = splitSeed(seed(), two3, random);
    const [others] = splitSeed(secret(new Uint8Array(32).fill(1)), two3, random);
    const bytes = bytesOf(others![2]!);
    const own = bytesOf(shares![0]!);
    // The same set and place, and the share of another seed: as after a slip of two hands, or on purpose.
    bytes.set(own.subarray(0, 2));
    const foreign = secret(shareToUr(bytes));
    expect(() => setOf(shares![0]!.ur, shares![1]!.ur, foreign).seed()).toThrow(
      expect.objectContaining({
        code: 'SEED_SHARES_MIXED',
        message: 'one of these shares does not fit the others',
      }),
    );
    expect(open(setOf(...wordsOf(shares!)))).toBe(encodeHex(BYTES));
  });

  test('is not made of the same share twice, of two sets, or of shares that contradict each other', () => {
    const [shares] = splitSeed(seed(), two3, random);
    const [others] = splitSeed(seed(), two3, random);
    const [wider] = splitSeed(seed(), { groupsNeeded: 1, groups: [{ needed: 3, of: 3 }] }, random);
    const own = bytesOf(shares![0]!);
    const contradicting = bytesOf(wider![1]!);
    contradicting.set(own.subarray(0, 2));
    const changed = own.slice();
    changed[20]! ^= 1;
    const cases = [
      [shares![0]!.words, 'SEED_SHARE_REPEATED', 'share 1 of group 1 was given already'],
      [
        others![1]!.words,
        'SEED_SHARES_MIXED',
        `share 2 of group 1 is of set ${others![0]!.set}, and the others are of set ${shares![0]!.set}`,
      ],
      [
        secret(shareToUr(contradicting)),
        'SEED_SHARES_MIXED',
        'share 2 of group 1 says otherwise than the others how many shares it takes',
      ],
      [
        secret(shareToUr(changed)),
        'SEED_SHARES_MIXED',
        'there are two of share 1 of group 1, and they differ',
      ],
    ] as const;
    for (const [text, code, message] of cases) {
      const set = setOf(shares![0]!.ur);
      expect(() => set.add(text)).toThrow(expect.objectContaining({ code, message }));
      // What was taken before stays.
      set.add(shares![2]!.words);
      expect(open(set)).toBe(encodeHex(BYTES));
    }
  });

  test('is no secret of another length', () => {
    const short = splitSecret(secret(new Uint8Array(16).fill(9)), two3, random)[0]!;
    const set = setOf(...short.map((share) => secret(shareToUr(share))));
    expect(() => set.seed()).toThrow(expect.objectContaining({ code: 'SEED_SHARES_OTHER' }));
  });

  test('splitSeed refuses a plan in which one share alone is the seed', () => {
    for (const plan of [
      { groupsNeeded: 1, groups: [{ needed: 1, of: 1 }] },
      {
        groupsNeeded: 1,
        groups: [
          { needed: 2, of: 3 },
          { needed: 1, of: 2 },
        ],
      },
    ])
      expect(() => splitSeed(seed(), plan, random)).toThrow(
        expect.objectContaining({ code: 'SSKR_PLAN_INVALID' }),
      );
  });
});

/**
 * Made by another implementation: the Rust crate `sskr` 0.12.0 of Blockchain Commons, `sskr_generate` with its own random source, out
 * of this seed, as 2 of 3, and as 2 of the groups 2 of 3, 3 of 5 and 1 of 1.
 */
const OF_RUST = {
  two3: [
    '2fc50001002e751d9b2efed21b370e9de099120fd4a75b6f778527e5ea1d7f28f1b7a72df2',
    '2fc50001012a0b03fbba5610b22fb83a3ee009cf9cab56089f8c1d9f70ea788ddffc134f68',
    '2fc50001022689215b1db54d520779c8476b249444bf41a1bc975311c5e87179ad21d4e9dd',
  ],
  groups: [
    [
      '4683120100ed283234c82fc496f565d21a353945d57394eb41edd0915ed57a4e95872a59ed',
      '46831201011e803e05df49bf94e66a7cbfca673065ff7552805885068534e6fd668c2435a4',
      '468312010210632a56e6e33292d37b954bd085afae704d82d89c7aa4f30c5933689136817f',
    ],
    [
      '468312120046144044f2ab6025c5430f3bef77bea738bf92add874cde10d23499547357ba5',
      '4683121201c87da434b8a932089a14126b05051696671e8b073a78362571d37d7b1dd03517',
      '468312120256760995cb6c7814998814a205f6e34ec5099c54b38c3693f612481e8be44208',
      '4683121203d81fede5816e2a39c6df09f2ef844b7f9aa885fe5180cd578ae27cf0d1010cba',
      '46831212043a268c39021f96f0d841bdf6b4e15c74ce597eaae83278acec44f4b33f8cab81',
    ],
    ['4683122000b6bd4cff3bf937227d2e0baf543a37d8b54e2b4a662f19df48ebf56c48d4ce77'],
  ],
} as const;

test('shares that the Rust reference made bring the seed back, each of them laid beside the others', () => {
  const text = (share: string) => secret(shareToUr(decodeHex(share)));
  expect(open(setOf(...OF_RUST.two3.map(text)))).toBe(encodeHex(BYTES));
  const all = setOf(...OF_RUST.groups.flat().map(text));
  expect(open(all)).toBe(encodeHex(BYTES));
  expect(all.unchecked()).toEqual([]);
  const [one, two, three] = OF_RUST.groups;
  for (const quorum of [
    [one[2], three[0], one[0]],
    [two[4], two[0], three[0], two[2]],
    [two[1], two[2], two[3], one[0], one[1]],
  ])
    expect(open(setOf(...quorum.map(text)))).toBe(encodeHex(BYTES));
});

const bytesOf = ({ ur }: SeedShare) => sharesInText(reveal(ur, 'test'))[0]!.slice();
