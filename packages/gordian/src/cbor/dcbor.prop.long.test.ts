// @module-tag long
import {
  cbor as officialItem,
  CborMap,
  type Cbor as OfficialCbor,
  type CborInput as OfficialInput,
  decodeCbor,
  encodeCbor,
  taggedValue as officialTag,
} from '@blockchaincommons/dcbor';
import { concatBytes, encodeHex, EncodingError } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEnvelope, decodeUntaggedEnvelope } from '../envelope/decode.js';
import { encodeEnvelope, encodeUntaggedEnvelope } from '../envelope/encode.js';
import { type Data, decodeData, encodeData } from './data.js';
import { type Cbor, decodeCanonical, encodeCanonical, MAJOR } from './dcbor.js';
import { CborReader } from './reader.js';
import {
  encodeByteString,
  encodeHead,
  encodeList,
  encodeTagged,
  encodeText,
  encodeUnsigned,
} from './writer.js';

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ maxLength: 300 }));
const whole = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.constantFrom(-0, 23, 24, 255, 256),
);
const INT64 = -(2 ** 63);
/** Of these the library makes integers that the draft does not have. */
const isBelowInt64 = (value: number) => value < INT64 && value >= -(2 ** 64);
const float = fc.oneof(fc.double(), fc.float()).filter((value) => !isBelowInt64(value));
const data: fc.Arbitrary<Data> = fc.letrec<{ data: Data }>((tie) => ({
  data: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false),
    whole,
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    float,
    text,
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('data'), { maxLength: 30 }),
    fc.dictionary(text, tie('data'), { maxKeys: 30 }),
  ),
})).data;

/** What the official library makes of it. */
function official(value: Data): OfficialCbor {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array)
    return officialItem(value as OfficialInput);
  if (Array.isArray(value)) return officialItem(value.map(official));
  const map = new CborMap();
  for (const [key, member] of Object.entries(value as Record<string, Data>)) {
    if (map.has(key)) throw new TypeError('two keys are one after normalisation');
    map.set(key, official(member));
  }
  return officialItem(map);
}

/** What `run` returns, or the refusal it throws, which is one of ours. */
function verdict<T>(run: () => T): T | EncodingError {
  try {
    return run();
  } catch (error) {
    if (error instanceof EncodingError) return error;
    throw error;
  }
}

function isOfficial(bytes: Uint8Array): boolean {
  try {
    decodeCbor(bytes);
    return true;
  } catch {
    return false;
  }
}

/** One change somewhere: a byte, a cut, a repetition. */
const change = fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom('set', 'cut', 'repeat') });

function changed(
  bytes: Uint8Array,
  { at, byte, kind }: { at: number; byte: number; kind: string },
): Uint8Array {
  const place = at % bytes.length;
  if (kind === 'cut') return bytes.slice(0, place);
  if (kind === 'repeat') return concatBytes(bytes, bytes.slice(place));
  return bytes.with(place, byte);
}

/** Heads of any width with any argument, the wrong ones too. */
const head = (major: number) =>
  fc.oneof(
    fc.nat(23).map((low) => Uint8Array.of((major << 5) | low)),
    fc
      .tuple(fc.constantFrom(1, 2, 4, 8), fc.uint8Array({ minLength: 8, maxLength: 8 }))
      .map(([width, bytes]) =>
        Uint8Array.of((major << 5) | (24 + Math.log2(width)), ...bytes.subarray(0, width)),
      ),
    fc.bigInt({ min: 2n ** 63n - 3n, max: 2n ** 63n + 3n }).map((value) => encodeHead(major, value)),
  );
