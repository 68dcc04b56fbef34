import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BugError,
  CkmError,
  compareBytes,
  concatBytes,
  decodeHex,
  decodeUtf8,
  readUtf8,
  EncodingError,
  encodeHex,
  encodeUtf8,
  equalBytes,
  ERROR_CLASSES,
  PeerFaultError,
  reveal,
  secret,
  wipe,
} from './index.js';

describe('a secret', () => {
  const canary = 'f00dcafe';

  test('prints as <secret> wherever it could be printed', () => {
    const held = secret(canary);
    expect(String(held)).toBe('<secret>');
    expect(JSON.stringify({ held })).toBe('{"held":"<secret>"}');
    expect(inspect(held, { depth: 9, showHidden: true })).toBe('<secret>');
    expect(Object.getOwnPropertyNames(held)).toEqual([]);
    expect(JSON.stringify(Object.entries(held))).not.toContain(canary);
  });

  test('opens only through reveal, and only until it is wiped', () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const held = secret(bytes);
    expect(reveal(held, 'the test looks')).toBe(bytes);
    wipe(held);
    wipe(held);
    expect(bytes).toEqual(new Uint8Array(3));
    expect(() => reveal(held, 'the test looks again')).toThrow(BugError);
  });
});

describe('an error', () => {
  test('carries class, code, hint, status and exit code from one table', () => {
    const error = new PeerFaultError('charlie sent a share that does not match its commitment', {
      code: 'FAULT_BAD_SHARE',
      hint: 'sign again without charlie',
      facts: { culprits: [3] },
    });
    expect(error).toBeInstanceOf(CkmError);
    expect(error.name).toBe('PeerFaultError');
    expect([error.httpStatus, error.exitCode, error.retryable]).toEqual([422, 76, true]);
    expect(error.facts).toEqual({ culprits: [3] });
  });

  test('keeps the exit codes of sysexits', () => {
    const codes = Object.fromEntries(
      Object.entries(ERROR_CLASSES).map(([name, { exitCode }]) => [name, exitCode]),
    );
    expect(codes).toEqual({
      UsageError: 64,
      EncodingError: 65,
      AccessError: 77,
      PolicyError: 77,
      StateError: 75,
      PeerFaultError: 76,
      AvailabilityError: 69,
      StorageError: 74,
      BugError: 70,
    });
  });
});

describe('readUtf8', () => {
  test(
    'gives null for exactly the bytes that decodeUtf8 refuses, and else the same text',
    { tags: 'slow' },
    () => {
      const strict = (bytes: Uint8Array) => {
        try {
          return decodeUtf8(bytes);
        } catch {
          return null;
        }
      };
      const pieces = fc.oneof(
        fc.uint8Array({ maxLength: 6 }),
        fc.string({ unit: 'binary' }).map((text) => encodeUtf8(text)),
        fc.constantFrom(encodeUtf8('\u{fffd}'), new Uint8Array([0xef, 0xbf]), new Uint8Array([0xc0, 0x80])),
      );
      fc.assert(
        fc.property(fc.array(pieces, { maxLength: 4 }), (parts) => {
          const bytes = concatBytes(...parts);
          expect(readUtf8(bytes)).toBe(strict(bytes));
        }),
        { numRuns: 500 },
      );
    },
  );
});

describe('bytes', () => {
  test('hex and back is the same, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(decodeHex(encodeHex(bytes))).toEqual(bytes);
      }),
    );
  });

  test.each(['abc', '0g', '0x00', ' 00', '00\n'])('hex that is not hex is refused: %j', (text) => {
    expect(() => decodeHex(text)).toThrow(EncodingError);
  });

  test('UTF-8 that is not UTF-8 is refused, and a byte-order mark is kept', () => {
    expect(() => decodeUtf8(new Uint8Array([0xff]))).toThrow(EncodingError);
    expect(() => decodeUtf8(new Uint8Array([0xed, 0xa0, 0x80]))).toThrow(EncodingError);
    expect(decodeUtf8(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe('\u{feff}a');
  });

  test.each(['\ud800', 'pay \udc00 bob', '🗝\ud83d', '\udd11\ud83d'])(
    'encodeUtf8 refuses half of a letter instead of writing another one: %j',
    (text) => {
      expect(() => encodeUtf8(text)).toThrow(expect.objectContaining({ code: 'TEXT_INCOMPLETE' }));
    },
  );

  test('encodeUtf8 and decodeUtf8 keep every whole letter', () => {
    for (const text of ['', 'a', '\u{10ffff}', 'x🗝🔏é\ufffd\ue000', '\ud7ff\ue000'])
      expect(decodeUtf8(encodeUtf8(text))).toBe(text);
  });

  test('comparison agrees with that of the hex texts, and equality with both', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (a, b) => {
        const [x, y] = [encodeHex(a), encodeHex(b)];
        expect(Math.sign(compareBytes(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0);
        expect(equalBytes(a, b)).toBe(x === y);
      }),
    );
  });

  test('joining keeps every byte in order', () => {
    expect(
      decodeUtf8(concatBytes(encodeUtf8('key '), new Uint8Array(), encodeUtf8('that no one holds'))),
    ).toBe('key that no one holds');
  });
});
