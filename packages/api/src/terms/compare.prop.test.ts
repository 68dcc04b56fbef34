import { REQUEST_FACTS } from '@ckm/requests';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partsLoosened } from './compare.js';
import { readTerms } from './encode.js';
import { randomChange, randomRule, requests } from './fixtures/random.js';
import { familyTerms } from './fixtures/terms.js';
import { createTermsJudge, type JudgedRequest } from './judge.js';
import type { UseRule } from './schema.js';

const table = REQUEST_FACTS;

function letsIn(approvals: UseRule[]): (request: JudgedRequest) => boolean {
  const { judge } = createTermsJudge({ approvals });
  return (request) => judge(request).verdict === 'yes';
}

test('what is said to be tighter lets in none of 2,000 random requests that was not', () => {
  const all = requests();
  const seen = { tighter: 0, loosening: 0, stopped: 0 };
  fc.assert(
    fc.property(randomChange, ({ before, after }) => {
      const [old, now] = [familyTerms({ approvals: before }), familyTerms({ approvals: after })];
      if (partsLoosened(old, now, table).length > 0) {
        seen.loosening += 1;
        return;
      }
      seen.tighter += 1;
      const [did, does] = [letsIn(before), letsIn(after)];
      expect(all.filter((one) => does(one) && !did(one))).toEqual([]);
      if (all.some((one) => did(one) && !does(one))) seen.stopped += 1;
    }),
    { numRuns: 300, seed: 11 },
  );
  // It says so neither of nothing nor of everything, and some of what it says so of takes something away.
  expect(Math.min(seen.tighter, seen.loosening, seen.stopped)).toBeGreaterThan(20);
});

test('a rule that is refused since no request fits it fits none of 2,000 random ones', () => {
  const all = requests();
  let refused = 0;
  fc.assert(
    fc.property(randomRule, (rule) => {
      try {
        readTerms(familyTerms({ approvals: [rule] }), table);
      } catch (error) {
        expect(error).toMatchObject({ code: 'TERMS_RULE_IMPOSSIBLE' });
        refused += 1;
        const fits = letsIn([{ ...rule, needed: 0, of: [] }]);
        expect(all.filter(fits)).toEqual([]);
      }
    }),
    { numRuns: 1_000, seed: 11 },
  );
  expect(refused).toBeGreaterThan(5);
});
