import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { beginningOf, isShowable, isStorable, replaceUnshowable, toShowable } from './index.js';

/** Every code point, lone surrogates among them. */
const CHARACTERS = Array.from({ length: 0x110000 }, (_, point) => String.fromCodePoint(point));
/** Not fast-check's own "binary", which builds a table of them all to find its samples in. */
const anyPoint = fc.nat(0x10ffff).map((point) => String.fromCodePoint(point));
const inClass = (expression: RegExp) => CHARACTERS.filter((text) => expression.test(text));
const spelled = (texts: readonly string[]) => texts.map((text) => `U+${text.codePointAt(0)!.toString(16)}`);

describe('no text holds, as it is shown,', () => {
  test.each([
    ['a control (Cc)', /^\p{Cc}$/u],
    ['a format character (Cf)', /^\p{Cf}$/u],
    ['a line separator (Zl)', /^\p{Zl}$/u],
    ['a paragraph separator (Zp)', /^\p{Zp}$/u],
    ['a bidirectional control', /^\p{Bidi_Control}$/u],
    ['half a letter (Cs)', /^\p{Cs}$/u],
    ['a private letter (Co)', /^\p{Co}$/u],
    ['a noncharacter', /^\p{Noncharacter_Code_Point}$/u],
    ['a letter that shows nothing', /^(?!\ufe0f)\p{Default_Ignorable_Code_Point}$/u],
    ['white space but the ordinary one', /^(?! )\p{White_Space}$/u],
  ])('%s', (_, expression) => {
    const all = inClass(expression);
    expect(all.length).toBeGreaterThan(0);
    expect(spelled(all.filter((text) => isShowable(`a${text}b`) || isStorable(`a${text}b`)))).toEqual([]);
    expect(spelled(all.filter((text) => !isShowable(toShowable(`a${text}b`))))).toEqual([]);
  });

  test.each([
    ['a colour', '\u001b[31mred'],
    ['a cleared screen', '\u001b[2J\u001b[H'],
    ['a link that says another address', '\u001b]8;;http://evil.example\u0007bank\u001b]8;;\u0007'],
    ['a title of the window', '\u001b]0;root\u001b\\'],
    ['the same without an escape', '\u009b31m'],
    ['a carriage return over its line', 'rejected\rapproved'],
    ['a backspace', 'no\b\byes'],
    ['an address that is turned around', '\u202egro.elpmaxe'],
    ['an Arabic letter mark', 'a\u061cb'],
    ['a space of no width', 'pay\u200bpal'],
    ['a second line', 'a\u2028ckm: approved'],
    ['tags that nobody sees', 'a\u{e0041}'],
    ['a picture sign on a letter', 'a\ufe0f'],
  ])('%s', (_, text) => {
    expect([isShowable(text), isStorable(text), isShowable(toShowable(text))]).toEqual([false, false, true]);
  });

  test('anything unsafe, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyPoint, maxLength: 200 }), (text) => {
        expect(isShowable(toShowable(text))).toBe(true);
        expect(toShowable(toShowable(text))).toBe(toShowable(text));
        expect(isShowable(text)).toBe(toShowable(text) === text);
        expect(!isStorable(text) || isShowable(text)).toBe(true);
      }),
    );
  });
});

test('text that is kept holds no letter that another machine may not know', () => {
  const unassigned = inClass(/^\p{Cn}$/u);
  expect(unassigned.length).toBeGreaterThan(100_000);
  expect(spelled(unassigned.filter((text) => isStorable(text)))).toEqual([]);
  expect(isShowable('\u0378')).toBe(true);
});

test('marks without end stay on their own line', () => {
  const flood = `a${'\u0301'.repeat(50)}b`;
  expect(isStorable(flood)).toBe(false);
  expect(toShowable(flood)).toBe(`a${'\u0301'.repeat(4)}\ufffdb`);
});

test('ordinary text of all scripts, and pictures, stay as they are', () => {
  for (const text of [
    'Grüße, мир, 世界, नमस्ते, สวัสดี',
    '🙂 naïve ❤️',
    '#!/bin/sh -e',
    'it’s “5 < 6” & `so` on',
    '',
  ]) {
    expect([isShowable(text), isStorable(text), toShowable(text)]).toEqual([true, true, text]);
  }
});

test('beginningOf is a beginning, as long as it may be, and ends with a whole letter', () => {
  const beginnings = [0, 1, 2, 3, 4, 9].map((most) => beginningOf('a🗝b', most));
  expect(beginnings).toEqual(['', 'a', 'a', 'a🗝', 'a🗝b', 'a🗝b']);
});

test('what is replaced is handed over one character at a time', () => {
  expect(replaceUnshowable('a\u{e0041}\u202eb', (one) => `<${one.codePointAt(0)!.toString(16)}>`)).toBe(
    'a<e0041><202e>b',
  );
  expect(toShowable('a\u00a0b\u3000c')).toBe('a b c');
});
