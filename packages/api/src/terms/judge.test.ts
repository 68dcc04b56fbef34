import {
  buildDeriveRequest,
  buildMessageRequest,
  type Facts,
  parseLabel,
  REQUEST_FACTS,
  requestKind,
} from '@ckm/requests';
import { describe, expect, test } from 'vitest';
import { approver, daily, DAY, EVERYBODY, familyTerms, policy } from './fixtures/terms.js';
import type { Voter, VotesHeld } from '../index.js';
import { countVotes, createTermsJudge, type JudgedRequest, type TermsVerdict } from './judge.js';
import { readTerms } from './encode.js';
import type { KeyTerms, UseRule } from './schema.js';

const votes = (yes: readonly string[] = [], no: readonly string[] = []): VotesHeld => ({
  yes: new Set(yes),
  no: new Set(no),
});

function judge(
  approvals: readonly UseRule[],
  facts: Facts,
  { before = () => 0, ...rest }: Partial<JudgedRequest> = {},
): TermsVerdict {
  const terms = familyTerms({ approvals: [...approvals] });
  return createTermsJudge(terms).judge({ facts, before, votes: votes(), ...rest });
}

const paying = (amountSats: number): Facts => ({ kind: ['bitcoin'], amountSats });
const always = (more: Partial<UseRule> = {}): UseRule => ({ when: { all: [] }, needed: 0, of: [], ...more });
const NOBODY_FITS = { verdict: 'no', because: 'rules', unknown: [] };
const two = { needed: 2, of: EVERYBODY };

describe('a running total', () => {
  test('is what was let in before and this request: up to the limit nobody is asked, above it people by name', () => {
    const spent = (before: number) => ({ before: () => before });
    expect(judge(daily(100), paying(60), spent(40))).toEqual({ verdict: 'yes' });
    expect(judge(daily(100), paying(61), spent(40))).toEqual({
      verdict: 'waits',
      awaits: [{ rule: 2, needed: 2, of: EVERYBODY }],
    });
  });

  test('that is not known counts as spent', () => {
    expect(judge(daily(100), paying(1), { before: () => null })).toMatchObject({ verdict: 'waits' });
    expect(judge([daily(100)[0]!], paying(0), { before: () => null })).toEqual(NOBODY_FITS);
  });

  test('is asked for by fact and window, and told beforehand, each once, with what is more than each limit of it', () => {
    const { totals } = createTermsJudge(familyTerms({ approvals: [...daily(1), ...daily(2)] }));
    const total = { fact: 'amountSats', within: DAY };
    expect(totals).toEqual([{ ...total, most: 3 }]);
    const asked: unknown[] = [];
    judge(daily(100), paying(1), {
      before: (total) => {
        asked.push(total);
        return 0;
      },
    });
    expect(asked).toEqual([total, total]);
  });
});

describe('rules', () => {
  test('that are not there let everything in; where there are some and none fits the answer is no', () => {
    const plain: KeyTerms = policy;
    const { judge: judgePolicy } = createTermsJudge(plain);
    expect(judgePolicy({ facts: paying(1), before: () => null, votes: votes() })).toEqual({ verdict: 'yes' });
    expect(judge([always({ when: { fact: 'amountSats', atMost: 5 } })], paying(6))).toEqual(NOBODY_FITS);
  });

  test('that fit together all have to be met, and what each still waits for is said', () => {
    const rules = [always(), always(two), always({ needed: 1, of: ['carol'] })];
    expect(judge(rules, paying(1), { votes: votes(['alice']) })).toEqual({
      verdict: 'waits',
      awaits: [
        { rule: 2, needed: 1, of: ['bob', 'carol'] },
        { rule: 3, needed: 1, of: ['carol'] },
      ],
    });
    expect(judge(rules, paying(1), { votes: votes(['alice', 'bob']) })).toMatchObject({
      awaits: [{ rule: 3 }],
    });
    expect(judge(rules, paying(1), { votes: votes(['alice', 'carol']) })).toEqual({ verdict: 'yes' });
  });

  test('hold a limit at its very number, and a list letter by letter', () => {
    const fits = (when: UseRule['when'], facts: Facts) => judge([always({ when })], facts).verdict === 'yes';
    const amounts = [4, 5, 6].map((at) => paying(at));
    expect(amounts.map((facts) => fits({ fact: 'amountSats', atMost: 5 }, facts))).toEqual([
      true,
      true,
      false,
    ]);
    expect(amounts.map((facts) => fits({ fact: 'amountSats', above: 5 }, facts))).toEqual([
      false,
      false,
      true,
    ]);
    const texts = [['a'], ['a', 'b'], ['a', 'c'], ['A'], []].map((destinations) => ({ destinations }));
    const list = ['a', 'b'];
    const among = texts.map((facts) => fits({ fact: 'destinations', among: list }, facts));
    expect(among).toEqual([true, true, false, false, true]);
    const beyond = texts.map((facts) => fits({ fact: 'destinations', beyond: list }, facts));
    expect(beyond).toEqual(among.map((isAmong) => !isAmong));
  });

  test('nest: all and any', () => {
    const when = {
      any: [
        { fact: 'amountSats', atMost: 5 },
        {
          all: [
            { fact: 'amountSats', atMost: 50 },
            { fact: 'destinations', among: ['a'] },
          ],
        },
      ],
    };
    const verdicts = [
      { amountSats: 5, destinations: ['x'] },
      { amountSats: 6, destinations: ['a'] },
      { amountSats: 6, destinations: ['x'] },
      { amountSats: 51, destinations: ['a'] },
    ].map((facts) => judge([always({ when })], facts).verdict);
    expect(verdicts).toEqual(['yes', 'yes', 'no', 'no']);
  });
});

