import { CkmError, encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import { policyHash } from './policy-hash.js';
import { bytes, daily, familyTerms, policy } from './fixtures/terms.js';
import {
  assertChangeOfTerms,
  changeOfTerms,
  encodeTermsChange,
  isSettling,
  MOST_TERMS_AHEAD,
  parseTermsChange,
  type TermsChange,
  termsChangeDigest,
} from './statement.js';

function outcome(run: () => unknown): string {
  try {
    run();
    return 'accepted';
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
}

const keyId = bytes(1);
const before = familyTerms();
const after = familyTerms({ version: 1, previous: policyHash(before), approvals: daily(5) });
const change = changeOfTerms({ keyId, id: bytes(2) }, before, after);
const digestOf = (one: TermsChange) => encodeHex(termsChangeDigest(one));

describe('a change of terms', () => {
  test('names the key, the terms in force by hash, the next number, and the terms to be by hash', () => {
    expect(change).toEqual({
      keyId,
      id: bytes(2),
      previous: policyHash(before),
      version: 1,
      termsHash: policyHash(after),
    });
    expect(parseTermsChange(encodeTermsChange(change))).toEqual(change);
    expect(encodeTermsChange(change).length).toBeLessThan(512);
  });

  test('V11: has another digest with any other member, so that no yes to one is a yes to another', () => {
    const others: Partial<TermsChange>[] = [
      { keyId: bytes(9) },
      { id: bytes(9) },
      { previous: bytes(9) },
      { version: 2 },
      { termsHash: bytes(9) },
    ];
    const digests = [change, ...others.map((other) => ({ ...change, ...other }))].map(digestOf);
    expect(new Set(digests).size).toBe(6);
  });

  test('follows the terms in force, from those that a key was made with on', () => {
    const third = familyTerms({ version: 2, previous: policyHash(after) });
    expect(changeOfTerms({ keyId, id: bytes(3) }, after, third).version).toBe(2);
    const plain = { ...policy, version: 1, previous: policyHash(policy) };
    expect(changeOfTerms({ keyId, id: bytes(3) }, policy, plain).version).toBe(1);
  });

  test('takes back what else has followed where its number is more than the next', () => {
    const settling = changeOfTerms({ keyId, id: bytes(3) }, before, { ...after, version: 9 });
    expect([isSettling(settling, before), isSettling(change, before)]).toEqual([true, false]);
  });

  test.each<[string, Partial<TermsChange>, string]>([
    ['of another key', { keyId: bytes(9) }, 'TERMS_STATEMENT_INVALID'],
    ['to other terms', { termsHash: bytes(9) }, 'TERMS_STATEMENT_INVALID'],
    ['with a number that was', { version: 0 }, 'TERMS_VERSION_WRONG'],
    ['with a number that leaves one out', { version: 2 }, 'TERMS_VERSION_WRONG'],
    ['behind other terms', { previous: bytes(9) }, 'TERMS_VERSION_WRONG'],
  ])('%s is refused', (_, other, code) => {
    const run = () => {
      assertChangeOfTerms({ ...change, ...other }, { keyId, before, after });
    };
    expect(outcome(run)).toBe(code);
  });

  test('to terms that say another number or other terms before them is refused', () => {
    const wrong = [
      { ...after, version: 0 },
      { ...after, version: MOST_TERMS_AHEAD + 1 },
      { ...after, previous: bytes(9) },
      familyTerms({ approvals: daily(5) }),
    ];
    for (const terms of wrong)
      expect(outcome(() => changeOfTerms({ keyId, id: bytes(2) }, before, terms))).toBe(
        'TERMS_VERSION_WRONG',
      );
  });

  test('V9: that is cut, longer, or something else is refused', () => {
    const encoded = encodeTermsChange(change);
    for (let length = 0; length < encoded.length; length += 7)
      expect(outcome(() => parseTermsChange(encoded.subarray(0, length)))).not.toBe('accepted');
    const others = [
      { ...change },
      { ...change, v: 2 },
      { ...change, v: 1, reason: 'x' },
      { ...change, v: 1, version: 0 },
    ];
    for (const other of others)
      expect(outcome(() => parseTermsChange(encodeData(other)))).toBe('TERMS_STATEMENT_INVALID');
    expect(outcome(() => parseTermsChange(new Uint8Array(513)))).toBe('CBOR_TOO_LONG');
  });
});
