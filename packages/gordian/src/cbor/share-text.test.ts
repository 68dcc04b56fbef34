import { encodeBytewords } from '@blockchaincommons/uniform-resources/bytewords';
import { decodeHex, encodeHex } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { cbor, encodeCanonical, taggedValue } from './dcbor.js';
import { isShareText, sharesInText, shareToUr, shareToWords } from './share-text.js';
import { formatUr } from './ur.js';

// Source: BCR-2020-011, "Example/Test Vector".
const SHARE = decodeHex('4bbf1101025abd490ee65b6084859854ee67736e75');
const UR = 'ur:sskr/gogrrsbyadaohtrygabavahphnlrlpmkghwyiojkjtkpmdkncfjp';
/** Of 32 bytes, as an owner seed is. */
const LONG = decodeHex(`4bbf000101${'5a'.repeat(32)}`);

const hex = (text: string) => sharesInText(text).map(encodeHex);
const wordsOf = (share: Uint8Array, tag: number) =>
  encodeBytewords(encodeCanonical(taggedValue(tag, cbor(share))), 'standard');

describe('the text of a share', () => {
  it('is the UR of the reference, and as many words as fit on a card', () => {
    expect(shareToUr(SHARE)).toBe(UR);
    const words = shareToWords(LONG).split(' ');
    expect(words).toHaveLength(46);
    expect(words.slice(0, 3)).toEqual(['tuna', 'next', 'keep']);
  });

  const list = shareToWords(LONG).split(' ');
  const rows = Array.from({ length: 12 }, (_, row) =>
    [0, 12, 24, 36]
      .flatMap((column) => {
        const at = row + column;
        return list[at] === undefined ? [] : [`${at + 1} ${list[at]}`];
      })
      .join('   '),
  );
  it.each([
    ['words', list.join(' ')],
    ['words in capitals, over lines, with commas', list.join(',\r\n').toUpperCase()],
    ['words in numbered columns, copied row by row', rows.join('\n')],
    ['words cut to their first and last letters', list.map((word) => word[0]! + word[3]!).join(' ')],
    ['words under the old tag', wordsOf(LONG, 309)],
    ['UR', shareToUr(LONG)],
    ['UR in capitals', shareToUr(LONG).toUpperCase()],
    ['UR under its old name', formatUr({ type: 'crypto-sskr', cbor: encodeCanonical(cbor(LONG)) })],
    ['UR with its tag', formatUr({ type: 'sskr', cbor: encodeCanonical(taggedValue(40309, cbor(LONG))) })],
    [
      'UR in a page of other text',
      `Share 1 of 3\n\n 1 tuna  2 next\n\nFor programs\n${shareToUr(LONG)}\nKeep it`,
    ],
  ])('%s: read back', (_form, text) => {
    expect(isShareText(text)).toBe(true);
    expect(hex(text)).toEqual([encodeHex(LONG)]);
  });

  it('is told from 24 words, from ur:seed and from nothing', () => {
    for (const text of [
      'tuna next keep '.repeat(8),
      'ur:seed/oyadgdaawzwplrbdhdpabgrnvokorolnrtemksayyadmut',
      '',
    ])
      expect(isShareText(text)).toBe(false);
  });

  it('sharesInText finds several shares in one text', () => {
    expect(hex(`${UR}\n${shareToUr(LONG)}`)).toEqual([encodeHex(SHARE), encodeHex(LONG)]);
  });

  const swapped = list.with(7, list[8]!).with(8, list[7]!);
  it.each([
    ['a word that is none', list.with(9, 'hunter').join(' '), /word 10 is not on the list/],
    ['another word', list.with(9, list[9] === 'able' ? 'acid' : 'able').join(' '), /checksum does not match/],
    [
      'two words in each other’s place',
      (swapped.join() === list.join() ? list.with(7, 'zoom') : swapped).join(' '),
      /checksum/,
    ],
    ['a word too few', list.slice(0, -1).join(' '), /checksum does not match, or it is cut/],
    ['too many words', [...list, 'able'].join(' '), /47 words, more than any share/],
    ['a UR that was cut', UR.slice(0, -4), /checksum does not match, or it is cut/],
    ['a UR of another type', 'ur:seed/oyadgdaawzwplrbdhdpabgrnvokorolnrtemksayyadmut', /not a share/],
    [
      'a share that is too short',
      formatUr({ type: 'sskr', cbor: encodeCanonical(cbor(LONG.slice(0, 4))) }),
      /checksum/,
    ],
    [
      'a UR that holds a number',
      formatUr({ type: 'sskr', cbor: encodeCanonical(cbor(7)) }),
      /something else/,
    ],
  ])('%s is refused without a word of it', (_what, text, why) => {
    const read = () => sharesInText(text);
    expect(read).toThrow(
      expect.objectContaining({ code: 'SSKR_SHARE_UNREADABLE', message: expect.stringMatching(why) }),
    );
    expect(read).not.toThrow(/hunter/);
  });
});
