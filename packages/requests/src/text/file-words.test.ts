import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bareFileName, exactSize, roundedSize } from './file-words.js';
import { isReadable } from './quote.js';

describe('the name of a file', () => {
  test.each([
    ['report.pdf', 'report.pdf'],
    ['Übersicht_2026-11.tar.gz', 'Übersicht_2026-11.tar.gz'],
    ['my report.pdf', '“my report.pdf”'],
    ['a, 1 KB, SHA-256 00 with gold', '“a, 1 KB, SHA-256 00 with gold”'],
    ['a”, 1 KB', '“a\\”, 1 KB”'],
    ['gpj.exe\u202efdp.', '“gpj.exe\\u{202e}fdp.”'],
    ['re\u200bport\n\u001b[2J.pdf', '“re\\u{200b}port\\n\\u{1b}[2J.pdf”'],
    ['', '“”'],
    [`${'x'.repeat(200)}.tar.gz`, `“${'x'.repeat(48)}…${'x'.repeat(9)}.tar.gz”`],
    [`invoice.pdf${' '.repeat(100)}.exe`, `“invoice.pdf${' '.repeat(37)}…${' '.repeat(12)}.exe”`],
  ])('%j is shown as %s', (name, shown) => {
    expect(bareFileName(name)).toBe(shown);
  });

  test('holds nothing unsafe and ends no quotation, whatever it is', () => {
    const anyPoint = fc.nat(0x10ffff).map((point) => String.fromCodePoint(point));
    fc.assert(
      fc.property(fc.string({ unit: anyPoint, maxLength: 300 }), (name) => {
        const shown = bareFileName(name).replaceAll(/[\u2068\u2069]/g, '');
        expect(isReadable(shown)).toBe(true);
        expect(shown).not.toMatch(/[\n\r\t]/);
        expect(shown.length).toBeLessThan(700);
        if (!shown.startsWith('“')) expect(shown).not.toMatch(/[\s,()“”]/);
        else expect(shown.slice(1).match(/(?<!\\)(\\\\)*”/g)).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });
});

test('sizes are said as people say them, and to the byte', () => {
  const said = (size: number) => [roundedSize(size), exactSize(size)];
  expect([0, 1, 999].map(said)).toEqual(['0 bytes', '1 byte', '999 bytes'].map((both) => [both, both]));
  expect([1_000, 1_499, 38_112, 999_499, 999_500, 1_048_576].map(said)).toEqual([
    ['1 KB', '1 KB (1,000 bytes)'],
    ['1 KB', '1 KB (1,499 bytes)'],
    ['38 KB', '38 KB (38,112 bytes)'],
    ['999 KB', '999 KB (999,499 bytes)'],
    ['1.0 MB', '1.0 MB (999,500 bytes)'],
    ['1.0 MB', '1.0 MB (1,048,576 bytes)'],
  ]);
});
