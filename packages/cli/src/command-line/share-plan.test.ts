import { describe, expect, test } from 'vitest';
import { missingShares } from '../terminal/missing-shares.js';
import { parseSharePlan, planMeaning } from './share-plan.js';

describe('parseSharePlan', () => {
  test.each([
    ['2of3', undefined, 'any 2 of 3 shares bring the seed back'],
    ['3OF3', '1', 'all 3 shares bring the seed back'],
    [
      '2of3, 3of5',
      '1',
      'any 1 of 2 groups bring the seed back (group 1: any 2 of 3 shares; group 2: any 3 of 5 shares)',
    ],
    [
      '2of3,1of1',
      '2',
      'all 2 groups bring the seed back (group 1: any 2 of 3 shares; group 2: its one share)',
    ],
  ])('%s, %s of them: %s', (groups, needed, meaning) => {
    expect(planMeaning(parseSharePlan(groups, needed))).toBe(meaning);
  });

  test.each([
    ['4of3', undefined, 'OPTION_INVALID'],
    ['0of3', undefined, 'OPTION_INVALID'],
    ['2of17', undefined, 'OPTION_INVALID'],
    ['two', undefined, 'OPTION_INVALID'],
    ['2of3,', '1', 'OPTION_INVALID'],
    ['', undefined, 'OPTION_INVALID'],
    [Array.from({ length: 17 }, () => '2of3').join(), '1', 'OPTION_INVALID'],
    ['2of3,3of5', '3', 'OPTION_INVALID'],
    ['2of3,3of5', '0', 'OPTION_INVALID'],
    ['2of3,3of5', undefined, 'ARGUMENT_MISSING'],
  ])('%j with %j of the groups: %s', (groups, needed, code) => {
    expect(() => parseSharePlan(groups, needed)).toThrow(expect.objectContaining({ code }));
  });
});

test.each([
  [{ groups: 1, begun: [{ group: 1, needed: 2, missing: 1 }], of: 1 }, '1 more share (2 in all)'],
  [
    {
      groups: 1,
      begun: [
        { group: 1, needed: 2, missing: 1 },
        { group: 2, needed: 3, missing: 2 },
      ],
      of: 2,
    },
    '1 more of group 1 (2 in all), or 2 more of group 2 (3 in all)',
  ],
  [
    { groups: 2, begun: [{ group: 1, needed: 3, missing: 2 }], of: 3 },
    '2 groups are not complete: 2 more of group 1 (3 in all); shares of another group',
  ],
  [{ groups: 1, begun: [], of: 2 }, 'shares of another group'],
])('missingShares %#: %s', (missing, words) => {
  expect(missingShares(missing)).toBe(words);
});
