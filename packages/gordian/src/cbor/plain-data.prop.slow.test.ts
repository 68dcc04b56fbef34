import { concatBytes, encodeHex } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Data, decodeData, encodeData } from './data.js';
import { cbor, CborMap, type Cbor, type CborInput, decodeCanonical, encodeCanonical } from './dcbor.js';
import { decodePlain, encodePlain } from './plain-data.js';
import { NotPlain, PlainReader } from './plain-reader.js';
import { encodeByteString, encodeList, encodeTagged, encodeText, encodeUnsigned } from './plain-writer.js';
import { taggedValue } from './dcbor.js';

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ maxLength: 300 }));
const whole = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.constantFrom(-0, 23, 24, 255, 256),
);
const data: fc.Arbitrary<Data> = fc.letrec<{ data: Data }>((tie) => ({
  data: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false),
    whole,
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
    fc.double(),
    text,
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('data'), { maxLength: 30 }),
    fc.dictionary(text, tie('data'), { maxKeys: 30 }),
  ),
})).data;

/** What the official library writes. */
function official(value: Data): Cbor {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array)
    return cbor(value as CborInput);
  if (Array.isArray(value)) return cbor(value.map(official));
  const map = new CborMap();
  for (const [key, member] of Object.entries(value as Record<string, Data>)) map.set(key, official(member));
  return cbor(map);
}

function plainVerdict(bytes: Uint8Array): Data | NotPlain {
  try {
    return decodePlain(bytes);
  } catch (error) {
    if (error instanceof NotPlain) return error;
    throw error;
  }
}

function isAccepted(bytes: Uint8Array): boolean {
  try {
    decodeCanonical(bytes);
    return true;
  } catch {
    return false;
  }
}

/** One change somewhere: a byte, a cut, a repetition. */
const change = fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom('set', 'cut', 'repeat') });

describe('encodeData and decodeData agree with the official library', () => {
  test('on the bytes of whatever both can write', () => {
    fc.assert(
      fc.property(data, (value) => {
        let expected: Uint8Array;
        try {
          expected = encodeCanonical(official(value));
        } catch {
          return;
        }
        expect(encodeHex(encodeData(value))).toBe(encodeHex(expected));
      }),
      { numRuns: 2_000 },
    );
  });

  test('on what comes back from them', () => {
    fc.assert(
      fc.property(data, (value) => {
        let bytes: Uint8Array;
        try {
          bytes = encodeData(value);
        } catch {
          return;
        }
        expect(encodeHex(encodeData(decodeData(bytes)))).toBe(encodeHex(bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  test('on refusing: whatever the plain reader accepts after a change, the library accepts with the same bytes', () => {
    let accepted = 0;
    fc.assert(
      fc.property(data, change, (value, { at, byte, kind }) => {
        let bytes: Uint8Array;
        try {
          bytes = encodeData(value).slice();
        } catch {
          return;
        }
        const place = at % bytes.length;
        if (kind === 'set') bytes[place] = byte;
        if (kind === 'cut') bytes = bytes.slice(0, place);
        if (kind === 'repeat') bytes = concatBytes(bytes, bytes.slice(place));
        const verdict = plainVerdict(bytes);
        if (verdict instanceof NotPlain) return;
        accepted += 1;
        expect(isAccepted(bytes)).toBe(true);
        expect(encodeHex(encodePlainOr(verdict))).toBe(encodeHex(bytes));
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('on arbitrary bytes: the plain reader accepts nothing that the library refuses, reading or skipping', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
        const reader = new PlainReader(bytes);
        try {
          reader.skip();
          reader.end();
        } catch (error) {
          expect(error).toBeInstanceOf(NotPlain);
          return;
        }
        accepted += 1;
        expect(isAccepted(bytes)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

function encodePlainOr(value: Data): Uint8Array {
  try {
    return encodePlain(value);
  } catch {
    return encodeData(value);
  }
}

describe('encodePlain writes text itself, with the bytes of the library', () => {
  test.each([
    ['quotation marks, as in every sentence of a request', 'Sign the message “hello” — blind'],
    ['a letter that is taken apart', 'e\u0301'],
    ['half of a surrogate pair', 'a\ud800b'],
    ['isolates and letters from right to left', '\u2068שלום\u2069'],
    ['signs beyond the first plane', '🗝🔏'],
  ])('%s', (_, words) => {
    const value = { list: [words], words };
    expect(encodeHex(encodePlain(value))).toBe(encodeHex(encodeCanonical(official(value))));
  });

  test('and leaves keys that are not ASCII to it', () => {
    expect(() => encodePlain({ ключ: 1 })).toThrow(NotPlain);
  });
});

describe('the plain reader leaves to the library', () => {
  test.each([
    ['a head that is longer than it must be', '1817'],
    ['a head of four bytes that two could hold', '1a0000ffff'],
    ['keys out of order', 'a2616201616102'],
    ['a key twice', 'a2616101616102'],
    ['text that is not in NFC', '6365cc81'],
    ['text that is not UTF-8', '62c328'],
    ['a whole number written as a float', 'f93c00'],
    ['an indefinite length', '9f01ff'],
    ['undefined', 'f7'],
    ['bytes behind the item', '0100'],
    ['an item that ends too soon', '82 01'.replace(' ', '')],
  ])('%s', (_, hex) => {
    const bytes = Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16));
    expect(plainVerdict(bytes)).toBeInstanceOf(NotPlain);
    expect(isAccepted(bytes)).toBe(false);
  });
});

test('the plain writer writes heads, texts, lists and tags as the library does', () => {
  fc.assert(
    fc.property(
      fc.maxSafeInteger(),
      text,
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(70_000),
      (number, words, bytes, tag) => {
        const unsigned = Math.abs(number);
        expect(encodeUnsigned(unsigned)).toEqual(encodeCanonical(unsigned));
        expect(encodeByteString(bytes)).toEqual(encodeCanonical(bytes));
        expect(encodeText(words)).toEqual(encodeCanonical(words));
        expect(encodeList([encodeUnsigned(unsigned), encodeByteString(bytes)])).toEqual(
          encodeCanonical(cbor([cbor(unsigned), cbor(bytes)])),
        );
        expect(encodeTagged([tag, 200], encodeByteString(bytes))).toEqual(
          encodeCanonical(taggedValue(tag, taggedValue(200, bytes))),
        );
      },
    ),
    { numRuns: 500 },
  );
});
