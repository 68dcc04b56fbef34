import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, decodeHex, encodeHex } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { decodeData, encodeData } from './data.js';
import { decodeCanonical, encodeCanonical } from './dcbor.js';
import { nestsDeeperThan } from './nesting.js';
import { leaf } from '../envelope/envelope.js';
import { CborReader } from './reader.js';
import { encodeText } from './writer.js';

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly expect: { readonly ok: boolean };
}

const folder = process.env['CKM_VECTORS'] ?? join(import.meta.dirname, '../../../../../shared/vectors');
const file = join(folder, 'dcbor/decode-vectors.json');
const isThere = existsSync(file);
const vectors: readonly Vector[] = isThere
  ? (JSON.parse(readFileSync(file, 'utf8')) as { vectors: readonly Vector[] }).vectors
  : [];

/** -2^64: a vector of the TypeScript library, which the draft lists among the encodings to reject. */
const CONTRARY_TO_THE_DRAFT = ['3bffffffffffffffff'];

describe.skipIf(!isThere)('official vectors dcbor/decode-vectors.json (needs CKM_VECTORS)', () => {
  const isRight = (vector: Vector) => vector.expect.ok && !CONTRARY_TO_THE_DRAFT.includes(vector.hex);
  const accepted = vectors.filter(isRight);
  const refused = vectors.filter((vector) => !isRight(vector));

  it('the corpus holds 241 vectors, one of them contrary to the draft', () => {
    expect(vectors).toHaveLength(241);
    expect(vectors.filter(({ hex }) => CONTRARY_TO_THE_DRAFT.includes(hex))).toHaveLength(1);
  });

  it('valid encodings come back byte for byte', () => {
    for (const { name, hex } of accepted) {
      expect(encodeHex(encodeCanonical(decodeCanonical(decodeHex(hex)))), name).toBe(hex.toLowerCase());
    }
  });

  it('invalid ones are refused with a typed error, read or moved over', () => {
    const invalid = expect.objectContaining({ code: 'CBOR_INVALID' });
    for (const { name, hex } of refused) {
      expect(() => decodeCanonical(decodeHex(hex)), name).toThrow(invalid);
      const reader = new CborReader(decodeHex(hex));
      const moveOver = () => {
        reader.skip();
        reader.end();
      };
      expect(moveOver, name).toThrow(invalid);
    }
  });
});

describe('V9: hostile encodings are refused before they are decoded', () => {
  const nested = (levels: number, head = 0x81): Uint8Array =>
    concatBytes(new Uint8Array(levels).fill(head), new Uint8Array(1));

  it('10,000 nested lists, tags or maps', () => {
    const maps = concatBytes(...Array.from({ length: 10_000 }, () => new Uint8Array([0xa1, 0x00])));
    for (const bytes of [nested(10_000), nested(10_000, 0xc1), maps]) {
      expect(() => decodeCanonical(bytes)).toThrow(expect.objectContaining({ code: 'CBOR_TOO_DEEP' }));
    }
  });

  it('decodeCanonical refuses one level more than allowed', () => {
    expect(encodeCanonical(decodeCanonical(nested(64)))).toHaveLength(65);
    expect(() => decodeCanonical(nested(65))).toThrow(expect.objectContaining({ code: 'CBOR_TOO_DEEP' }));
  });

  it('decodeCanonical refuses more bytes than allowed', () => {
    const limits = { maxBytes: 10, maxDepth: 4 };
    expect(() => decodeCanonical(new Uint8Array(11), limits)).toThrow(
      expect.objectContaining({ code: 'CBOR_TOO_LONG', httpStatus: 413 }),
    );
  });

  it('a list that claims 2^64 − 1 items, a text that claims 2^63 bytes', () => {
    for (const hex of [
      '9bffffffffffffffff00',
      '7b8000000000000000',
      '5affffffff',
      'bbffffffffffffffff0000',
    ]) {
      expect(() => decodeCanonical(decodeHex(hex))).toThrow(
        expect.objectContaining({ code: 'CBOR_INVALID' }),
      );
    }
  });

  it('nesting is measured where it is, not where a string only looks like it', () => {
    expect(nestsDeeperThan(encodeCanonical(new Uint8Array(100).fill(0x81)), 0)).toBe(false);
    expect(nestsDeeperThan(decodeHex('8201820203'), 2)).toBe(false);
    expect(nestsDeeperThan(decodeHex('8201820203'), 1)).toBe(true);
    expect(nestsDeeperThan(decodeHex('828101818102'), 2)).toBe(true);
    expect(nestsDeeperThan(decodeHex('80'), 0)).toBe(false);
    expect(nestsDeeperThan(decodeHex('a0'), 0)).toBe(false);
  });
});