describe('what a request does not say', () => {
  const freed = always({ when: { fact: 'repository', among: ['mine'] } });
  const guarded = always({ when: { fact: 'repository', beyond: ['mine'] }, ...two });
  const push = (repository: readonly string[] | null): Facts => ({ form: ['push'], repository });

  test('lets it in by no rule, and is named', () => {
    expect(judge([freed], push(['mine']))).toEqual({ verdict: 'yes' });
    expect(judge([freed], push(null))).toEqual({ ...NOBODY_FITS, unknown: ['repository'] });
  });

  test('leaves no rule out that would ask people: whoever hides the repository is asked as for the worst', () => {
    expect(judge([always(), guarded], push(['mine']))).toEqual({ verdict: 'yes' });
    expect(judge([always(), guarded], push(['theirs']))).toMatchObject({ verdict: 'waits' });
    expect(judge([always(), guarded], push(null))).toMatchObject({ verdict: 'waits', awaits: [{ rule: 2 }] });
  });

  test('is something else than what it does not have: no user is asked for where nobody logs in', () => {
    const rules = [always(), always({ when: { fact: 'user', among: ['root'] }, ...two })];
    expect(judge(rules, { form: ['signature'] })).toEqual({ verdict: 'yes' });
    expect(judge(rules, { form: ['login'], user: null })).toMatchObject({ verdict: 'waits' });
  });

  test('does not matter where the rest of the rule decides', () => {
    const pushed = {
      all: [
        { fact: 'form', among: ['push'] },
        { fact: 'repository', beyond: ['mine'] },
      ],
    };
    const rules = [always(), always({ when: pushed, ...two })];
    expect(judge(rules, { form: ['commit'], repository: null })).toEqual({ verdict: 'yes' });
    expect(judge(rules, push(null))).toMatchObject({ verdict: 'waits' });
  });

  test('V10: a name that every object has is no fact', () => {
    const rules = [always({ when: { fact: 'constructor', beyond: ['x'] } })];
    expect(judge(rules, paying(1))).toEqual(NOBODY_FITS);
  });

  test('terms that mix numbers and texts, which nobody checked, let nothing in', () => {
    for (const when of [
      { fact: 'amountSats', among: ['5'] },
      { fact: 'kind', atMost: 5 },
    ])
      expect(judge([always({ when })], paying(5))).toMatchObject({ verdict: 'no' });
  });
});

