import { describe, expect, test } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { certificateOf, createMembers, NEXT, OTHER, SECOND, spoken } from './fixtures/signed.js';
import {
  encodeLockCertificate,
  encodeMemberState,
  encodeStatement,
  type LockCertificate,
  MAX_LOCK_CERTIFICATE_BYTES,
  MAX_MEMBER_STATE_BYTES,
  MAX_STATEMENT_BYTES,
  type MemberState,
  newMember,
  parseLockCertificate,
  parseMemberState,
  parseStatement,
  releaseByWords,
  restored,
  type Signed,
  type Statement,
} from './index.js';

/** A 2-of-3 in which all three locked, two gave way, and one is in the attempt after that. */
function story() {
  const key = createMembers({ needed: 2, of: 3 });
  const promises = spoken([1, 2, 3].map((slot) => key.promise(slot, 1)));
  const locks = spoken([1, 2, 3].map((slot) => key.lock(slot, NEXT, promises)));
  const certificate = certificateOf(1, NEXT, locks);
  const yields = spoken([1, 2].map((slot) => key.yield(slot, certificate)));
  const next = spoken([key.promise(2, 2, { shown: promises, orderHash: SECOND, recall: bytesOf('drawn') })]);
  return { key, promises, locks, certificate, yields, next };
}

const { key, promises, locks, certificate, yields, next } = story();
const SIGNATURE = new Uint8Array(64).fill(7);

/** Refuses everything but the bytes themselves: cut anywhere, longer, and with flags that are neither 0 nor 1. */
function expectExact(bytes: Uint8Array, parse: (bytes: Uint8Array) => unknown, flags: readonly number[]) {
  for (let length = 0; length < bytes.length; length++)
    expect(codeOf(() => parse(bytes.subarray(0, length)))).toMatch(/^(LAYOUT|PARTY_INDEX)_INVALID$/);
  expect(codeOf(() => parse(Uint8Array.of(...bytes, 0)))).toMatch(/^LAYOUT_(INVALID|TOO_LONG)$/);
  for (const at of [0, ...flags]) {
    const altered = bytes.map((byte, i) => (i === at ? byte + 2 : byte));
    expect(codeOf(() => parse(altered))).toBe('LAYOUT_INVALID');
  }
}

describe('the bytes of a statement', () => {
  const said: readonly Signed<Statement>[] = [...promises, ...locks, ...yields, ...next];

  test('are one encoding for each, which parses back to it', () => {
    for (const one of said) {
      const bytes = encodeStatement(one);
      expect(parseStatement(bytes)).toEqual(one);
      expect(bytes.length).toBeLessThanOrEqual(MAX_STATEMENT_BYTES);
    }
    expect(encodeStatement(next[0]!)).toHaveLength(MAX_STATEMENT_BYTES);
  });

  test('V32: cut, longer, or with another byte where only two are possible, are refused', () => {
    expectExact(encodeStatement(promises[0]!), parseStatement, [8, 8 + 65]);
    expectExact(encodeStatement(locks[0]!), parseStatement, [8]);
    const unknown = encodeStatement(locks[0]!).map((byte, i) => (i === 1 ? 3 : byte));
    expect(codeOf(() => parseStatement(unknown))).toBe('LAYOUT_INVALID');
  });

  test('V1, V4: of slot 0, attempt 0 or a signature of another length are neither written nor read', () => {
    const [one] = locks;
    expect(codeOf(() => encodeStatement({ ...one!, slot: 0 as PartyIndex }))).toBe('PARTY_INDEX_INVALID');
    expect(codeOf(() => encodeStatement({ ...one!, attempt: 0 }))).toBe('LAYOUT_INVALID');
    expect(codeOf(() => encodeStatement({ ...one!, signature: new Uint8Array(63) }))).toBe('LAYOUT_INVALID');
    const zeroed = (from: number, to: number) =>
      encodeStatement(one!).map((byte, i) => (i >= from && i < to ? 0 : byte));
    expect(codeOf(() => parseStatement(zeroed(2, 4)))).toBe('PARTY_INDEX_INVALID');
    expect(codeOf(() => parseStatement(zeroed(4, 8)))).toBe('LAYOUT_INVALID');
  });
});

