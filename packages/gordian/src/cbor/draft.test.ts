import { decodeHex, encodeHex } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { decodeData, encodeData, type Data } from './data.js';
import { decodeCanonical, encodeCanonical } from './dcbor.js';

/** Source: draft-mcnally-deterministic-cbor-17, appendix A: "dCBOR Numeric Encodings". */
const NUMBERS: readonly (readonly [value: number | bigint, hex: string])[] = [
  [0, '00'],
  [1, '01'],
  [23, '17'],
  [24, '1818'],
  [255, '18ff'],
  [65_535, '19ffff'],
  [65_536, '1a00010000'],
  [4_294_967_295, '1affffffff'],
  [4_294_967_296, '1b0000000100000000'],
  [18_446_744_073_709_551_615n, '1bffffffffffffffff'],
  [-1, '20'],
  [-2, '21'],
  [-127, '387e'],
  [-128, '387f'],
  [-32_768, '397fff'],
  [-2_147_483_648, '3a7fffffff'],
  [-9_223_372_036_854_775_808n, '3b7fffffffffffffff'],
  [1.5, 'f93e00'],
  [2_345_678.25, 'fa4a0f2b39'],
  [1.2, 'fb3ff3333333333333'],
  [2_345_678, '1a0023cace'],
  [-2_345_678, '3a0023cacd'],
  [-0, '00'],
  [2 ** -24, 'f90001'],
  [2 ** -149, 'fa00000001'],
  [5e-324, 'fb0000000000000001'],
  [2.225_073_858_507_201_4e-308, 'fb0010000000000000'],
  [2 ** -14, 'f90400'],
  [65_504, '19ffe0'],
  [33_554_430, '1a01fffffe'],
  [-9_223_372_036_854_774_784, '3b7ffffffffffffbff'],
  [2 ** 64 - 2 ** 11, '1bfffffffffffff800'],
  [2 ** 64, 'fa5f800000'],
  [-(2 ** 64 - 2 ** 40), 'fadf7fffff'],
  [3.402_823_466_385_288_6e38, 'fa7f7fffff'],
  [3.402_823_466_385_289e38, 'fb47efffffe0000001'],
  [1.797_693_134_862_315_7e308, 'fb7fefffffffffffff'],
  [Infinity, 'f97c00'],
  [-Infinity, 'f9fc00'],
  [Number.NaN, 'f97e00'],
  // The bounds, which the draft gives in words.
  [-(2 ** 63), '3b7fffffffffffffff'],
  [2 ** 63, '1b8000000000000000'],
  [-(2 ** 63 + 2 ** 11), 'fbc3e0000000000001'],
  [-(2 ** 63 + 2 ** 40), 'fadf000001'],
  [-(2 ** 64), 'fadf800000'],
  [-(2 ** 65), 'fae0000000'],
];

/** As above: "Invalid dCBOR Encodings"; below the line ours, of the same kinds. */
const INVALID: readonly (readonly [what: string, hex: string])[] = [
  ['12.0, which is 12', 'f94a00'],
  ['1.5 in eight bytes', 'fb3ff8000000000000'],
  ['-2^63 - 1 as an integer', '3b8000000000000000'],
  ['-2^64 as an integer', '3bffffffffffffffff'],
  ['infinity in eight bytes', 'fb7ff0000000000000'],
  ['infinity in four bytes', 'fa7f800000'],
  ['-infinity in eight bytes', 'fbfff0000000000000'],
  ['-infinity in four bytes', 'faff800000'],
  ['a NaN with a payload in eight bytes', 'fb7ff9100000000001'],
  ['a NaN with a payload in four bytes', 'faffc00001'],
  ['a NaN with a payload in two bytes', 'f97e01'],

  ['the one NaN in eight bytes', 'fb7ff8000000000000'],
  ['the one NaN in four bytes', 'fa7fc00000'],
  ['-0.0', 'f98000'],
  ['-2^63 as a float', 'fadf000000'],
  ['-2^63 as a float of eight bytes', 'fbc3e0000000000000'],
  ['-2^64 as a float of eight bytes', 'fbc3f0000000000000'],
  ['2^64 - 2^11 as a float', 'fb43efffffffffffff'],
  ['2^63 as a float', 'fa5f000000'],
  ['a float that ends too soon', 'fb3ff333'],
];

describe('numbers as the dCBOR draft writes them', () => {
  it.each(NUMBERS)('encodeCanonical and encodeData write %s as %s, and read it again', (value, hex) => {
    const bytes = decodeHex(hex);
    expect(encodeHex(encodeCanonical(value))).toBe(hex);
    expect(encodeHex(encodeData(value))).toBe(hex);
    expect(encodeHex(encodeCanonical(decodeCanonical(bytes)))).toBe(hex);
    const read = decodeData(bytes) as number | bigint;
    expect(Number(read)).toBe(Number(value) + 0);
    expect(encodeHex(encodeData(read))).toBe(hex);
  });

  it.each(INVALID)('decodeCanonical and decodeData refuse %s', (_what, hex) => {
    const bytes = decodeHex(hex);
    for (const decode of [decodeCanonical, decodeData])
      expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'CBOR_INVALID' }));
  });

  it('all 65,536 floats of two bytes are refused, or come back byte for byte', () => {
    let accepted = 0;
    const wrong: string[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      const bytes = Uint8Array.of(0xf9, bits >> 8, bits & 0xff);
      const value = valueOf(bytes);
      if (value === null) continue;
      accepted += 1;
      const isSame = encodeHex(encodeData(value)) === encodeHex(bytes);
      if (!isSame || Number.isInteger(value)) wrong.push(encodeHex(bytes));
    }
    expect(wrong).toEqual([]);
    // Two infinities, one NaN, and both signs of: 1,023 subnormals, and whatever of the exponents -14 to 9 has a fraction.
    const withFraction = Array.from({ length: 10 }, (_, exponent) => 1024 - 2 ** exponent);
    const below = 14 * 1024 + 1023;
    expect(accepted).toBe(3 + 2 * (below + withFraction.reduce((sum, count) => sum + count, 0)));
  });
});

function valueOf(bytes: Uint8Array): Data {
  try {
    return decodeData(bytes);
  } catch {
    return null;
  }
}

const BOM = '\ufeff';

describe('a text that begins with U+FEFF', () => {
  it.each([
    ['alone', '63efbbbf', BOM],
    ['in front', '64efbbbf61', `${BOM}a`],
    ['twice', '66efbbbfefbbbf', BOM + BOM],
    ['within', '6561efbbbf62', `a${BOM}b`],
    ['as a key', 'a163efbbbf01', null],
    ['in a list within a tag', 'd8648164efbbbf61', null],
  ])('keeps it %s: no other bytes come out than went in', (_where, hex, text) => {
    const bytes = decodeHex(hex);
    expect(encodeCanonical(decodeCanonical(bytes))).toEqual(bytes);
    if (text === null) return;
    expect(decodeData(bytes)).toBe(text);
    expect(decodeCanonical(bytes)).toMatchObject({ value: text });
    expect(encodeData(text)).toEqual(bytes);
  });

  it('is a key of its own', () => {
    const bytes = encodeData({ a: 1, [`${BOM}a`]: 2 });
    expect({ ...(decodeData(bytes) as object) }).toEqual({ a: 1, [`${BOM}a`]: 2 });
  });
});
