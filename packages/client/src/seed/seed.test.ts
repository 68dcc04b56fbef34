import { encodeHex, reveal, secret } from '@ckm/foundation';
import { asXid, formatUr } from '@ckm/gordian';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { describe, expect, test } from 'vitest';
import { identityForServer } from './identity.js';
import { seedToUr, urToSeed } from './ur.js';
import { replaceWord, seedToWords, unknownWord, wordsToSeed } from './words.js';

const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
const seed = () => secret(bytes.slice());
const open = <T>(wrapped: { toString(): string } & Parameters<typeof reveal<T>>[0]) =>
  reveal(wrapped, 'test');

describe('24 words', () => {
  // BIP-39's own vector for 32 bytes of 0x7f.
  test('seedToWords gives the words of BIP-39', () => {
    const words = open(seedToWords(secret(new Uint8Array(32).fill(0x7f))));
    expect(words).toBe(
      `${'legal winner thank year wave sausage worth useful '.repeat(2)}legal winner thank year wave sausage worth title`,
    );
  });

  test('bring the seed back, however they are typed', () => {
    const words = open(seedToWords(seed()));
    const typed = `  ${words.toUpperCase().split(' ').join('\n  ')}\n`;
    expect(open(wordsToSeed(secret(typed)))).toEqual(bytes);
  });

  test('bring the seed back with their numbers, in whatever order they are copied from the columns', () => {
    const words = open(seedToWords(seed())).split(' ');
    const numbered = words.map((word, i) => `${i + 1} ${word}`);
    const rows = Array.from({ length: 6 }, (_, row) =>
      [0, 6, 12, 18].map((column) => numbered[row + column]),
    );
    for (const typed of [
      numbered.join('\n'),
      rows.map((row) => row.join('  ')).join('\n'),
      words.map((word, i) => `${i + 1}. ${word}`).join(', '),
    ]) {
      expect(open(wordsToSeed(secret(typed)))).toEqual(bytes);
    }
    const wrong = [numbered.slice(1), [...numbered.slice(1), numbered[1]], numbered.map((one) => `${one} x`)];
    for (const list of wrong) {
      expect(() => wordsToSeed(secret(list.join(' ')))).toThrow(
        expect.objectContaining({ code: 'SEED_WORDS_INVALID' }),
      );
    }
  });

  const cut = (word: string) => word.slice(0, 4);
  const inQuotes = (word: string) => `"${word}"`;
  const FORMS: readonly (readonly [string, (words: readonly string[]) => string])[] = [
    ['cut to four letters, as on a plate of steel', (words) => words.map(cut).join(' ')],
    [
      'cut to four letters, in capitals and numbered',
      (words) => words.map((one, i) => `${i + 1}. ${cut(one).toUpperCase()}`).join('\n'),
    ],
    ['cut to five letters', (words) => words.map((word) => word.slice(0, 5)).join(' ')],
    ['in quotation marks as a list of JSON', (words) => JSON.stringify(words)],
    ['in one pair of quotation marks', (words) => inQuotes(words.join(' '))],
    ['in curly quotation marks', (words) => `“${words.join('” “')}”`],
    [
      'in single, low and angular quotation marks',
      (words) =>
        `‘${words.slice(0, 8).join('’ ‘')}’ „${words.slice(8, 16).join('“ „')}“ «${words.slice(16).join('» «')}»`,
    ],
    ['numbered without a space', (words) => words.map((word, i) => `${i + 1}.${word}`).join(' ')],
    ['numbered without anything between', (words) => words.map((word, i) => `${i + 1}${word}`).join('\r\n')],
    [
      'numbered with a sign, two digits and a bracket',
      (words) => words.map((word, i) => `#${String(i + 1).padStart(2, '0')}) ${word}`).join('\n'),
    ],
    ['as a list with dashes', (words) => words.map((word) => `- ${word}`).join('\n')],
    ['with commas and semicolons', (words) => words.join(', ').replaceAll('a,', 'a;')],
    [
      'with a byte order mark, spaces that do not break and invisible signs',
      (words) => `\ufeff${words.join('\u00a0\u200b')}`,
    ],
    [
      'in letters of double width',
      (words) =>
        words
          .join('　')
          .replaceAll(/[a-z]/g, (letter) => String.fromCodePoint(letter.codePointAt(0)! + 0xfee0)),
    ],
  ];

  test.each(FORMS)('bring the seed back %s', (_form, write) => {
    const words = open(seedToWords(seed())).split(' ');
    expect(open(wordsToSeed(secret(write(words))))).toEqual(bytes);
  });

  test('each word of the list is told by its first four letters', () => {
    const fillers = open(seedToWords(seed())).split(' ');
    const wrong = wordlist.filter((word) => {
      const typed = secret([cut(word), ...fillers.slice(1)].join(' '));
      return (
        unknownWord(typed) !== null || !open(replaceWord(typed, 2, secret('zoo'))).startsWith(`${word} zoo `)
      );
    });
    expect(wrong).toEqual([]);
  });

  test('words cut to three letters, and four letters that begin no word, are asked for by place', () => {
    const words = open(seedToWords(seed())).split(' ');
    expect(unknownWord(secret(words.with(8, 'aba').join(' ')))).toBe(9);
    expect(unknownWord(secret(words.with(8, 'abax').join(' ')))).toBe(9);
  });

  test('one word typed again is taken cut, in quotation marks, in capitals and behind its number', () => {
    const words = open(seedToWords(seed())).split(' ');
    for (const typed of [
      cut(words[6]!),
      inQuotes(words[6]!),
      words[6]!.toUpperCase(),
      `7. ${words[6]!}`,
      ` ${words[6]!}\n`,
    ]) {
      const mended = replaceWord(secret(words.with(6, 'hunter2').join(' ')), 7, secret(typed));
      expect(open(wordsToSeed(mended))).toEqual(bytes);
    }
  });

  test('one wrong word is found and its place is named, but never the word', () => {
    const words = open(seedToWords(seed())).split(' ');
    words[6] = 'hunter2';
    const restore = () => wordsToSeed(secret(words.join(' ')));
    expect(restore).toThrow(
      expect.objectContaining({ code: 'SEED_WORDS_INVALID', message: expect.stringContaining('word 7') }),
    );
    expect(restore).not.toThrow(/hunter2/);
  });

  test('two words swapped fail the checksum; too few or too many are counted', () => {
    const words = open(seedToWords(seed())).split(' ');
    const swapped = [words[1], words[0], ...words.slice(2)];
    for (const list of [swapped, words.slice(1), [...words, 'zoo'], ['']]) {
      expect(() => wordsToSeed(secret(list.join(' ')))).toThrow(
        expect.objectContaining({ code: 'SEED_WORDS_INVALID' }),
      );
    }
  });
});

