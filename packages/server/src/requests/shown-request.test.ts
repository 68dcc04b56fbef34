import type { Description } from '@ckm/requests';
import { describe, expect, test } from 'vitest';
import { bytesOfShown, shownOf } from './shown-request.js';

const rows = (count: number, value = 'to somebody') =>
  Array.from({ length: count }, (_, at) => ({ label: 'Pay', value: `${at} ${value}` }));
const described = (change: Partial<Description>): Description => ({
  sentence: 'Pay',
  rows: [],
  warnings: [],
  blind: false,
  ...change,
});
const labels = (change: Partial<Description>) => shownOf(described(change)).rows.map(({ label }) => label);

describe('what the operator is shown of a description', () => {
  test('shownOf keeps every row where they all fit', () => {
    const whole = described({ rows: rows(64), warnings: [{ code: 'FEE_HIGH', text: 'high' }], blind: true });
    const { rows: shown, rowsLeftOut, warnings, blind } = shownOf(whole);
    expect([shown, rowsLeftOut, warnings, blind]).toEqual([whole.rows, 0, whole.warnings, true]);
  });

  test('loses the middle of a long table, and says how much: totals at its end stay', () => {
    const fee = { label: 'Fee', value: '0.1 BTC' };
    const shown = shownOf(described({ rows: [...rows(500), fee] }));
    expect(shown.rowsLeftOut).toBe(437);
    expect(shown.rows).toHaveLength(65);
    expect(shown.rows[0]!.value).toBe('0 to somebody');
    expect(shown.rows[56]).toEqual({ label: '…', value: 'and 437 more rows' });
    expect(shown.rows.at(-1)).toEqual(fee);
  });

  test('never loses a warning, however many there are', () => {
    const warnings = Array.from({ length: 1_500 }, (_, at) => ({ code: 'OUTPUT_DUST', text: `dust ${at}` }));
    expect(shownOf(described({ warnings })).warnings).toEqual(warnings);
  });

  test('stays small however long its rows are, and counts those that did not fit', () => {
    const shown = shownOf(described({ rows: rows(60, '€'.repeat(1_000)) }));
    expect(bytesOfShown(shown)).toBeLessThan(20_000);
    expect(shown.rows.length - 1 + shown.rowsLeftOut).toBe(60);
    const huge = { label: 'Message', value: 'x'.repeat(100_000) };
    expect(labels({ rows: [huge, { label: 'Fee', value: '1' }] })).toEqual(['…', 'Fee']);
    expect(labels({ rows: [{ label: 'Fee', value: '1' }, huge] })).toEqual(['Fee', '…']);
  });
});
