import { termsSentences } from '@ckm/api';
import { CkmError, encodeUtf8 } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { certifiedTerms, draftTerms } from './certified-terms.js';
import { MOST_TERMS_FILE_BYTES, readTermsFile, type WrittenTerms } from './terms-file.js';
import { writeTermsFile } from './write-terms-file.js';

const table = REQUEST_FACTS;
const reading = { network: 'bitcoin', purpose: 'bitcoin' } as const;
const read = (text: string) => readTermsFile(encodeUtf8(text), reading);
const readObject = (members: object) => read(JSON.stringify({ terms: 1, ...members }));

/** “0.01 BTC a day without anybody, above that two of three”, as the page of terms has it. */
const FAMILY = {
  terms: 1,
  approvers: ['alice', 'bob', 'carol'],
  approvals: [
    { when: { total: 'amountSats', within: '24h', atMost: '0.01 BTC' } },
    {
      when: { total: 'amountSats', within: '24h', above: '0.01 BTC' },
      needed: 2,
      of: ['alice', 'bob', 'carol'],
    },
  ],
  change: { needed: 2, of: ['alice', 'bob', 'carol'], delay: '3d', words: '30d' },
};

const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const people = {
  ownerKey: bytes(9),
  approvers: ['alice', 'bob', 'carol', 'dave'].map((name, at) => ({
    name,
    xid: bytes(at + 1),
    keys: [{ kind: 'ed25519' as const, key: bytes(at + 101) }],
  })),
};

function outcome(run: () => unknown): {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
} {
  try {
    run();
    return { code: 'accepted', message: '', hint: '' };
  } catch (error) {
    if (error instanceof CkmError) return error;
    throw error;
  }
}