const words = fc.oneof(
  fc.constantFrom(
    '\ufeff',
    '\ufeffa',
    '\ufeff\ufeff',
    'e\u0301',
    'é',
    '\u212b',
    '가',
    '\u1112\u1161',
    '\ufffd',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
);
const utf8 = fc.oneof(
  words.map((word) => new TextEncoder().encode(word)),
  fc.uint8Array({ maxLength: 6 }),
);
const joined = (major: number, parts: readonly Uint8Array[], count: number) =>
  concatBytes(encodeHead(major, count), ...parts);
const floatBytes = fc
  .tuple(
    fc.constantFrom(2, 4, 8),
    fc.oneof(fc.double(), fc.float(), whole, fc.constantFrom(INT64, INT64 * 2, INT64 * 1.5, 2 ** 64)),
  )
  .map(([width, value]) => {
    const view = new DataView(new ArrayBuffer(8));
    if (width === 8) view.setFloat64(0, value);
    else view.setFloat32(0, value);
    return Uint8Array.of(0xf8 + Math.log2(width), ...new Uint8Array(view.buffer, 0, width));
  });
/** Bytes that are CBOR, and dCBOR more often than not. */
const encodings: fc.Arbitrary<Uint8Array> = fc.letrec<{ item: Uint8Array }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    head(MAJOR.unsigned),
    head(MAJOR.negative),
    fc.uint8Array({ maxLength: 33 }).map(encodeByteString),
    utf8.map((bytes) => joined(MAJOR.text, [bytes], bytes.length)),
    floatBytes,
    fc.constantFrom(0xf4, 0xf5, 0xf6, 0xf7, 0xe0).map((byte) => Uint8Array.of(byte)),
    fc.array(tie('item'), { maxLength: 4 }).map(encodeList),
    fc
      .tuple(fc.array(fc.tuple(tie('item'), tie('item')), { maxLength: 3 }), fc.boolean())
      .map(([pairs, isSorted]) => {
        const entries = isSorted
          ? pairs.toSorted(([a], [b]) => (encodeHex(a) < encodeHex(b) ? -1 : 1))
          : pairs;
        return joined(MAJOR.map, entries.flat(), entries.length);
      }),
    fc
      .tuple(fc.constantFrom(1, 24, 32, 200, 201, 40_000, 40_001, 40_002, 40_003), tie('item'))
      .map(([tag, content]) => encodeTagged([tag], content)),
  ),
})).item;

describe('encodeData and decodeData agree with the official library', () => {
  test('on the bytes of whatever both can write', () => {
    fc.assert(
      fc.property(data, (value) => {
        let expected: Uint8Array;
        try {
          expected = encodeCbor(official(value));
        } catch {
          expect(() => encodeData(value)).toThrow(expect.objectContaining({ code: 'DATA_UNENCODABLE' }));
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
        const bytes = verdict(() => encodeData(value));
        fc.pre(bytes instanceof Uint8Array);
        expect(encodeHex(encodeData(decodeData(bytes)))).toBe(encodeHex(bytes));
      }),
      { numRuns: 1_000 },
    );
  });
});

/** The kinds in which the draft, and CBOR, say another thing than the library. */
function isKnownDisagreement(bytes: Uint8Array, read: Cbor | EncodingError): boolean {
  if (read instanceof EncodingError)
    return (
      read.message.includes('less than -2^63') || (holdsMark(bytes) && read.message.includes('out of order'))
    );
  return holds(read, (item) =>
    item.type === MAJOR.text ? item.value.startsWith('\ufeff') : isBelowInt64Item(item),
  );
}

/** U+FEFF in UTF-8: the library leaves it out of a text that begins with it, and so takes keys of maps in another order. */
function holdsMark(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).includes(Buffer.of(0xef, 0xbb, 0xbf));
}

function isBelowInt64Item(item: Cbor): boolean {
  return item.type === MAJOR.simple && typeof item.value === 'number' && isBelowInt64(item.value);
}

function holds(item: Cbor, isWanted: (item: Cbor) => boolean): boolean {
  if (isWanted(item)) return true;
  if (item.type === MAJOR.tag) return holds(item.value, isWanted);
  if (item.type === MAJOR.array) return item.value.some((one) => holds(one, isWanted));
  return item.type === MAJOR.map && item.value.flat().some((one) => holds(one, isWanted));
}

/** {"\ufeffa": {}, "\ufffd": …}: out of order, but for whoever loses the mark. */
const KEYS_WITH_MARK = Uint8Array.of(0xa2, 0x64, 0xef, 0xbb, 0xbf, 0x61, 0xa0, 0x63, 0xef, 0xbf, 0xbd, 0);

