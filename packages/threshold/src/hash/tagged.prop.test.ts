import { createHash } from 'node:crypto';
import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backends as portable } from '../group/backends/portable.js';
import { hash, taggedHash, taggedHash64, type HashTag } from './index.js';

const TAG: HashTag = 'CKM/schnorr/challenge/v1';
const OTHER: HashTag = 'CKM/schnorr/nonce/v1';
const bytes = (...values: number[]) => Uint8Array.from(values);
const show = (...items: Uint8Array[]) => encodeHex(taggedHash(TAG, ...items));

describe('tagged hashes', () => {
  test('V11: moving the boundary between two fields changes the hash: (a, bc) is not (ab, c)', () => {
    const ways = [
      show(bytes(1), bytes(2, 3)),
      show(bytes(1, 2), bytes(3)),
      show(bytes(1, 2, 3)),
      show(bytes(1, 2, 3), bytes()),
      show(bytes(), bytes(1, 2, 3)),
      show(bytes(1), bytes(2), bytes(3)),
      show(),
      show(bytes()),
    ];
    expect(new Set(ways).size).toBe(ways.length);
  });

  test('V11: an item that imitates the encoding of several is still one item', () => {
    const length = (size: number) => bytes(0, 0, 0, 0, 0, 0, 0, size);
    const imitation = Uint8Array.of(1, ...length(1), 2);
    expect(show(imitation)).not.toBe(show(bytes(1), bytes(2)));
  });

  test('V11: two different lists of items never meet', () => {
    const list = fc.array(fc.uint8Array({ maxLength: 3, max: 1 }), { maxLength: 4 });
    fc.assert(
      fc.property(list, list, (a, b) => {
        const same = JSON.stringify(a.map(encodeHex)) === JSON.stringify(b.map(encodeHex));
        expect(show(...a) === show(...b)).toBe(same);
      }),
      { numRuns: 100 },
    );
  });

  test('V14: the tag separates: equal items under two tags give two hashes', () => {
    expect(taggedHash(TAG, bytes(1))).not.toEqual(taggedHash(OTHER, bytes(1)));
    expect(taggedHash64(TAG, bytes(1))).not.toEqual(taggedHash64(OTHER, bytes(1)));
  });

  test('is SHA-256, or SHA-512, over tag and items each behind eight bytes of length', () => {
    const tag = encodeUtf8(TAG);
    const length = (size: number) => bytes(0, 0, 0, 0, 0, 0, 0, size);
    const preimage = Buffer.concat([length(tag.length), tag, length(2), bytes(7, 8), length(0)]);
    const expected = (name: string) => createHash(name).update(preimage).digest('hex');
    expect(encodeHex(taggedHash(TAG, bytes(7, 8), bytes()))).toBe(expected('sha256'));
    expect(encodeHex(taggedHash64(TAG, bytes(7, 8), bytes()))).toBe(expected('sha512'));
  });
});

describe('plain hashes', () => {
  test('join their parts, and are plain byte arrays', () => {
    const joined = hash('sha512', bytes(1, 2, 3));
    expect(hash('sha512', bytes(1), bytes(2, 3))).toEqual(joined);
    expect(Object.getPrototypeOf(joined)).toBe(Uint8Array.prototype);
    expect(joined).toHaveLength(64);
    expect(hash('sha256')).toHaveLength(32);
  });

  test('are the same in Node and in a browser', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
        expect(hash('sha256', message)).toEqual(portable.sha256(message));
        expect(hash('sha512', message)).toEqual(portable.sha512(message));
      }),
      { numRuns: 30 },
    );
  });
});
