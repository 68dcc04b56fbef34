import type { Description } from '@ckm/requests';
import { describe, expect, test } from 'vitest';
import { offerAddress, withAddressesUsed, withChangesUsed } from './addresses.js';
import { encodeKeyRecord, type KeyRecord, parseKeyRecord } from './key-record.js';
import { assertNoneHidden, warnOfSpentCoins, withSpentCoins } from './spent-coins.js';

const RECORD: KeyRecord = {
  name: 'treasury',
  certificate: new Uint8Array(),
  policy: {
    kinds: ['bitcoin'],
    rateLimit: null,
    expiresAt: null,
    blindAllowed: false,
    approval: 'automatic',
  },
  network: 'bitcoin',
  createdAt: 0,
  acknowledged: [],
};
const PLAIN: Description = { sentence: 'Pay.', rows: [], warnings: [], blind: false };
const spending = (by: string, ...coins: string[]) => ({
  by,
  coins,
  coinsOfOthers: [] as string[],
  addresses: [],
  changes: [],
});
const textsFor = (record: KeyRecord, by: string, ...coins: string[]) =>
  warnOfSpentCoins(PLAIN, spending(by, ...coins), record).warnings.map(({ text }) => text);

describe('coins that a signature spends', () => {
  const signed = withSpentCoins(RECORD, spending('first', 'a:0', 'b:1'), 7);

  test('are warned of when another transaction spends one of them, which is named', () => {
    const [text] = textsFor(signed, 'second', 'c:2', 'b:1');
    expect(text).toMatch(/^you signed another transaction that spends the same coin: first; only one/);
    expect(textsFor(signed, 'second', 'c:2')).toEqual([]);
  });

  test('are not warned of when the same transaction is signed again', () => {
    expect(textsFor(signed, 'first', 'a:0', 'b:1')).toEqual([]);
    expect(withSpentCoins(signed, spending('first', 'a:0', 'b:1'), 9).spent).toHaveLength(1);
  });

  test.each(['second', 'first'])(
    'that were signed for before are refused in %s when it passes them off as somebody else’s',
    (by) => {
      const told = (...coinsOfOthers: string[]) => ({ ...spending(by, 'c:2'), coinsOfOthers });
      expect(() => assertNoneHidden(told('d:0', 'b:1'), signed)).toThrow(
        expect.objectContaining({ code: 'PSBT_INPUT_OWNER_HIDDEN', message: expect.stringContaining('b:1') }),
      );
      expect(() => assertNoneHidden(told('d:0'), signed)).not.toThrow();
      expect(() => assertNoneHidden(null, signed)).not.toThrow();
    },
  );

  test('are warned of once, with the latest two named, after several that spend them', () => {
    let record = signed;
    for (const by of ['second', 'third', 'fourth']) record = withSpentCoins(record, spending(by, 'a:0'), 8);
    expect(textsFor(record, 'fifth', 'a:0')).toEqual([
      expect.stringContaining('the same coin: third, fourth and 2 more; only one'),
    ]);
  });

  test('of the latest 128 signatures are remembered', () => {
    let record = signed;
    for (let i = 0; i < 128; i++) record = withSpentCoins(record, spending(`other ${i}`, `z:${i}`), 8);
    expect(record.spent).toHaveLength(128);
    expect([textsFor(record, 'x', 'a:0'), textsFor(record, 'x', 'z:0')].map((one) => one.length)).toEqual([
      0, 1,
    ]);
  });

  test('are forgotten from the oldest on when they are more than two thousand', () => {
    const many = Array.from({ length: 256 }, (_, i) => i);
    let record = signed;
    for (let i = 0; i < 9; i++)
      record = withSpentCoins(record, spending(`payment ${i}`, ...many.map((at) => `${i}:${at}`)), 8);
    expect(record.spent).toHaveLength(8);
    expect([textsFor(record, 'x', '0:7'), textsFor(record, 'x', '8:7')].map((one) => one.length)).toEqual([
      0, 1,
    ]);
  });
});

describe('the next address', () => {
  test('is the first one after all that were handed out or named, and those that a transaction shows', () => {
    expect(offerAddress(RECORD, {})).toMatchObject({ index: 0, isNew: true, count: 1 });
    expect(offerAddress(RECORD, { index: 7 })).toMatchObject({ index: 7, isNew: true, count: 8 });
    const used = withAddressesUsed(RECORD, [30, 4]);
    expect(offerAddress(used, {})).toMatchObject({ index: 31, isNew: true });
    expect(offerAddress(used, { index: 4 })).toMatchObject({ isNew: false, count: 31 });
  });

  test('is not moved by an index a thousand ahead, which is passed over when the count gets there', () => {
    expect(offerAddress(RECORD, { index: 1_000 })).toMatchObject({ index: 1_000, isNew: true, count: 0 });
    expect(withAddressesUsed(RECORD, [2 ** 31 - 1])).toBe(RECORD);
    const kept = { index: 1_000, at: 5, note: 'bob' };
    const later = { ...RECORD, addressesShown: 1_000, handedOut: [kept] };
    expect(offerAddress(later, {})).toMatchObject({ index: 1_001, before: null });
    expect(offerAddress(later, { index: 1_000 })).toMatchObject({ isNew: false, before: kept });
  });
});

test('the change addresses that transactions show are counted up to the last, and never down', () => {
  const used = withChangesUsed(RECORD, [4, 299, 7]);
  expect(used.changesUsed).toBe(300);
  expect(withChangesUsed(used, [12])).toBe(used);
  expect(withChangesUsed(RECORD, [])).toBe(RECORD);
  expect(parseKeyRecord('keys/treasury', encodeKeyRecord(used)).changesUsed).toBe(300);
});

test('one transaction moves the counts of addresses by a hundred at most, however many far ones it names', () => {
  const known = { ...RECORD, addressesShown: 3, changesUsed: 2 };
  const far = Array.from({ length: 511 }, (_, at) => 999 * (at + 1));
  expect(withAddressesUsed(known, far)).toBe(known);
  expect(withAddressesUsed(known, [102, 103]).addressesShown).toBe(103);
  expect(withAddressesUsed(RECORD, far).addressesShown).toBe(1_000);
  expect(withChangesUsed(known, [2_000_000_000]).changesUsed).toBe(102);
  expect(withChangesUsed(RECORD, [2_000_000_000]).changesUsed).toBe(1_000);
});

test('a key record keeps what was handed out and signed, and one of an earlier version has neither', () => {
  const record = withSpentCoins(RECORD, spending('first', 'a:0'), 7);
  const full = { ...record, addressesShown: 3, handedOut: [{ index: 2, at: 5, note: null }] };
  expect(parseKeyRecord('keys/treasury', encodeKeyRecord(full))).toMatchObject({
    addressesShown: 3,
    handedOut: [{ index: 2, at: 5, note: null }],
    spent: record.spent!,
  });
  const older = parseKeyRecord('keys/treasury', encodeKeyRecord(RECORD));
  expect([older.handedOut, older.spent]).toEqual([undefined, undefined]);
});
