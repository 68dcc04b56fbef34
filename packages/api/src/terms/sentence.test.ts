import { REQUEST_FACTS } from '@ckm/requests';
import { describe, expect, test } from 'vitest';
import { encodeTerms, parseTerms } from './encode.js';
import { approver, bytes, DAY, EVERYBODY, familyTerms, policy } from './fixtures/terms.js';
import type { KeyTerms, UseRule } from './schema.js';
import { termsSentences } from './sentence.js';

const table = REQUEST_FACTS;
const said = (terms: KeyTerms) => termsSentences(terms, table);
const always = (more: Partial<UseRule> = {}): UseRule => ({ when: { all: [] }, needed: 0, of: [], ...more });
const heirs = {
  afterSeconds: 180 * DAY,
  grants: [{ who: 'carol', may: ['use' as const, 'recover' as const] }],
};

describe('terms in sentences', () => {
  test('say of a key of a family what goes without anybody, who is asked, and how that changes', () => {
    const terms = familyTerms({ version: 2, previous: bytes(0xab), silence: heirs });
    expect(said(terms)).toMatchInlineSnapshot(`
      [
        "Terms 2, behind those with hash abab abab abab abab abab abab abab abab abab abab abab abab abab abab abab abab",
        "It answers requests of kind “bitcoin”",
        "There may be any number of them",
        "It does not expire",
        "What cannot be described is not signed",
        "No operator has to say yes to a request",
        "Other servers come when their operators say yes, after 1 d",
        "A lost share comes back from a backup or from other servers",
        "Rule 1: where the amount with its fee, summed over 1 d, is at most 0.01000000 BTC, nobody is asked",
        "Rule 2: where the amount with its fee, summed over 1 d, is above 0.01000000 BTC, 2 of alice, bob, carol have to say yes",
        "A request that no rule fits is refused; one that several fit, or may fit, has to meet all of them",
        "For other terms 2 of alice, bob, carol have to say yes; what loosens them works after 3 d",
        "The words alone change the terms after 30 d",
        "When the owner gives no sign for 180 d, carol may use and recover",
        "The key of the owner is 0909 0909 0909 0909 0909 0909 0909 0909 0909 0909 0909 0909 0909 0909 0909 0909",
        "alice is XID 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101 0101, with the Ed25519 key 6565 6565 6565 6565 6565 6565 6565 6565 6565 6565 6565 6565 6565 6565 6565 6565",
        "bob is XID 0202 0202 0202 0202 0202 0202 0202 0202 0202 0202 0202 0202 0202 0202 0202 0202, with the Ed25519 key 6666 6666 6666 6666 6666 6666 6666 6666 6666 6666 6666 6666 6666 6666 6666 6666",
        "carol is XID 0303 0303 0303 0303 0303 0303 0303 0303 0303 0303 0303 0303 0303 0303 0303 0303, with the Ed25519 key 6767 6767 6767 6767 6767 6767 6767 6767 6767 6767 6767 6767 6767 6767 6767 6767",
      ]
    `);
  });

  test('say of a policy what it always said, and that nobody else is asked', () => {
    const other = {
      ...policy,
      kinds: ['ssh', 'git'],
      rateLimit: { count: 10, perSeconds: 3_600 },
      expiresAt: 1_795_286_400,
      blindAllowed: true,
      approval: 'operator' as const,
    };
    expect(said(other)).toMatchInlineSnapshot(`
      [
        "Terms 0, as the key was made",
        "It answers requests of kind “ssh”, “git”",
        "They are at most 10 in 1 h",
        "It answers nothing from 2026-11-21 18:40:00 UTC on",
        "What cannot be described is signed",
        "Each operator says yes to each request",
        "Other servers come when their operators say yes, after 1 d",
        "A lost share comes back from a backup or from other servers",
        "Nobody else is asked for a request",
      ]
    `);
  });

  test('say conditions in words: what belongs together stands in brackets', () => {
    const rules = [
      always({
        when: {
          any: [
            { fact: 'feeShare', atMost: 550 },
            {
              all: [
                { fact: 'feeSats', above: 20_000 },
                { fact: 'destinations', among: ['aa', 'bb'] },
              ],
            },
          ],
        },
      }),
      always({ when: { fact: 'destinations', beyond: ['aa'] }, needed: 1, of: ['alice'], rejectsEnd: 1 }),
      always({
        when: { fact: 'destinations', among: Array.from({ length: 20 }, (_, at) => `${at}`) },
      }),
    ];
    const sentences = said(familyTerms({ approvals: rules })).filter((sentence) =>
      sentence.startsWith('Rule'),
    );
    expect(sentences).toMatchInlineSnapshot(`
      [
        "Rule 1: where the relative fee is at most 5.50 % or (the fee is above 0.00020000 BTC and each destination is one of “aa”, “bb”), nobody is asked",
        "Rule 2: where some destination is not “aa”, alice has to say yes; 1 no ends it",
        "Rule 3: where each destination is one of “0”, “1”, “2” and 17 more (SHA-256 98a5 1685 3bef 08e3 0834 f748 2f0c 0e22 8216 6a01 321f 7c39 f211 5c66 533d bde8), nobody is asked",
      ]
    `);
  });

  test('are the same out of the bytes, wherever they are read', () => {
    const terms = familyTerms({ silence: heirs });
    expect(said(parseTerms(encodeTerms(terms), table))).toEqual(said(terms));
  });

  test('of two terms that mean something else are never the same', () => {
    const family = familyTerms();
    const [alice, ...others] = family.approvers!;
    const change = family.change!;
    const list = Array.from({ length: 20 }, (_, at) => `${at}`);
    const rule = (more: Partial<UseRule>) => familyTerms({ approvals: [always(more)] });
    const all = [
      policy,
      family,
      familyTerms({ version: 1, previous: bytes(1) }),
      familyTerms({ version: 1, previous: bytes(2) }),
      familyTerms({ version: 2, previous: bytes(2) }),
      familyTerms({ kinds: ['bitcoin', 'message'] }),
      familyTerms({ rateLimit: { count: 1, perSeconds: 60 } }),
      familyTerms({ rateLimit: { count: 1, perSeconds: 61 } }),
      familyTerms({ expiresAt: 5 }),
      familyTerms({ blindAllowed: true }),
      familyTerms({ approval: 'operator' }),
      familyTerms({ changes: 'automatic' }),
      familyTerms({ changeDelay: 0 }),
      familyTerms({ recovery: 'static' }),
      familyTerms({ ownerKey: bytes(8) }),
      familyTerms({ change: { ...change, needed: 1 } }),
      familyTerms({ change: { ...change, rejectsEnd: 1 } }),
      familyTerms({ change: { ...change, delaySeconds: 0 } }),
      familyTerms({ change: { ...change, words: null } }),
      familyTerms({ change: { ...change, words: 31 * DAY } }),
      familyTerms({ change: { ...change, of: ['alice', 'bob'] } }),
      familyTerms({ silence: heirs }),
      familyTerms({ silence: { ...heirs, afterSeconds: 181 * DAY } }),
      familyTerms({ silence: { ...heirs, grants: [{ who: 'carol', may: ['use'] }] } }),
      familyTerms({ approvers: [{ ...alice!, xid: bytes(50) }, ...others] }),
      familyTerms({ approvers: [{ ...alice!, keys: [{ kind: 'ed25519', key: bytes(50) }] }, ...others] }),
      familyTerms({ approvers: [...family.approvers!, approver('dave', 4)] }),
      rule({}),
      rule({ needed: 1, of: EVERYBODY }),
      rule({ needed: 2, of: EVERYBODY }),
      rule({ when: { fact: 'amountSats', atMost: 1 } }),
      rule({ when: { fact: 'amountSats', above: 1 } }),
      rule({ when: { fact: 'feeSats', above: 1 } }),
      rule({ when: { fact: 'feeShare', above: 1 } }),
      rule({ when: { total: 'amountSats', within: 60, above: 1 } }),
      rule({ when: { total: 'amountSats', within: 61, above: 1 } }),
      rule({ when: { fact: 'destinations', among: ['a'] } }),
      rule({ when: { fact: 'destinations', beyond: ['a'] } }),
      rule({ when: { fact: 'destinations', among: ['a', 'b'] } }),
      rule({ when: { fact: 'destinations', among: list } }),
      rule({ when: { fact: 'destinations', among: [...list.slice(1), 'x'] } }),
      rule({ when: { fact: 'destinations', among: [...list.slice(0, -1), 'x'] } }),
      rule({
        when: {
          all: [
            { fact: 'feeSats', atMost: 1 },
            { fact: 'amountSats', atMost: 1 },
          ],
        },
      }),
      rule({
        when: {
          any: [
            { fact: 'feeSats', atMost: 1 },
            { fact: 'amountSats', atMost: 1 },
          ],
        },
      }),
      rule({ when: { any: [{ fact: 'feeSats', atMost: 1 }, { all: [] }] } }),
    ];
    const sentences = all.map((terms) => said(terms).join('\n'));
    expect(sentences.filter((one, at) => sentences.indexOf(one) !== at)).toEqual([]);
  });

  test('stay one line each, whatever the texts of a rule are', () => {
    const texts = ['”, nobody is asked', 'a', ' ', ''];
    const terms = familyTerms({
      kinds: ['message'],
      approvals: [always({ when: { fact: 'domain', among: texts.slice(1) } })],
    });
    expect(said(terms)).toContain('Rule 1: where the domain is one of “a”, “ ”, “”, nobody is asked');
    for (const sentence of said(terms)) expect(sentence).toMatch(/^[^\n]+[^.]$/);
    const forged = familyTerms({
      approvals: [always({ when: { fact: 'destinations', among: [texts[0]!] } })],
    });
    expect(() => parseTerms(encodeTerms(forged), table)).toThrow();
  });
});