describe('the bytes of a lock certificate', () => {
  const bytes = encodeLockCertificate(certificate);

  test('are one encoding, in order of slots whatever the order given', () => {
    expect(parseLockCertificate(bytes)).toEqual(certificate);
    expect(encodeLockCertificate({ ...certificate, locks: locks.toReversed() })).toEqual(bytes);
    expectExact(bytes, parseLockCertificate, [1 + 4 + 32 + 1 + 2]);
  });

  test('with a member twice, another lock, or members out of order are neither written nor read', () => {
    const written = (altered: Partial<LockCertificate>) =>
      codeOf(() => encodeLockCertificate({ ...certificate, ...altered }));
    expect(written({ locks: [locks[0]!, locks[0]!] })).toBe('LAYOUT_INVALID');
    expect(written({ locks: [{ ...locks[0]!, next: OTHER }] })).toBe('LAYOUT_INVALID');
    expect(written({ attempt: 2 })).toBe('LAYOUT_INVALID');
    expect(written({ locks: yields as never })).toBe('LAYOUT_INVALID');
    const [head, entry] = [1 + 4 + 32 + 1, 2 + 1 + 64];
    const first = bytes.subarray(head, head + entry);
    for (const at of [head, head + entry]) {
      const altered = bytes.slice();
      altered.set(at === head ? bytes.subarray(head + entry, head + 2 * entry) : first, at);
      expect(codeOf(() => parseLockCertificate(altered))).toBe('LAYOUT_INVALID');
    }
  });

  test('of the largest roster are as long as the bound, and of one more are refused', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        ...locks[0]!,
        slot: (i + 1) as PartyIndex,
        signature: SIGNATURE,
      }));
    const largest = encodeLockCertificate({ ...certificate, locks: many(32) });
    expect(largest).toHaveLength(MAX_LOCK_CERTIFICATE_BYTES);
    expect(parseLockCertificate(largest).locks).toHaveLength(32);
    expect(codeOf(() => encodeLockCertificate({ ...certificate, locks: many(33) }))).toBe('LAYOUT_INVALID');
    expect(codeOf(() => parseLockCertificate(Uint8Array.of(...largest, 0)))).toBe('LAYOUT_TOO_LONG');
  });
});

describe('the bytes of what a member remembers', () => {
  const states: readonly MemberState[] = [
    newMember(3 as PartyIndex),
    key.stateOf(1),
    key.stateOf(2),
    key.stateOf(3),
    restored(key.stateOf(1), bytesOf('drawn')),
    { ...key.stateOf(2), released: { orderHash: SECOND, voided: null } },
    { ...key.stateOf(2), released: { orderHash: SECOND, voided: OTHER } },
    releaseByWords(key.stateOf(1), { orderHash: SECOND, voided: NEXT }),
    releaseByWords(restored(key.stateOf(1), bytesOf('drawn')), { orderHash: SECOND, voided: null }),
  ];

  test('are one encoding for each, which parses back to it', () => {
    for (const state of states) expect(parseMemberState(encodeMemberState(state))).toEqual(state);
    expect(key.stateOf(2).ladder).not.toEqual([]);
    expect(key.stateOf(1)).toMatchObject({ yielded: { next: NEXT }, highest: { attempt: 1 } });
  });

  test('V32: cut or longer are refused', () => {
    for (const state of states) expectExact(encodeMemberState(state), parseMemberState, []);
  });

  test('of the largest roster are within the bound', () => {
    const ladder = Array.from({ length: 32 }, () => next[0]!);
    const many = Array.from({ length: 32 }, (_, i) => ({ ...locks[0]!, slot: (i + 1) as PartyIndex }));
    const state: MemberState = {
      ...key.stateOf(1),
      promise: { ...promises[0]!, highest: { attempt: 1, next: NEXT } },
      highest: { ...certificate, locks: many },
      ladder,
      forgot: NEXT,
      released: {
        orderHash: SECOND,
        voided: OTHER,
        plain: { forgot: NEXT, highest: { ...certificate, locks: many } },
      },
    };
    const { signature: _signature, ...promise } = state.promise as Signed<Statement>;
    const bytes = encodeMemberState({ ...state, promise: promise as never });
    expect(bytes.length).toBeLessThanOrEqual(MAX_MEMBER_STATE_BYTES);
    expect(codeOf(() => encodeMemberState({ ...state, ladder: [...ladder, next[0]!] }))).toBe(
      'LAYOUT_INVALID',
    );
  });

  test('that no member can be in are neither written nor read', () => {
    const state = key.stateOf(1);
    const wrong: Partial<MemberState>[] = [
      { slot: 2 as PartyIndex },
      { attempt: 2 },
      { attempt: 0, promise: null, lock: null },
      { promisedAt: 0.5 },
      { promisedAt: -1 },
      { forgot: new Uint8Array(31) },
      { released: { orderHash: new Uint8Array(31), voided: null } },
      { released: { orderHash: SECOND, voided: null, plain: { forgot: new Uint8Array(31), highest: null } } },
    ];
    for (const altered of wrong)
      expect(codeOf(() => encodeMemberState({ ...state, ...altered }))).toBe('LAYOUT_INVALID');
    const bytes = encodeMemberState(state).map((byte, i) => (i >= 3 && i < 7 ? 0 : byte));
    expect(codeOf(() => parseMemberState(bytes))).toBe('LAYOUT_INVALID');
  });
});
