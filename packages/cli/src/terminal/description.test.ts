import { describe, expect, test } from 'vitest';
import { formatDescription } from './description.js';
import { textWidth } from './wrap-text.js';

const screen = (columns: number | undefined) => ({ columns, style: (_: unknown, text: string) => text });
const described = { sentence: 'Sign it', rows: [], warnings: [], blind: false };
const linesOf = (columns: number | undefined, more: Partial<Parameters<typeof formatDescription>[1]>) =>
  formatDescription(screen(columns), { ...described, ...more }).split('\n');

describe('a description on a terminal', () => {
  test('a value that is long pushes neither the notes of others nor the sentence off the screen', () => {
    const rows = [
      { label: 'Author', value: 'Alice <alice@example.org>', note: '2026-11-21 06:00 UTC, zone +0000' },
      { label: 'Message', value: `“${'word '.repeat(400)}”`, note: '2,000 bytes' },
      { label: 'Object', value: 'SHA-256 0123', note: '2,345 bytes' },
    ];
    for (const columns of [undefined, 80, 60, 200]) {
      const lines = linesOf(columns, { rows });
      expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(Math.min(columns ?? 80, 120));
      expect(lines.length).toBeLessThan(24);
      expect(lines.join(' ').replace(/\s+/g, ' ')).toContain(
        'and 1682 more characters: see all with --preview --json',
      );
    }
  });

  test('a note that does not fit behind its value stands below it', () => {
    const address = 'bc1p'.padEnd(62, 'q');
    const rows = [
      { label: 'To', value: address, note: 'receives 0.01 BTC, an address never paid before' },
      { label: 'Fee', value: '1,240 sats', note: '4.1 sat/vB, 0.10 % of what leaves' },
    ];
    expect(linesOf(80, { rows }).slice(3, 6)).toEqual([
      `  To   ${address}`,
      '         receives 0.01 BTC, an address never paid before',
      '  Fee  1,240 sats  4.1 sat/vB, 0.10 % of what leaves',
    ]);
  });

  test('letters two columns wide, and words without an end, are broken where the terminal ends', () => {
    const sentence = `Sign “${'密'.repeat(200)}” and ${'x'.repeat(300)}`;
    const lines = linesOf(80, { sentence, warnings: [{ code: 'X', text: 'doubt '.repeat(60) }] });
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(80);
    expect(lines.join('').match(/密/g)).toHaveLength(200);
    expect(lines.join('').match(/x/g)).toHaveLength(300);
  });

  test('a value cannot draw a line of its own that looks like ours', () => {
    const rows = [{ label: 'Message', value: 'hello\n\n  Sign something harmless', note: 'note\nFee  0' }];
    expect(linesOf(80, { rows }).filter((line) => /^ {2}\S/.test(line))).toEqual([
      '  Sign it',
      expect.stringMatching(/^ {2}Message {2}hello\ufffd/),
    ]);
  });
});