describe('half of a surrogate pair', () => {
  const HALF = 'a\ud800b';
  it.each<[string, () => unknown]>([
    ['a text of encodeData', () => encodeData(HALF)],
    ['a text far inside', () => encodeData({ list: [{ é: [HALF] }] })],
    ['a key', () => encodeData({ [HALF]: 1 })],
    ['a text of encodeCanonical', () => encodeCanonical([HALF])],
    ['a text of an envelope', () => leaf(HALF)],
    ['a text of the writer', () => encodeText(HALF)],
  ])('is refused as %s, where it was written as another letter', (_, encode) => {
    expect(encode).toThrow(expect.objectContaining({ code: 'TEXT_INCOMPLETE' }));
  });

  it('no decoder gives one away', () => {
    for (const hex of ['63eda080', '63edb080', '66eda080edb080'])
      expect(() => decodeCanonical(decodeHex(hex))).toThrow(
        expect.objectContaining({ code: 'CBOR_INVALID' }),
      );
  });
});

describe('data', () => {
  it('is written the same whatever the order of its keys, and without what is undefined', () => {
    expect(encodeData({ b: 1, a: [true, null] })).toEqual(
      encodeData({ a: [true, null], b: 1, c: undefined }),
    );
    expect(encodeHex(encodeData({ b: 1, a: 2 }))).toBe('a2616102616201');
  });

  it('keeps integers of 64 bits, negative numbers, fractions, bytes and text', () => {
    const data = {
      big: 2n ** 64n - 1n,
      small: -(2n ** 63n),
      minus: -5,
      half: 0.5,
      bytes: new Uint8Array([1]),
      text: 'é',
    };
    expect({ ...(decodeData(encodeData(data)) as object) }).toEqual(data);
  });

  it('V10: keys such as __proto__ are only keys', () => {
    const bytes = decodeHex('a1695f5f70726f746f5f5f01');
    const record = decodeData(bytes) as Record<string, unknown>;
    expect(Object.getPrototypeOf(record)).toBeNull();
    expect(Object.keys(record)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(encodeData(record as never)).toEqual(bytes);
  });

  it('V10: keys that are not text, and tags, are refused', () => {
    for (const hex of ['a10102', 'c100', 'a1410001']) {
      expect(() => decodeData(decodeHex(hex))).toThrow(expect.objectContaining({ code: 'DATA_UNSUPPORTED' }));
    }
  });

  it('hands out copies of bytes, not views of the message', () => {
    const message = encodeData({ key: new Uint8Array([1, 2, 3]) });
    const { key } = decodeData(message) as { key: Uint8Array };
    message.fill(0);
    expect(key).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('that is not plain is a defect of ours', () => {
    const impossible = [
      new Date(0),
      Symbol('x'),
      () => 1,
      2n ** 64n,
      -(2n ** 63n) - 1n,
      new Map([[1, 2]]),
      { é: 1, 'e\u0301': 2 },
      { a: 1, é: 1, b: 2, 'e\u0301': 2 },
    ];
    for (const value of impossible) {
      expect(() => encodeData(value as never)).toThrow(expect.objectContaining({ code: 'DATA_UNENCODABLE' }));
    }
  });
});