describe('a terms file', () => {
  test('becomes the same terms every time, with the keys of its people and of nobody else', () => {
    const terms = certifiedTerms(read(JSON.stringify(FAMILY)), people, null);
    expect(terms).toEqual({
      kinds: ['bitcoin'],
      rateLimit: null,
      expiresAt: null,
      blindAllowed: false,
      approval: 'automatic',
      ownerKey: bytes(9),
      approvers: people.approvers.slice(0, 3),
      approvals: [
        { when: { total: 'amountSats', within: 86_400, atMost: 1_000_000 }, needed: 0, of: [] },
        {
          when: { total: 'amountSats', within: 86_400, above: 1_000_000 },
          needed: 2,
          of: ['alice', 'bob', 'carol'],
        },
      ],
      change: {
        needed: 2,
        of: ['alice', 'bob', 'carol'],
        delaySeconds: 259_200,
        words: 2_592_000,
      },
    });
    expect(termsSentences(terms, table)).toContain(
      'Rule 2: where the amount with its fee, summed over 1 d, is above 0.01000000 BTC, 2 of alice, bob, carol have to say yes',
    );
  });

  test('that says nothing is a policy with what is usual, and nobody has a key in it', () => {
    const written = read('\ufeff{"terms": 1}');
    expect(certifiedTerms(written, people, null)).toEqual({
      kinds: ['bitcoin'],
      rateLimit: null,
      expiresAt: null,
      blindAllowed: false,
      approval: 'automatic',
    });
  });

  test('says what servers enforce besides people', () => {
    const written = readObject({
      kinds: ['bitcoin'],
      rateLimit: { count: 10, in: '1h' },
      expiresAt: '2027-12-31T18:00+01:00',
      blindAllowed: true,
      approval: 'operator',
      changes: 'automatic',
      changeDelay: '7d',
      recovery: 'static',
    });
    expect(written).toEqual({
      kinds: ['bitcoin'],
      rateLimit: { count: 10, perSeconds: 3_600 },
      expiresAt: Date.parse('2027-12-31T17:00Z') / 1_000,
      blindAllowed: true,
      approval: 'operator',
      changes: 'automatic',
      changeDelay: 604_800,
      recovery: 'static',
    });
  });

  test('names destinations by their addresses', () => {
    const [address, hash] = [
      'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      // SHA-256 of 0014751e76e8199196d454941c45d1b3a323f1433bd6
      '8838f796bf4970b148779c05b74b8c49515b322d04035f7faa5d9b2375df2396',
    ];
    const amongst = (texts: readonly string[]) =>
      readObject({ approvals: [{ when: { fact: 'destinations', among: texts } }] }).approvals![0]!.when;
    const when = { fact: 'destinations', among: [hash] };
    expect([address, address.toUpperCase(), hash].map((one) => amongst([one]))).toEqual([when, when, when]);
    expect(outcome(() => amongst(['tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'])).code).toBe(
      'TERMS_FILE_DESTINATION',
    );
  });

  test('is refused while somebody whom it names has not answered', () => {
    const without = { ...people, approvers: people.approvers.slice(0, 1) };
    expect(outcome(() => certifiedTerms(read(JSON.stringify(FAMILY)), without, null))).toMatchObject({
      code: 'TERMS_APPROVER_ABSENT',
      message: 'bob, carol have not answered an invitation for this key',
    });
  });

  test('comes back from the terms that it became, whatever stands in it', () => {
    fc.assert(
      fc.property(writtenFile, (members) => {
        const written = readObject(members);
        const terms = draftTerms(written);
        expect(read(writeTermsFile(terms))).toEqual(written satisfies WrittenTerms);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a terms file with a mistake is refused, and the message says what and where', () => {
  const rule = (when: unknown, more: object = {}) => ({ ...FAMILY, approvals: [{ when, ...more }] });
  const limit = { fact: 'amountSats', atMost: '0.01 BTC' };

  test.each<[string, string, string]>([
    ['', 'TERMS_FILE_NOT_JSON', 'the terms file is not JSON: it ends too early at line 1, column 1'],
    ['{"terms": 1,\n  "kinds" ["ssh"]}', 'TERMS_FILE_NOT_JSON', 'a : is missing at line 2, column 11'],
    ['{"terms": 1} {}', 'TERMS_FILE_NOT_JSON', 'something stands behind its end at line 1, column 14'],
    ['{"terms": 1,}', 'TERMS_FILE_NOT_JSON', 'the name of a member is missing at line 1, column 13'],
    ['{"terms": 01}', 'TERMS_FILE_NOT_JSON', 'a , is missing at line 1, column 12'],
    ["{'terms': 1}", 'TERMS_FILE_NOT_JSON', 'the name of a member is missing at line 1, column 2'],
    [`{"terms": ${'['.repeat(99)}`, 'TERMS_FILE_NOT_JSON', 'it nests too deep at line 1'],
    [
      '{"terms": 1, "kinds": [], "\\u006binds": []}',
      'TERMS_FILE_TWICE',
      'has “kinds” twice in one object, at line 1, column 27',
    ],
    ['[]', 'TERMS_FILE_MEMBER', 'the terms file holds a list'],
    ['{}', 'TERMS_FILE_VERSION', 'the file does not say that it holds terms'],
    ['{"terms": 2}', 'TERMS_FILE_VERSION', 'the terms file is of another format'],
    [
      '{"terms": 1, "__proto__": {}}',
      'TERMS_FILE_MEMBER',
      'the terms file has “__proto__”, which means nothing there',
    ],
  ])('%s', (text, code, message) => {
    const refusal = outcome(() => read(text));
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(message);
  });

  test.each<[object, string, string]>([
    [{ approval: 'nobody' }, 'TERMS_FILE_MEMBER', 'approval is “nobody”'],
    [{ aprovals: [] }, 'TERMS_FILE_MEMBER', 'the terms file has “aprovals”, which means nothing there'],
    [{ approvals: {} }, 'TERMS_FILE_MEMBER', 'approvals is an object'],
    [{ rateLimit: '10/1h' }, 'TERMS_FILE_MEMBER', 'rateLimit is “10/1h”'],
    [{ rateLimit: { count: 1.5, in: '1h' } }, 'TERMS_FILE_MEMBER', 'rateLimit.count is 1.5'],
    [{ expiresAt: '2027-02-30' }, 'TERMS_FILE_DATE', 'expiresAt is “2027-02-30”, which is no date'],
    [{ changeDelay: '2d' }, 'TERMS_FILE_MEMBER', 'changeDelay is “2d”'],
    [
      rule({ ...limit, atMost: '0.01' }),
      'TERMS_FILE_AMOUNT',
      'approvals[0].when.atMost is “0.01”, which is no amount',
    ],
    [rule({ ...limit, atMost: '0.000000001 BTC' }), 'TERMS_FILE_AMOUNT', 'which is no amount'],
    [rule({ ...limit, atMost: '1.5 sats' }), 'TERMS_FILE_AMOUNT', 'which is no amount'],
    [rule({ ...limit, atMost: '1,000 sats' }), 'TERMS_FILE_AMOUNT', 'which is no amount'],
    [rule({ ...limit, atMost: 1_000_000 }), 'TERMS_FILE_MEMBER', 'approvals[0].when.atMost is 1000000'],
    [rule({ fact: 'feeShare', atMost: '2.555 %' }), 'TERMS_FILE_SHARE', 'which is no share'],
    [
      rule({ fact: 'colour', among: ['x'] }),
      'TERMS_FILE_MEMBER',
      'approvals[0].when.fact is “colour”, which no request says',
    ],
    [rule({ fact: 'constructor', among: ['x'] }), 'TERMS_FILE_MEMBER', 'which no request says'],
    [rule({ ...limit, above: '1 sat' }), 'TERMS_FILE_MEMBER', 'approvals[0].when has atMost and above'],
    [
      rule({ fact: 'amountSats' }),
      'TERMS_FILE_MEMBER',
      'approvals[0].when does not compare a number with a limit',
    ],
    [
      rule({ fact: 'amountSats', among: ['1 sat'] }),
      'TERMS_FILE_MEMBER',
      'does not compare a number with a limit',
    ],
    [
      rule({ fact: 'destinations', atMost: '1 sat' }),
      'TERMS_FILE_MEMBER',
      'does not compare a text with a list',
    ],
    [
      rule({ fact: 'destinations', among: ['me'] }),
      'TERMS_FILE_DESTINATION',
      'approvals[0].when.among[0] is “me”, which is no address of bitcoin',
    ],
    [
      rule({ total: 'amountSats', within: '1 day', atMost: '1 BTC' }),
      'TERMS_FILE_TIME',
      'approvals[0].when.within is “1 day”',
    ],
    [rule({ total: 'amountSats', atMost: '1 BTC' }), 'TERMS_FILE_MEMBER', 'approvals[0].when has no within'],
    [rule({ all: [limit], any: [limit] }), 'TERMS_FILE_MEMBER', 'approvals[0].when has “any”'],
    [rule({ any: [{ all: [limit, 7] }] }), 'TERMS_FILE_MEMBER', 'approvals[0].when.any[0].all[1] is 7'],
    [rule(limit, { of: ['alice'] }), 'TERMS_FILE_MEMBER', 'approvals[0] has no needed'],
    [{ change: { needed: 1, of: ['alice'], delay: '3d' } }, 'TERMS_FILE_MEMBER', 'change has no words'],
    [
      { silence: { after: '90d', grants: [{ who: 'bob', may: ['open'] }] } },
      'TERMS_FILE_MEMBER',
      'silence.grants[0].may[0] is “open”',
    ],
  ])('%j', (members, code, message) => {
    const refusal = outcome(() => readObject(members));
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(message);
    for (const line of [refusal.message, refusal.hint]) expect(line).toMatch(/^[^\n]+$/);
  });

  test.each<[string, object, string]>([
    [
      'nobody could live with',
      { ...FAMILY, change: { ...FAMILY.change, needed: 3, words: 'never' } },
      'TERMS_LOCK_OUT',
    ],
    [
      'name somebody who is no approver',
      { ...FAMILY, approvers: ['alice', 'bob'] },
      'TERMS_APPROVER_UNKNOWN',
    ],
    [
      'name somebody twice',
      { ...FAMILY, approvers: ['alice', 'bob', 'carol', 'bob'] },
      'TERMS_APPROVER_TWICE',
    ],
    [
      'nobody may change',
      { approvers: ['alice'], approvals: FAMILY.approvals.slice(0, 1) },
      'TERMS_CHANGE_MISSING',
    ],
    [
      'name a person by a word',
      { ...FAMILY, approvers: ['alice', 'bob', 'carol', 'nobody'] },
      'TERMS_INVALID',
    ],
  ])('terms that %s are refused before anybody is invited', (_what, members, code) => {
    expect(outcome(() => draftTerms(readObject(members))).code).toBe(code);
  });

  test('one of rubbish, of other files, or too long, by its own code and in one line', () => {
    const codes = new Set<string>();
    const judge = (given: Uint8Array) => {
      const { code, message, hint } = outcome(() => draftTerms(readTermsFile(given, reading)));
      expect(code).toMatch(/^(?:accepted|TERMS_[A-Z_]+)$/);
      if (code !== 'accepted') for (const line of [message, hint]) expect(line).toMatch(/^[^\n]+$/);
      codes.add(code);
    };
    judge(new Uint8Array(MOST_TERMS_FILE_BYTES + 1).fill(0x20));
    judge(Uint8Array.of(0xff, 0xfe, 0x7b));
    const text = JSON.stringify(FAMILY);
    fc.assert(
      fc.property(damaged(text), (one) => judge(encodeUtf8(one))),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.json(), (one) => judge(encodeUtf8(one))),
      { numRuns: 100 },
    );
    expect([...codes]).toEqual(
      expect.arrayContaining(['TERMS_FILE_TOO_LONG', 'TERMS_FILE_NOT_JSON', 'TERMS_FILE_MEMBER']),
    );
  });
});

/** A text with a piece of it gone, doubled, or put elsewhere. */
function damaged(text: string): fc.Arbitrary<string> {
  const place = fc.nat({ max: text.length });
  return fc
    .tuple(place, fc.nat({ max: 40 }), place, fc.constantFrom('cut', 'doubled', 'moved'))
    .map(([from, length, to, how]) => {
      const piece = text.slice(from, from + length);
      const rest = how === 'doubled' ? text : text.slice(0, from) + text.slice(from + length);
      return how === 'cut' ? rest : rest.slice(0, to) + piece + rest.slice(to);
    });
}

const sats = fc.nat({ max: 2_100_000_000 }).map((count) => `${count} sats`);
const when: fc.Arbitrary<object> = fc.oneof(
  fc.record({ fact: fc.constantFrom('amountSats', 'feeSats'), atMost: sats }),
  fc.record({
    fact: fc.constant('feeShare'),
    above: fc.nat({ max: 9_999 }).map((share) => `${share / 100} %`),
  }),
  fc.record({ total: fc.constant('amountSats'), within: fc.constantFrom('90s', '36h', '31d'), above: sats }),
  fc.record({ fact: fc.constant('kind'), among: fc.constant(['bitcoin']) }),
);
const anyWhen = fc.oneof(
  when,
  fc.record({ any: fc.array(when, { minLength: 1, maxLength: 3 }) }),
  fc.constant({ all: [] }),
);
const asked = fc.record({ needed: fc.constantFrom(1, 2, 3), of: fc.constant(FAMILY.approvers) });
const writtenFile = fc.record({
  approvers: fc.constant(FAMILY.approvers),
  approvals: fc.array(
    fc.tuple(anyWhen, fc.option(asked)).map(([one, of]) => ({ when: one, ...of })),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
  change: fc.record({
    needed: fc.constantFrom(1, 2),
    of: fc.constant(FAMILY.approvers),
    rejectsEnd: fc.constantFrom(1, 2),
    delay: fc.constantFrom('0s', '61m', '7d'),
    words: fc.constantFrom('never', '7d', '365d'),
  }),
  silence: fc.constant({ after: '180d', grants: [{ who: 'carol', may: ['use', 'recover'] }] }),
  rateLimit: fc.record({ count: fc.integer({ min: 1, max: 100 }), in: fc.constantFrom('1s', '365d') }),
  expiresAt: fc.constantFrom('2027-12-31', '2027-12-31T18:30:01Z'),
});
