import { expect, test } from 'vitest';
import { codeOf } from '../test/code-of.js';
import { encodeFlags, parseFlags } from './flags.js';
import { firstEpoch, type MadeAs } from './params.js';

test.each<[string, MadeAs, number]>([
  ['nothing else', {}, 8],
  ['exportable', { exportable: true }, 2],
  ['strict', { strict: true }, 24],
  ['exportable and strict', { exportable: true, strict: true }, 18],
])('a key that is made as %s says so in the bits of one byte', (_, made, byte) => {
  expect(encodeFlags(firstEpoch(made).flags)).toEqual(Uint8Array.of(byte));
});

test('a byte is read back as it was written, and one with a bit that stands for nothing is refused, not read without it', () => {
  for (let byte = 0; byte < 32; byte++) expect(encodeFlags(parseFlags(byte))).toEqual(Uint8Array.of(byte));
  for (let byte = 32; byte < 256; byte++) expect(codeOf(() => parseFlags(byte))).toBe('KEY_PARAMS_INVALID');
});
