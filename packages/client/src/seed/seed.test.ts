import { encodeHex, reveal, secret } from '@ckm/foundation';
import { asXid, formatUr } from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import { identityForServer } from './identity.js';
import { seedToUr, urToSeed } from './ur.js';
import { seedToWords, wordsToSeed } from './words.js';

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
