import { decodeHex } from '@ckm/foundation';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { describe, expect, it } from 'vitest';
import { formatWords, isLikenessOf, likenessOf } from './likeness.js';
import { pictureFrom, pictureSvg, pictureText } from './picture.js';

const digest = decodeHex('71274df133169a0e2d2ffb11cbc7917732acafa31989f685cca6cb69d473b93c');
const likeness = likenessOf(digest);

describe('the likeness of a digest', () => {
  it('is always the same: words, digits and picture are frozen', () => {
    expect(formatWords(likeness)).toBe('inhale-warrior-latin-language-material-long');
    expect(likeness.digest).toBe('71274df1');
    expect(pictureText(likeness.picture, 'none').split('\n')).toEqual([
      '  ░░██░░████░░██░░  ',
      '  ██    ░░░░    ██  ',
      '    ░░░░    ░░░░    ',
      '██                ██',
      '                    ',
      '░░      ░░░░      ░░',
      '██  ██  ░░░░  ██  ██',
      '██████  ████  ██████',
      '        ████        ',
      '  ░░  ██    ██  ░░  ',
    ]);
  });

  it('has six words of the list, 66 bits', () => {
    expect(wordlist).toHaveLength(2048);
    expect(new Set(wordlist).size).toBe(2048);
    expect(likeness.words).toHaveLength(6);
    for (const word of likeness.words) expect(wordlist).toContain(word);
  });

  it('differs in every part when one bit of the digest differs', () => {
    const seen = new Set<string>();
    for (let bit = 0; bit < 256; bit++) {
      const near = digest.slice();
      near[bit >> 3]! ^= 1 << (bit & 7);
      const other = likenessOf(near);
      expect(other.words.filter((word, i) => word === likeness.words[i]).length).toBeLessThan(4);
      expect(pictureText(other.picture, 'none')).not.toBe(pictureText(likeness.picture, 'none'));
      seen.add(formatWords(other));
    }
    expect(seen.size).toBe(256);
  });

  it('reaches the ends of the word list', () => {
    const firsts = new Set<string>();
    for (let i = 0; i < 4000; i++) {
      const some = digest.slice();
      new DataView(some.buffer).setUint32(0, i);
      for (const word of likenessOf(some).words) firsts.add(word);
    }
    expect(firsts.size).toBeGreaterThan(2040);
  });

  it('is recognised as people type it, and nothing else is', () => {
    const [first, ...rest] = likeness.words as [string, ...string[]];
    expect(isLikenessOf(` ${first.toUpperCase()} ${rest.join('  ')}\n`, digest)).toBe(true);
    expect(isLikenessOf(rest.join('-'), digest)).toBe(false);
    expect(isLikenessOf([...rest, first].join(' '), digest)).toBe(false);
    expect(isLikenessOf('', digest)).toBe(false);
  });

  it('of anything but 32 bytes is refused', () => {
    for (const length of [0, 31, 33]) {
      expect(() => likenessOf(new Uint8Array(length))).toThrow(
        expect.objectContaining({ code: 'LIKENESS_DIGEST_LENGTH' }),
      );
    }
  });
});

describe('the picture', () => {
  it('is ten by ten, mirrored, and uses every tone', () => {
    const { rows } = likeness.picture;
    expect(rows).toHaveLength(10);
    for (const row of rows) {
      expect(row).toHaveLength(10);
      expect(row.toReversed()).toEqual(row);
    }
    expect(new Set(rows.flat())).toEqual(new Set([0, 1, 2]));
  });

  it('shows the same cells as SVG and as text', () => {
    const svg = pictureSvg(likeness.picture, formatWords(likeness));
    const count = (tone: number) => likeness.picture.rows.flat().filter((each) => each === tone).length;
    expect(svg.match(/<circle /g)).toHaveLength(count(1));
    expect(svg.match(/<path /g)).toHaveLength(count(2));
    const text = pictureText(likeness.picture, 'none');
    expect(text.match(/░░/g)).toHaveLength(count(1));
    expect(text.match(/██/g)).toHaveLength(count(2));
    expect(pictureText(likeness.picture, 'all').split('\n')).toHaveLength(10);
    expect(pictureText(likeness.picture, 'all')).toContain('\u001b[0m');
  });

  it('in 256 colours stays apart in its tones: each colour of a pair has another number', () => {
    const text = pictureText(likeness.picture, '256');
    expect(text).not.toContain('48;2;');
    expect(new Set(text.match(/48;5;\d+/g)).size).toBe(3);
    for (let pair = 0; pair < 16; pair++) {
      const picture = pictureFrom(Uint8Array.from({ length: 14 }, (_, i) => (i === 13 ? pair : 0b00011011)));
      expect(new Set(pictureText(picture, '256').match(/48;5;\d+/g)).size).toBe(3);
    }
  });

  it('cannot carry markup in its title', () => {
    const svg = pictureSvg(likeness.picture, '"><script>alert(1)</script>');
    expect(svg).toContain('<title>scriptalert1script</title>');
  });

  it('has strong and soft colours of clearly different lightness in every pair', () => {
    const lightness = (colour: string) =>
      [1, 3, 5]
        .map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
        .reduce((sum, value, i) => sum + value * [0.3, 0.59, 0.11][i]!, 0);
    for (let pair = 0; pair < 16; pair++) {
      const { soft, strong, background } = pictureFrom(new Uint8Array(14).fill(pair)).colours;
      expect(lightness(soft) - lightness(strong)).toBeGreaterThan(60);
      expect(lightness(background) - lightness(soft)).toBeGreaterThan(20);
    }
  });
});