describe('ur:seed', () => {
  test('brings the seed back, in lower and upper case', () => {
    const text = open(seedToUr(seed()));
    expect(text).toMatch(/^ur:seed\//);
    expect(open(urToSeed(secret(`${text.toUpperCase()}\n`)))).toEqual(bytes);
  });

  test('written by another tool with name and note is read', () => {
    // {1: seed, 3: "A", 4: "B"}
    const cbor = Uint8Array.from([0xa3, 1, 0x58, 32, ...bytes, 3, 0x61, 0x41, 4, 0x61, 0x42]);
    expect(open(urToSeed(secret(formatUr({ type: 'seed', cbor }))))).toEqual(bytes);
  });

  // {1: seed, 2: 100(18066), 3: "A"}, the date as older programs write it.
  const oldMap = [0xa3, 1, 0x58, 32, ...bytes, 2, 0xd8, 0x64, 0x19, 0x46, 0x92, 3, 0x61, 0x41];
  test.each([
    ['under its old name', 'crypto-seed', oldMap],
    ['under its old name with the old tag in front', 'crypto-seed', [0xd9, 0x01, 0x2c, ...oldMap]],
    ['under its old name with the new tag in front', 'crypto-seed', [0xd9, 0x9d, 0x6c, ...oldMap]],
    ['with its tag in front', 'seed', [0xd9, 0x9d, 0x6c, ...oldMap]],
  ])('%s is read', (_what, type, cbor) => {
    const text = formatUr({ type, cbor: Uint8Array.from(cbor) });
    for (const typed of [
      text,
      text.toUpperCase(),
      `“${text}”`,
      `"${text.slice(0, 40)}\r\n  ${text.slice(40)}"\n`,
    ])
      expect(open(urToSeed(secret(typed)))).toEqual(bytes);
  });

  test.each([
    [
      'a seed of 16 bytes',
      formatUr({ type: 'seed', cbor: Uint8Array.from([0xa1, 1, 0x50, ...bytes.slice(16)]) }),
    ],
    ['another type', formatUr({ type: 'bytes', cbor: Uint8Array.from([0x58, 32, ...bytes]) })],
    ['garbage', 'ur:seed/hunter2'],
    ['nothing', ''],
  ])('%s is refused without quoting it', (_what, text) => {
    const restore = () => urToSeed(secret(text));
    expect(restore).toThrow(expect.objectContaining({ code: 'SEED_UR_INVALID' }));
    expect(restore).not.toThrow(/hunter2/);
  });
});

describe('who the owner is to a server', () => {
  const alpha = asXid(new Uint8Array(32).fill(1));
  const bravo = asXid(new Uint8Array(32).fill(2));

  test('is the same every time, and another one for every server', () => {
    const one = identityForServer(seed(), alpha);
    expect(encodeHex(identityForServer(seed(), alpha).xid)).toBe(encodeHex(one.xid));
    expect(encodeHex(identityForServer(seed(), bravo).xid)).not.toBe(encodeHex(one.xid));
  });

  test('never changes between versions: accounts hang on it', () => {
    expect(encodeHex(identityForServer(seed(), alpha).xid)).toMatchInlineSnapshot(
      `"b77c9c846b802e6eab82f2b06b821e3906571580103aee4bc91148b0328331cb"`,
    );
  });

  test('identityForServer refuses a seed of any other length', () => {
    expect(() => identityForServer(secret(new Uint8Array(16)), alpha)).toThrow(
      expect.objectContaining({ code: 'SEED_LENGTH' }),
    );
  });
});
