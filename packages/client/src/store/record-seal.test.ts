import { encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { deriveRecordKey, openRecord, sealRecord } from './record-seal.js';

const key = deriveRecordKey(secret(new Uint8Array(32).fill(7)));
const body = encodeUtf8('body');
const sealed = () => sealRecord(key, 'servers/alpha', body);

// Computed by another HMAC and HKDF (Python's hashlib), from the layout that record-seal.ts describes.
test('the bytes of a sealed record and of its key are frozen', () => {
  expect(encodeHex(sealed())).toBe(
    '434b4d5201' +
      '0e131aa6eadce270' +
      'a0cd1731898493746e7123cef48c1e00dba2f49870c569a1e8dd7029928ff5f7' +
      '626f6479',
  );
});

test('openRecord gives back what sealRecord was given, and nothing else opens', () => {
  expect(openRecord(key, 'servers/alpha', sealed())).toEqual(body);
  const bytes = sealed();
  for (let i = 0; i < bytes.length; i++) {
    const code = i < 5 ? 'RECORD_FORMAT_UNKNOWN' : i < 13 ? 'RECORD_OF_ANOTHER_SEED' : 'RECORD_ALTERED';
    const changed = bytes.map((byte, at) => (at === i ? byte ^ 1 : byte));
    expect(() => openRecord(key, 'servers/alpha', changed)).toThrow(expect.objectContaining({ code }));
  }
});

test('openRecord refuses a record cut short or lengthened by a byte', () => {
  const bytes = sealed();
  for (let length = 0; length < bytes.length; length++) {
    expect(() => openRecord(key, 'servers/alpha', bytes.subarray(0, length))).toThrow();
  }
  expect(() => openRecord(key, 'servers/alpha', Uint8Array.of(...bytes, 0))).toThrow();
});

test('openRecord refuses a record in the place of another, also where path and body run into each other', () => {
  const moved = [
    ['servers/bravo', sealed()],
    ['keys/alpha', sealed()],
    ['servers/alphab', sealRecord(key, 'servers/alpha', encodeUtf8('body'))],
    ['servers/alph', sealRecord(key, 'servers/alpha', encodeUtf8('abody'))],
  ] as const;
  for (const [path, bytes] of moved) {
    expect(() => openRecord(key, path, bytes)).toThrow(expect.objectContaining({ code: 'RECORD_ALTERED' }));
  }
});

test('openRecord does not take the name of a key for the key: a record of another seed under our name is altered', () => {
  const thief = deriveRecordKey(secret(new Uint8Array(32).fill(8)));
  const forged = sealRecord({ ...thief, name: key.name }, 'servers/alpha', body);
  expect(() => openRecord(key, 'servers/alpha', forged)).toThrow(
    expect.objectContaining({ code: 'RECORD_ALTERED' }),
  );
});
