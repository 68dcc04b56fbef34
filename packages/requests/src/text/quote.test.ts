import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeText, groupDigits, groupsOfFour, isReadable, plural, quoteText } from './quote.js';

describe('a quotation cannot', () => {
  test.each([
    ['end early', 'a” by Alice', '“a\\” by Alice”'],
    ['open another', '“a"', '“\\“a\\"”'],
    ['forge an escape', '\\u{202e}', '“\\\\u{202e}”'],
    ['start a line', 'a\nb\r\n\tc', '“a\\nb\\r\\n\\tc”'],
    ['reorder text', 'a\u202eb\u2066c\u200fd', '“a\\u{202e}b\\u{2066}c\\u{200f}d”'],
    ['hide letters', 'a\u200bb\ufeffc\u00add\u3164e', '“a\\u{200b}b\\u{feff}c\\u{ad}d\\u{3164}e”'],
    ['move the cursor', 'a\u001b[2Jb\u0007\u007f\u009b', '“a\\u{1b}[2Jb\\u{7}\\u{7f}\\u{9b}”'],
    ['look like a space', 'a\u00a0b\u2003c\u3000', '“a\\u{a0}b\\u{2003}c\\u{3000}”'],
    ['break lines its own way', 'a\u2028b\u2029c\u0085', '“a\\u{2028}b\\u{2029}c\\u{85}”'],
    ['use tags nobody sees', 'a\u{e0041}b', '“a\\u{e0041}b”'],
    ['hold half a letter', 'a\ud800b', '“a\\u{d800}b”'],
  ])('%s', (_, text, quoted) => {
    expect(quoteText(text)).toBe(quoted);
  });

  test('spill over neighbouring lines', () => {
    expect(escapeText(`a${'\u0301'.repeat(50)}b`)).toBe(`a${'\u0301'.repeat(4)}\ufffdb`);
  });

  test('reorder the words around it when it is written from right to left', () => {
    expect(quoteText('שלום')).toBe('“\u2068שלום\u2069”');
  });

  test('look like another one that is longer', () => {
    const quoted = quoteText('x'.repeat(500), 10);
    expect(quoted).toMatch(/^“x{10}”… \(500 characters, SHA-256 ([0-9a-f]{4} ){15}[0-9a-f]{4}\)$/);
    expect(quoteText('x'.repeat(499) + 'y', 10)).not.toBe(quoted);
  });

  test('grow beyond its limit by characters that are escaped', () => {
    expect(quoteText('\u{10ffff}'.repeat(5_000), 100).length).toBeLessThan(500);
    expect(quoteText('\u202e'.repeat(90), 100)).toMatch(/^“(\\u\{202e\})+”… \(90 characters/);
  });

  test('hold anything unsafe, whatever the text', () => {
    const anyPoint = fc.nat(0x10ffff).map((point) => String.fromCodePoint(point));
    fc.assert(
      fc.property(fc.string({ unit: anyPoint, maxLength: 200 }), (text) => {
        const inside = quoteText(text).replaceAll(/[\u2068\u2069]/g, '');
        expect(isReadable(inside)).toBe(true);
        expect(inside).not.toMatch(/[\n\r\t]/);
        expect(inside.slice(1).match(/(?<!\\)(\\\\)*”/g)).toHaveLength(1);
      }),
      { numRuns: 100 },
    );
  });
});

test('ordinary letters of all scripts stay as they are', () => {
  for (const text of ['Grüße, мир, 世界, नमस्ते, สวัสดี', '🙂 naïve', '#!/bin/sh -e', "it's 5 < 6 & so on"]) {
    expect(quoteText(text)).toBe(`“${text}”`);
    expect(isReadable(text)).toBe(true);
  }
});

test('numbers and words are grouped', () => {
  expect([groupDigits(0), groupDigits(999), groupDigits(1_000), groupDigits(1_234_567n)]).toEqual([
    '0',
    '999',
    '1,000',
    '1,234,567',
  ]);
  expect([groupsOfFour(''), groupsOfFour('abcd'), groupsOfFour('abcdefghi')]).toEqual([
    '',
    'abcd',
    'abcd efgh i',
  ]);
  expect([plural(1, 'coin'), plural(1_000, 'coin')]).toEqual(['1 coin', '1,000 coins']);
});
