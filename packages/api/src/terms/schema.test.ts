import { CkmError, encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { REQUEST_FACTS } from '@ckm/requests';
import { describe, expect, test } from 'vitest';
import { keyPolicy, type KeyPolicy, policyHash } from '../index.js';
import { xidOfKey } from '../votes/voter.js';
import { encodeTerms, parseTerms, readTerms } from './encode.js';
import { approver, bytes, daily, DAY, EVERYBODY, familyTerms, policy, without } from './fixtures/terms.js';
import type { KeyTerms, UseRule } from './schema.js';

const table = REQUEST_FACTS;

function outcome(run: () => unknown): string {
  try {
    run();
    return 'accepted';
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
}

const refusalOf = (terms: unknown) => outcome(() => readTerms(terms, table));
const rule = (when: unknown, more: object = {}) => ({ when, needed: 0, of: [], ...more }) as UseRule;
const withRule = (when: unknown, more: object = {}) => familyTerms({ approvals: [rule(when, more)] });

const POLICIES: readonly KeyPolicy[] = [
  policy,
  { ...policy, kinds: ['ssh', 'git'] },
  { ...policy, kinds: ['message'], blindAllowed: true },
  { ...policy, rateLimit: { count: 10, perSeconds: 60 } },
  { ...policy, expiresAt: 1_795_286_400 },
  { ...policy, approval: 'operator' },
  { ...policy, changes: 'automatic', changeDelay: 0 },
  { ...policy, changes: 'operator', changeDelay: 604_800 },
  { ...policy, recovery: 'static' },
  { ...policy, rateLimit: { count: 1, perSeconds: 31_536_000 }, changeDelay: 86_400, recovery: 'epoch' },
];

describe('a policy of before', () => {
  test('is terms with nothing else, and ten of them keep their bytes and their hash', () => {
    expect(POLICIES.map((one) => encodeHex(policyHash(one)))).toMatchInlineSnapshot(`
      [
        "764d8d1c9a4793b8bd1fdbdcc99785eae0a6bf449e9293eb360239b77b07a475",
        "151003d90e8c2434240f023829a516698cf92768f9269af9f8ea847c318278b1",
        "6a4523a5db3daec112d511dd4b436e7f15c6c85361d3da513fbe9190ea83f7bb",
        "e5e4358ea88b48d63b1d165ba66e425379fb9291ef5edd3945ff91a44eea6594",
        "35f0ea25ef996c9f40ba2664276f24265cc0014f7ace781ff52044b95aaf6746",
        "3f99e8211b9946d4e557e9183a59ef52490779ef160d652a9902472f2ae71822",
        "bfe02b309a4254bec49abc8b716fb6051a59ede7610a72c6ecbc134923e9c56c",
        "393b61a59b5ff021552e5048890e8d946379e4ec04c759e5ccefbb1aede804df",
        "c67f59372b1fdb4c5d02457aee5831feb1d950ff35dbd198b9c3a83559640fc8",
        "567d3b1f65143a668bf1a98ec490dc7d2b66b877faf6261a144388886a2a5d25",
      ]
    `);
    for (const one of POLICIES) {
      expect(readTerms(one, table)).toEqual(one);
      expect(encodeTerms(one)).toEqual(encodeData(one));
    }
  });

  test('is all that a server takes as a policy: terms that nobody would enforce are refused', () => {
    expect(keyPolicy.safeParse(familyTerms()).success).toBe(false);
    expect(keyPolicy.safeParse({ ...policy, version: 1, previous: bytes(7) }).success).toBe(false);
  });
});

describe('terms', () => {
  test('come back from their bytes, and another spelling of the same is refused', () => {
    const terms = familyTerms({
      version: 3,
      previous: bytes(7),
      silence: { afterSeconds: 180 * DAY, grants: [{ who: 'carol', may: ['use', 'recover'] }] },
    });
    const encoded = encodeTerms(terms);
    expect(parseTerms(encoded, table)).toEqual(terms);
    expect(encodeTerms(parseTerms(encoded, table))).toEqual(encoded);
    for (const cut of [0, 1, encoded.length >> 1, encoded.length - 1])
      expect(outcome(() => parseTerms(encoded.subarray(0, cut), table))).not.toBe('accepted');
    expect(outcome(() => parseTerms(Uint8Array.of(...encoded, 0), table))).toBe('CBOR_INVALID');
  });

  test('of another number have another hash, whatever else is the same', () => {
    const versions = [{}, { version: 1, previous: bytes(1) }, { version: 2, previous: bytes(1) }];
    const hashes = versions.map((more) => encodeHex(policyHash(familyTerms(more))));
    expect(new Set(hashes).size).toBe(3);
  });

  test('V9: too long, too deep or too many are refused before they are read', () => {
    const nested = (levels: number): unknown =>
      levels === 0 ? { fact: 'amountSats', atMost: 1 } : { all: [nested(levels - 1)] };
    expect(refusalOf(withRule(nested(3)))).toBe('accepted');
    expect(refusalOf(withRule(nested(4)))).toBe('TERMS_INVALID');
    const deep = encodeData(withRule(nested(30)));
    expect(outcome(() => parseTerms(deep, table))).toBe('CBOR_TOO_DEEP');
    expect(outcome(() => parseTerms(new Uint8Array(65_537), table))).toBe('CBOR_TOO_LONG');
    const numbers = encodeData({ kinds: Array.from({ length: 20_000 }, () => 1) });
    expect(outcome(() => parseTerms(numbers, table))).toBe('CBOR_TOO_LONG');
    const rules = (count: number) =>
      familyTerms({ approvals: Array.from({ length: count }, () => daily(1_000)[1]!) });
    expect([refusalOf(rules(50)), refusalOf(rules(51))]).toEqual(['accepted', 'TERMS_INVALID']);
    const wide = Array.from({ length: 9 }, (_, at) => ({ fact: 'amountSats', atMost: at + 1 }));
    const many = Array.from({ length: 45 }, () => rule({ any: wide }));
    expect(refusalOf(familyTerms({ approvals: many }))).toBe('TERMS_INVALID');
  });
});

describe('terms that nobody could live with are refused', () => {
  const passkey = (more: object) => ({
    ...approver('alice', 1),
    keys: [
      {
        kind: 'passkey',
        alg: -7,
        spki: bytes(5, 91),
        rpId: 'example.org',
        origins: ['https://ckm.example.org'],
        ...more,
      },
    ],
  });
  const change = { needed: 2, of: EVERYBODY, delaySeconds: 3 * DAY, words: 30 * DAY };
  const family = familyTerms();
  const [alice, bob, carol] = family.approvers!;
  const approvers = (...all: readonly unknown[]) => ({ ...family, approvers: all }) as KeyTerms;

  test.each<[string, unknown, string]>([
    ['a member that nobody knows', { ...family, owner: 'me' }, 'TERMS_INVALID'],
    ['no rule at all', familyTerms({ approvals: [] }), 'TERMS_INVALID'],
    ['a comparison of two kinds', withRule({ fact: 'amountSats', atMost: 1, above: 1 }), 'TERMS_INVALID'],
    ['a limit that is no whole number', withRule({ fact: 'amountSats', atMost: 1.5 }), 'TERMS_INVALID'],
    ['a limit below nothing', withRule({ fact: 'amountSats', atMost: -1 }), 'TERMS_INVALID'],
    ['a choice of nothing', withRule({ any: [] }), 'TERMS_INVALID'],
    [
      'a window of more than 31 days',
      withRule({ total: 'amountSats', within: 31 * DAY + 1, atMost: 1 }),
      'TERMS_INVALID',
    ],
    [
      'a list of 257',
      withRule({ fact: 'destinations', among: Array.from({ length: 257 }, (_, at) => `${at}`) }),
      'TERMS_INVALID',
    ],
    ['a text twice in a list', withRule({ fact: 'destinations', among: ['a', 'a'] }), 'TERMS_INVALID'],
    [
      'a letter that looks like another',
      withRule({ fact: 'destinations', among: ['p\u0430y'] }),
      'TERMS_INVALID',
    ],
    ['a person called everybody', approvers(alice, bob, carol, approver('everybody', 4)), 'TERMS_INVALID'],
    ['a person with a capital', approvers(alice, bob, carol, approver('Dave', 4)), 'TERMS_INVALID'],
    [
      'a passkey of a page elsewhere',
      approvers(passkey({ origins: ['https://example.com'] }), bob, carol),
      'TERMS_INVALID',
    ],
    [
      'a passkey of a page that only ends alike',
      approvers(passkey({ origins: ['https://badexample.org'] }), bob, carol),
      'TERMS_INVALID',
    ],
    [
      'a passkey of a page without encryption',
      approvers(passkey({ origins: ['http://example.org'] }), bob, carol),
      'TERMS_INVALID',
    ],
    ['a kind that nobody knows', familyTerms({ kinds: ['bitcoin', 'prose'] }), 'TERMS_KIND_UNKNOWN'],
    ['a kind that every object has', familyTerms({ kinds: ['constructor'] }), 'TERMS_KIND_UNKNOWN'],
    ['a fact of another kind', withRule({ fact: 'user', among: ['bob'] }), 'TERMS_FACT_UNKNOWN'],
    ['a label', withRule({ fact: 'label', among: ['x'] }), 'TERMS_FACT_UNKNOWN'],
    [
      'V10: a fact that every object has',
      withRule({ fact: 'constructor', among: ['x'] }),
      'TERMS_FACT_UNKNOWN',
    ],
    ['a number in a list', withRule({ fact: 'amountSats', among: ['1'] }), 'TERMS_COMPARISON_WRONG'],
    ['a text with a limit', withRule({ fact: 'destinations', atMost: 1 }), 'TERMS_COMPARISON_WRONG'],
    ['a sum of texts', withRule({ total: 'destinations', within: DAY, atMost: 1 }), 'TERMS_COMPARISON_WRONG'],
    ['a sum of shares', withRule({ total: 'feeShare', within: DAY, atMost: 1 }), 'TERMS_COMPARISON_WRONG'],
    [
      'a rule that no number fits',
      withRule({
        all: [
          { fact: 'amountSats', atMost: 5 },
          { fact: 'amountSats', above: 5 },
        ],
      }),
      'TERMS_RULE_IMPOSSIBLE',
    ],
    [
      'a rule for one user who is two',
      {
        ...withRule({
          all: [
            { fact: 'user', among: ['a'] },
            { fact: 'user', among: ['b'] },
          ],
        }),
        kinds: ['ssh'],
      },
      'TERMS_RULE_IMPOSSIBLE',
    ],
    [
      'a rule for a kind that the key does not answer',
      withRule({ fact: 'kind', among: ['ssh'] }),
      'TERMS_RULE_IMPOSSIBLE',
    ],
    [
      'more people than there are',
      withRule({ all: [] }, { needed: 2, of: ['alice'] }),
      'TERMS_RULE_IMPOSSIBLE',
    ],
    ['people who are not asked', withRule({ all: [] }, { needed: 0, of: ['alice'] }), 'TERMS_INVALID'],
    [
      'more noes than people',
      withRule({ all: [] }, { needed: 1, of: ['alice'], rejectsEnd: 2 }),
      'TERMS_INVALID',
    ],
    [
      'somebody who is not listed',
      withRule({ all: [] }, { needed: 1, of: ['dave'] }),
      'TERMS_APPROVER_UNKNOWN',
    ],
    [
      'a stranger in a change',
      familyTerms({ change: { ...change, of: ['dave', 'alice', 'bob'] } }),
      'TERMS_APPROVER_UNKNOWN',
    ],
    [
      'an heir who may the same twice',
      familyTerms({ silence: { afterSeconds: 90 * DAY, grants: [{ who: 'bob', may: ['use', 'use'] }] } }),
      'TERMS_INVALID',
    ],
    [
      'a stranger as heir',
      familyTerms({ silence: { afterSeconds: 90 * DAY, grants: [{ who: 'dave', may: ['use'] }] } }),
      'TERMS_APPROVER_UNKNOWN',
    ],
    [
      'somebody twice in a rule',
      withRule({ all: [] }, { needed: 2, of: ['alice', 'alice'] }),
      'TERMS_APPROVER_TWICE',
    ],
    ['a name twice', approvers(alice, bob, carol, { ...approver('alice', 4) }), 'TERMS_APPROVER_TWICE'],
    [
      'an XID twice',
      approvers(alice, bob, carol, { ...approver('dave', 4), xid: bytes(1) }),
      'TERMS_APPROVER_TWICE',
    ],
    [
      'a key of two people',
      approvers(alice, bob, carol, { ...approver('dave', 4), keys: alice!.keys }),
      'TERMS_APPROVER_TWICE',
    ],
    [
      'an XID that is that of somebody else’s key',
      approvers(alice, bob, carol, { ...approver('dave', 4), xid: xidOfKey(bytes(101)) }),
      'TERMS_APPROVER_TWICE',
    ],
    [
      'an XID that is that of the owner’s key',
      approvers(alice, bob, carol, { ...approver('dave', 4), xid: xidOfKey(bytes(9)) }),
      'TERMS_APPROVER_TWICE',
    ],
    [
      'a key of two people, once as a passkey',
      approvers(alice, bob, carol, {
        ...approver('dave', 4),
        keys: passkey({ alg: -8, spki: bytes(101, 44) }).keys,
      }),
      'TERMS_APPROVER_TWICE',
    ],
    ['the owner as an approver', familyTerms({ ownerKey: bytes(101) }), 'TERMS_APPROVER_TWICE'],
    ['rules, and nobody who changes them', without(family, 'change'), 'TERMS_CHANGE_MISSING'],
    ['rules without a key of the owner', without(family, 'ownerKey'), 'TERMS_CHANGE_MISSING'],
    ['an owner key alone', { ...policy, ownerKey: bytes(9) }, 'TERMS_CHANGE_MISSING'],
    [
      'all of them for a change, and no words',
      familyTerms({ change: { ...change, needed: 3, words: null } }),
      'TERMS_LOCK_OUT',
    ],
    [
      'nobody for a change, at once',
      familyTerms({ change: { needed: 0, of: [], delaySeconds: DAY - 1, words: null } }),
      'TERMS_CHANGE_UNGUARDED',
    ],
    ['a number without what was before', familyTerms({ version: 1 }), 'TERMS_VERSION_WRONG'],
    ['what was before without a number', familyTerms({ previous: bytes(1) }), 'TERMS_VERSION_WRONG'],
    ['a number 0 that is written', familyTerms({ version: 0, previous: bytes(1) }), 'TERMS_INVALID'],
    [
      'a change that leaves the words out',
      familyTerms({ change: { needed: 2, of: EVERYBODY, delaySeconds: DAY } as never }),
      'TERMS_INVALID',
    ],
  ])('%s', (_, terms, code) => {
    expect(refusalOf(terms)).toBe(code);
  });

  test('as long as that can be seen at once: rules of too many cases are taken to be possible', () => {
    const limits = (fact: string) => ({
      any: Array.from({ length: 8 }, (_, at) => ({ fact, atMost: at + 1 })),
    });
    const dear = ['amountSats', 'feeSats', 'feeShare'].map(limits);
    const never = [
      { fact: 'amountSats', atMost: 5 },
      { fact: 'amountSats', above: 5 },
    ];
    const impossible = rule({ all: [...dear, ...never] });
    const possible = Array.from({ length: 15 }, () => rule({ all: dear }));
    expect(refusalOf(familyTerms({ approvals: [impossible] }))).toBe('TERMS_RULE_IMPOSSIBLE');
    expect(refusalOf(familyTerms({ approvals: [...possible, impossible] }))).toBe('accepted');
  });

  test('and their neighbours are not', () => {
    const neighbours = [
      family,
      approvers(passkey({}), bob, carol),
      approvers(alice, bob, { ...carol!, xid: xidOfKey(bytes(103)) }),
      approvers(passkey({ rpId: 'localhost', origins: ['http://localhost:8080'] }), bob, carol),
      withRule({ all: [] }),
      withRule({
        all: [
          { fact: 'amountSats', atMost: 5 },
          { fact: 'amountSats', above: 4 },
        ],
      }),
      withRule(
        { total: 'amountSats', within: 31 * DAY, above: 0 },
        { needed: 3, of: EVERYBODY, rejectsEnd: 3 },
      ),
      familyTerms({ change: { ...change, needed: 3 } }),
      familyTerms({ change: { ...change, words: null } }),
      familyTerms({ change: { needed: 0, of: [], delaySeconds: DAY, words: null } }),
      without({ ...family, version: 1, previous: bytes(4) }, 'approvals'),
      { ...policy, version: 1, previous: bytes(4) },
    ];
    expect(neighbours.map(refusalOf)).toEqual(neighbours.map(() => 'accepted'));
  });
});