describe('votes', () => {
  const said = (yes: readonly string[], no: readonly string[], more: Partial<UseRule> = {}) =>
    judge([always({ ...two, ...more })], paying(1), { votes: votes(yes, no) });

  test('of strangers count for nothing, and one person is not two', () => {
    expect(said(['dave', 'erin', 'alice'], [])).toMatchObject({
      awaits: [{ needed: 1, of: ['bob', 'carol'] }],
    });
    expect(said(['alice'], ['dave', 'erin', 'frank'])).toMatchObject({ verdict: 'waits' });
  });

  test('of no end it when too few are left, or as many as the rule says', () => {
    expect(said([], ['alice'])).toMatchObject({ awaits: [{ needed: 2, of: ['bob', 'carol'] }] });
    expect(said(['carol'], ['alice', 'bob'])).toEqual({
      verdict: 'no',
      because: 'people',
      rule: 1,
      by: ['alice', 'bob'],
    });
    expect(said(['bob', 'carol'], ['alice'], { rejectsEnd: 1 })).toMatchObject({
      because: 'people',
      by: ['alice'],
    });
    expect(said([], ['alice', 'bob'], { rejectsEnd: 3 })).toMatchObject({
      awaits: [{ needed: 2, of: ['carol'] }],
    });
  });

  test('of somebody who said both are a no', () => {
    expect(said(['alice', 'bob'], ['bob'])).toMatchObject({ awaits: [{ needed: 1, of: ['carol'] }] });
  });

  test('of whoever has no say count for nothing, and nobody waits for him', () => {
    const asked = (without: readonly string[], yes: readonly string[], more: Partial<UseRule> = {}) =>
      judge([always({ ...two, ...more })], paying(1), { votes: votes(yes), without: new Set(without) });
    expect(asked(['alice'], ['alice', 'bob'])).toMatchObject({ awaits: [{ needed: 1, of: ['carol'] }] });
    expect(asked(['alice'], ['bob', 'carol'])).toEqual({ verdict: 'yes' });
    expect(asked(['alice', 'bob'], ['carol'])).toMatchObject({ verdict: 'no', because: 'people', by: [] });
    expect(asked(EVERYBODY, [], { rejectsEnd: 3 })).toMatchObject({ verdict: 'no', because: 'people' });
    expect(asked(EVERYBODY, [], { needed: 0, of: [] })).toEqual({ verdict: 'yes' });
  });

  test('are cast by whom the terms list', () => {
    const voters: readonly Voter[] = familyTerms().approvers!;
    expect(voters.map(({ name }) => name)).toEqual(EVERYBODY);
  });

  test('for a rule that does not fit end nothing', () => {
    const rules = [always(), always({ when: { fact: 'amountSats', above: 5 }, ...two })];
    expect(judge(rules, paying(5), { votes: votes([], EVERYBODY) })).toEqual({ verdict: 'yes' });
  });

  test('for a change are counted by the same rule', () => {
    const { change } = familyTerms();
    expect(countVotes(change!, votes(['alice', 'bob']))).toEqual({
      missing: 0,
      noes: [],
      silent: ['carol'],
      isOver: false,
    });
    expect(countVotes({ needed: 0, of: [] }, votes([], [approver('alice', 1).name]))).toMatchObject({
      missing: 0,
      isOver: false,
    });
  });
});

test('a request that was read is judged by its bytes: the names in rules are those that its kind gives', () => {
  const groupKey = new Uint8Array(32).fill(1);
  const quorum = { needed: 2, of: 2 };
  const known = { groupKey, quorum, commitment: [], verifyingShares: [], chainCode: groupKey };
  const key = { suite: 'ed25519', purpose: 'message', public: { suite: 'ed25519', ...known } } as const;
  const inDomain = (domain: string) => {
    const payload = buildMessageRequest({ domain, bytes: new TextEncoder().encode('hello') });
    return requestKind('message').parse(payload).facts(key);
  };
  const free = always({ when: { fact: 'domain', among: ['example.org'] } });
  const terms = readTerms(familyTerms({ kinds: ['message'], approvals: [free] }), REQUEST_FACTS);
  const { judge: judgeTerms } = createTermsJudge(terms);
  const verdicts = ['example.org', 'example.com', ''].map(
    (domain) => judgeTerms({ facts: inDomain(domain), before: () => 0, votes: votes() }).verdict,
  );
  expect(verdicts).toEqual(['yes', 'no', 'no']);
});

const WALLET_RULES: readonly UseRule[] = [
  { when: { fact: 'labelFirst', among: ['wallet'] }, ...two },
  { when: { fact: 'labelFirst', beyond: ['wallet'] }, needed: 0, of: [] },
];

test.each([
  ['wallet', 'waits'],
  ['wallet/seed', 'waits'],
  ['wallet/seed/old', 'waits'],
  ['wallet2', 'yes'],
  ['wallet2/seed', 'yes'],
  ['Wallet/seed', 'yes'],
  ['backup/wallet', 'yes'],
])('S8: a rule about the first part of a label takes %s as it is meant', (label, verdict) => {
  const terms = readTerms(familyTerms({ kinds: ['derive'], approvals: [...WALLET_RULES] }), REQUEST_FACTS);
  const payload = buildDeriveRequest(parseLabel(label));
  const groupKey = new Uint8Array(32).fill(1);
  const known = { groupKey, quorum: { needed: 2, of: 2 }, commitment: [], verifyingShares: [] };
  const suite = 'ristretto255';
  const key = { suite, purpose: 'derive', public: { suite, ...known, chainCode: groupKey } } as const;
  const { facts } = requestKind('derive').parse(payload);
  const judged = createTermsJudge(terms).judge({ facts: facts(key), before: () => 0, votes: votes() });
  expect(judged.verdict).toBe(verdict);
});