describe('whatever the bytes, decodeCanonical', () => {
  const sources: readonly (readonly [string, fc.Arbitrary<Uint8Array>, number])[] = [
    ['random', fc.uint8Array({ minLength: 1, maxLength: 12 }), 10_000],
    ['CBOR', encodings, 5_000],
    ['CBOR with one change', fc.tuple(encodings, change).map(([bytes, how]) => changed(bytes, how)), 5_000],
  ];

  test.each(sources)('refuses them, or writes the same again: %s', (_what, source, numRuns) => {
    let accepted = 0;
    fc.assert(
      fc.property(source, (bytes) => {
        const read = verdict(() => decodeCanonical(bytes));
        const reader = new CborReader(bytes);
        const skipped = verdict(() => (reader.skip(), reader.end()));
        expect(skipped instanceof EncodingError).toBe(read instanceof EncodingError);
        if (read instanceof EncodingError) return;
        accepted += 1;
        expect(encodeHex(encodeCanonical(read))).toBe(encodeHex(bytes));
      }),
      { numRuns },
    );
    expect(accepted).toBeGreaterThan(numRuns / 100);
  });

  test.each(sources)(
    'accepts what the official library accepts, but for integers below -2^63: %s',
    (_what, source, numRuns) => {
      fc.assert(
        fc.property(source, (bytes) => {
          const read = verdict(() => decodeCanonical(bytes));
          if (isOfficial(bytes) !== !(read instanceof EncodingError))
            expect(isKnownDisagreement(bytes, read)).toBe(true);
        }),
        { numRuns, examples: [[KEYS_WITH_MARK]] },
      );
    },
  );

  test.each(sources)('and decodeData and decodeEnvelope do the same: %s', (_what, source, numRuns) => {
    fc.assert(
      fc.property(source, (bytes) => {
        const value = verdict(() => decodeData(bytes));
        if (!(value instanceof EncodingError)) expect(encodeHex(encodeData(value))).toBe(encodeHex(bytes));
        const inside = verdict(() => decodeUntaggedEnvelope(bytes));
        if (!(inside instanceof EncodingError)) expect(encodeUntaggedEnvelope(inside)).toEqual(bytes);
        const leaf = encodeTagged([200, 201], bytes);
        const envelope = verdict(() => decodeEnvelope(leaf));
        expect(envelope instanceof EncodingError).toBe(
          verdict(() => decodeCanonical(bytes)) instanceof EncodingError,
        );
        if (!(envelope instanceof EncodingError)) expect(encodeEnvelope(envelope)).toEqual(leaf);
      }),
      { numRuns: numRuns / 5 },
    );
  });
});

describe('encodeData writes text itself, with the bytes of the library', () => {
  test.each([
    ['quotation marks, as in every sentence of a request', 'Sign the message “hello” — blind'],
    ['a letter that is taken apart', 'e\u0301'],
    ['isolates and letters from right to left', '\u2068שלום\u2069'],
    ['signs beyond the first plane', '🗝🔏'],
    ['the sign that is a byte order mark elsewhere', '\ufeffa'],
  ])('%s', (_, sentence) => {
    const value = { list: [sentence], sentence, [sentence]: 1, ключ: 2, z: 3 };
    expect(encodeHex(encodeData(value))).toBe(encodeHex(encodeCbor(official(value))));
  });
});

describe('decodeCanonical refuses', () => {
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
    ['an item that ends too soon', '8201'],
  ])('%s', (_, hex) => {
    const bytes = Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16));
    expect(verdict(() => decodeCanonical(bytes))).toMatchObject({ code: 'CBOR_INVALID' });
    expect(isOfficial(bytes)).toBe(false);
  });
});

test('the writer writes heads, texts, lists and tags as the library does', () => {
  fc.assert(
    fc.property(
      fc.maxSafeInteger(),
      text,
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(70_000),
      (number, sentence, bytes, tag) => {
        const unsigned = Math.abs(number);
        expect(encodeUnsigned(unsigned)).toEqual(encodeCbor(unsigned));
        expect(encodeByteString(bytes)).toEqual(encodeCbor(bytes));
        expect(encodeText(sentence)).toEqual(encodeCbor(sentence));
        expect(encodeList([encodeUnsigned(unsigned), encodeByteString(bytes)])).toEqual(
          encodeCbor(officialItem([officialItem(unsigned), officialItem(bytes)])),
        );
        expect(encodeTagged([tag, 200], encodeByteString(bytes))).toEqual(
          encodeCbor(officialTag(tag, officialTag(200, bytes))),
        );
      },
    ),
    { numRuns: 500 },
  );
});
