import { describe, expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { back, coin, pay, psbtOf } from '../../fixtures/psbt.js';
import { bitcoinKind } from '../index.js';
import { isClearlyAhead } from './locks.js';

const treasury = bitcoinKey();
const OUTPUTS = [pay(900_000n), back(treasury, 0, 99_000n)];
/** 2026-11-29 12:00:00 UTC; about 976,900 blocks. */
const NOW = 1_795_953_600;
const YEAR = 31_557_600;

interface Locked {
  readonly lockTime?: number;
  readonly sequences?: readonly number[];
  readonly now?: number;
}
function told({ lockTime = 0, sequences = [0xfffffffd], now }: Locked) {
  const coins = sequences.map((sequence, at) => ({ ...coin(treasury, at, 1_000_000n), sequence }));
  const outputs = [...OUTPUTS, back(treasury, 1, 1_000_000n * BigInt(coins.length - 1) + 1n)].slice(
    0,
    coins.length > 1 ? 3 : 2,
  );
  const parsed = bitcoinKind.parse(psbtOf(coins, outputs, { lockTime }));
  const { rows, warnings } = bitcoinKind.describe(parsed, {
    ...treasury.context,
    ...(now === undefined ? {} : { now }),
  });
  return {
    rows: rows.filter(({ label }) => label === 'Not before').map(({ value }) => value),
    warnings: warnings.map(({ text }) => text),
  };
}

describe('a lock time', () => {
  test('of about this moment, which wallets write against miners who go back, is shown and not warned of', () => {
    expect(told({ lockTime: 976_900, now: NOW })).toEqual({ rows: ['block 976,901'], warnings: [] });
    expect(told({ lockTime: NOW, now: NOW }).warnings).toEqual([]);
  });

  test('of long ago is not warned of', () => {
    expect(told({ lockTime: 100, now: NOW }).warnings).toEqual([]);
    expect(told({ lockTime: NOW - YEAR, now: NOW }).warnings).toEqual([]);
  });

  test('that is clearly ahead is warned of, with the first block the transaction can be in', () => {
    expect(told({ lockTime: 1_200_000, now: NOW })).toEqual({
      rows: ['block 1,200,001'],
      warnings: ['it cannot be mined before block 1,200,001'],
    });
    expect(told({ lockTime: NOW + YEAR, now: NOW }).warnings).toEqual([
      'it cannot be mined before 2027-11-29 18:00:00 UTC',
    ]);
  });

  test('is warned of whatever it says where nobody knows what time it is', () => {
    expect(told({ lockTime: 100 }).warnings).toEqual(['it cannot be mined before block 101']);
  });

  test('that every input overrules is neither shown nor warned of', () => {
    expect(told({ lockTime: 1_200_000, sequences: [0xffffffff], now: NOW })).toEqual({
      rows: [],
      warnings: [],
    });
  });

  test('in blocks of a test network is not compared with the blocks of the main one', () => {
    expect(isClearlyAhead(4_800_000, NOW, 'testnet')).toBe(false);
    expect(isClearlyAhead(4_800_000, NOW)).toBe(true);
    expect(isClearlyAhead(NOW + YEAR, NOW, 'testnet')).toBe(true);
  });
});

describe('a lock until coins are old enough is told in words', () => {
  test.each<[string, number[], string]>([
    ['one block', [1], '1 block old (about 10 minutes)'],
    ['a day of blocks', [144], '144 blocks old (about 24 hours)'],
    ['a week of blocks', [1_008], '1,008 blocks old (about 7 days)'],
    ['the longest of several', [10, 144, 0xfffffffd], '144 blocks old (about 24 hours)'],
    ['512 seconds', [0x400001], '9 minutes old'],
    ['two days in units of 512 seconds', [0x400000 + 338], '2 days old'],
    [
      'blocks of one coin and time of another',
      [6, 0x400000 + 15],
      '6 blocks old (about 60 minutes) and 2 hours old',
    ],
  ])('%s', (_, sequences, age) => {
    const { rows, warnings } = told({ sequences, now: NOW });
    expect(rows).toEqual([`its coins are ${age}`]);
    expect(warnings).toEqual([`it cannot be mined before its coins are ${age}`]);
  });

  test.each([0, 0x400000, 0x80000090, 0xfffffffe])('sequence %i is none', (sequence) => {
    expect(told({ sequences: [sequence], now: NOW })).toEqual({ rows: [], warnings: [] });
  });
});
