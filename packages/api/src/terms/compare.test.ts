import { REQUEST_FACTS } from '@ckm/requests';
import { describe, expect, test } from 'vitest';
import { partsLoosened } from './compare.js';
import type { Condition } from './condition.js';
import { approver, bytes, daily, DAY, EVERYBODY, familyTerms, policy } from './fixtures/terms.js';
import type { KeyTerms, UseRule } from './schema.js';

const table = REQUEST_FACTS;
const family = familyTerms();
const loosened = (after: Partial<KeyTerms>, before: KeyTerms = family) =>
  partsLoosened(before, { ...before, version: 1, previous: bytes(5), ...after }, table);
const rules = (...approvals: UseRule[]) => ({ approvals });
const always = (more: Partial<UseRule> = {}): UseRule => ({ when: { all: [] }, needed: 0, of: [], ...more });
const two = { needed: 2, of: EVERYBODY };

describe('terms are tighter', () => {
  test('when nothing is other but their number', () => {
    expect(loosened({})).toEqual([]);
  });

  test('by a lower limit of what goes without anybody, though the rules fit other requests than before', () => {
    expect(loosened(rules(...daily(500_000)))).toEqual([]);
    expect(loosened(rules(...daily(2_000_000)))).toEqual(['approvals']);
  });

  test('by more people who have to say yes', () => {
    const [free, asking] = daily(1_000_000);
    expect(loosened(rules(free!, { ...asking!, needed: 3 }))).toEqual([]);
    expect(loosened(rules(free!, { ...asking!, needed: 1 }))).toEqual(['approvals']);
  });

  test('by one rule more that asks whom others ask, or a rule less of those that ask nobody', () => {
    const asking = always({ when: { total: 'amountSats', within: DAY, above: 500_000 }, ...two });
    expect(loosened(rules(...daily(1_000_000), asking))).toEqual([]);
    expect(loosened(rules(daily(1_000_000)[1]!))).toEqual([]);
    expect(loosened(rules(daily(1_000_000)[0]!))).toEqual([]);
  });

  test('by fewer destinations, kinds, and a lower rate', () => {
    const to = (...among: string[]) => [always({ when: { fact: 'destinations', among } })];
    const before = familyTerms({ approvals: to('a', 'b') });
    expect(loosened({ approvals: to('b') }, before)).toEqual([]);
    expect(loosened({ approvals: to('a', 'c') }, before)).toEqual(['approvals']);
    const keys = familyTerms({ kinds: ['ssh', 'git'], approvals: [always()] });
    expect(loosened({ kinds: ['git'] }, keys)).toEqual([]);
    expect(loosened({ kinds: ['git', 'ssh', 'message'] }, keys)).toEqual(['kinds']);
    const rate = { count: 10, perSeconds: 60 };
    expect(loosened({ rateLimit: rate })).toEqual([]);
    const rated = familyTerms({ rateLimit: rate });
    expect(loosened({ rateLimit: { count: 5, perSeconds: 30 } }, rated)).toEqual([]);
    expect(loosened({ rateLimit: { count: 5, perSeconds: 20 } }, rated)).toEqual(['rateLimit']);
    expect(loosened({ rateLimit: null }, rated)).toEqual(['rateLimit']);
  });
});

describe('terms are not tighter', () => {
  const { change } = family;
  test.each<[string, Partial<KeyTerms>, string]>([
    ['with rules where there were none', family, 'approvals'],
    ['with an end', { expiresAt: 1 }, 'expiresAt'],
    ['with operators', { approval: 'operator' }, 'approval'],
    ['with a longer delay of changes of servers', { changeDelay: 604_800 }, 'changeDelay'],
    ['with a key of the owner', { ownerKey: bytes(9) }, 'ownerKey'],
  ])('by what locks out: %s', (_, after, part) => {
    expect(loosened(after, { ...policy })).toContain(part);
  });

  test.each<[string, Partial<KeyTerms>, string]>([
    ['more people for a change', { change: { ...change!, needed: 3 } }, 'change'],
    ['a longer delay', { change: { ...change!, delaySeconds: 7 * DAY } }, 'change'],
    ['no words', { change: { ...change!, words: null } }, 'change'],
    ['an heir', { silence: { afterSeconds: 90 * DAY, grants: [{ who: 'bob', may: ['use'] }] } }, 'silence'],
    [
      'another key of somebody',
      { approvers: [approver('alice', 7), ...family.approvers!.slice(1)] },
      'approvers',
    ],
    ['one more who may be asked', { approvers: [...family.approvers!, approver('dave', 7)] }, 'approvers'],
    [
      'fewer who are asked',
      rules(daily(1_000_000)[0]!, { ...daily(1_000_000)[1]!, of: ['alice', 'bob'] }),
      'approvals',
    ],
    [
      'a rule that asks others',
      rules(...daily(1_000_000), always({ needed: 1, of: ['alice'] })),
      'approvals',
    ],
    [
      'one no that ends it',
      rules(daily(1_000_000)[0]!, { ...daily(1_000_000)[1]!, rejectsEnd: 1 }),
      'approvals',
    ],
    ['a rule taken away that asked', rules(always()), 'approvals'],
    ['a second way in', rules(...daily(1_000_000), always()), 'approvals'],
  ])('by %s', (_, after, part) => {
    expect(loosened(after)).toEqual([part]);
  });

  test('where a request that does not say something got in by no rule before, and does now', () => {
    expect(loosened(rules(...daily(1_000_000), always(two)))).toEqual(['approvals']);
    const before = familyTerms({ approvals: [always({ when: { fact: 'destinations', among: ['a'] } })] });
    expect(loosened(rules(always()), before)).toEqual(['approvals']);
  });

  test('where somebody was asked only because a request did not say something, and is no more', () => {
    const never = {
      all: [
        { fact: 'feeSats', atMost: 5 },
        { fact: 'feeSats', above: 5 },
      ],
    };
    const large = { fact: 'amountSats', above: 3 };
    const before = familyTerms({ approvals: [always(), always({ when: { any: [never, large] }, ...two })] });
    expect(loosened(rules(always(), always({ when: large, ...two })), before)).toEqual(['approvals']);
    expect(loosened(rules(always(), always(two)), before)).toEqual([]);
  });

  test('where there are too many cases to look at: what is not proved is loosening', () => {
    const limits = (at: number): Condition => ({
      all: ['amountSats', 'feeSats', 'feeShare'].map((fact) => ({ fact, atMost: at })),
    });
    const many = Array.from({ length: 40 }, (_, at) => always({ when: limits(at) }));
    const before = familyTerms({ approvals: many });
    expect(loosened({ approvals: many.slice(1) }, before)).toEqual(['approvals']);
    expect(loosened({ approvals: many }, before)).toEqual([]);
  });
});
