import { concatBytes, encodeHex, encodeUtf8 } from '@ckm/foundation';
import { base64, base64url, base64urlnopad, base64nopad } from '@scure/base';
import { expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { outcome } from '../../fixtures/outcome.js';
import { back, coin, pay, psbtOf } from '../../fixtures/psbt.js';
import { buildBitcoinRequest } from './build.js';
import { bitcoinForm } from '../form.js';

const treasury = bitcoinKey();
/** Its length is no multiple of three, so that base64 has padding to lose. */
const psbt = [1, 2, 3]
  .map((extra) => psbtOf([coin(treasury, 3, 600_000n)], [pay(500_000n), back(treasury, extra, 99_000n)]))
  .find(({ length }) => length % 3 !== 0)!;
const TEXT = base64.encode(psbt);

function utf16(text: string, isBigEndian: boolean): Uint8Array {
  return Uint8Array.from(
    Array.from(text, (letter) => [letter.charCodeAt(0), 0]).flatMap((pair) =>
      isBigEndian ? pair.toReversed() : pair,
    ),
  );
}
const mark = (...bytes: number[]) => Uint8Array.from(bytes);

test.each<[string, Uint8Array]>([
  ['bytes', psbt],
  ['base64', encodeUtf8(TEXT)],
  ['base64 in lines of Windows', encodeUtf8(TEXT.replace(/(.{64})/g, '$1\r\n'))],
  ['base64 without padding', encodeUtf8(base64nopad.encode(psbt))],
  ['base64 for URLs', encodeUtf8(base64url.encode(psbt))],
  ['base64 for URLs without padding', encodeUtf8(base64urlnopad.encode(psbt))],
  ['hex', encodeUtf8(encodeHex(psbt))],
  ['hex in capital letters', encodeUtf8(encodeHex(psbt).toUpperCase())],
  ['UTF-8 with a byte order mark', concatBytes(mark(0xef, 0xbb, 0xbf), encodeUtf8(TEXT))],
  ['UTF-16 with a byte order mark', concatBytes(mark(0xff, 0xfe), utf16(`${TEXT}\r\n`, false))],
  ['UTF-16, the other way round', concatBytes(mark(0xfe, 0xff), utf16(TEXT, true))],
  ['UTF-16 without a byte order mark', utf16(TEXT, false)],
  ['UTF-16, the other way round, without a byte order mark', utf16(TEXT, true)],
  ['hex in UTF-16', concatBytes(mark(0xff, 0xfe), utf16(encodeHex(psbt), false))],
])('a PSBT is taken as %s', (_, given) => {
  expect(bitcoinForm.build(given, new Map())).toEqual(psbt);
});

test('a text that begins with U+FEFF is taken', () => {
  expect(buildBitcoinRequest(`\uFEFF${TEXT}`)).toEqual(psbt);
});

test('a text of nothing but padding and a letter is refused at once, however long it is', () => {
  expect(outcome(() => buildBitcoinRequest(`${'='.repeat(3_000_000)}A`))).toBe('PSBT_MALFORMED');
});

test.each<[string, Uint8Array]>([
  ['letters that base64 has not', encodeUtf8(`${TEXT}ß`)],
  ['padding in the middle', encodeUtf8(`${TEXT.slice(0, 8)}==${TEXT.slice(8)}`)],
  ['half a letter of UTF-16', concatBytes(mark(0xff, 0xfe), utf16(TEXT, false).subarray(1))],
  ['nothing', new Uint8Array()],
  ['a byte order mark alone', mark(0xef, 0xbb, 0xbf)],
  ['a picture', mark(0x89, 0x50, 0x4e, 0x47)],
])('%s is refused', (_, given) => {
  expect(outcome(() => bitcoinForm.build(given, new Map()))).toBe('PSBT_MALFORMED');
});
