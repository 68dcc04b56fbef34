import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { shake128 } from '@noble/hashes/sha3.js';
import { describe, expect, it } from 'vitest';
import { backends } from '#backends';
import { backends as portable } from '../../group/backends/portable.js';
import { extendNonce, XAES_256_GCM, XCHACHA20_POLY1305 } from './aead.js';

const NONCE = encodeUtf8('ABCDEFGHIJKLMNOPQRSTUVWX');
const TEXT = encodeUtf8('XAES-256-GCM');

describe('XAES-256-GCM', () => {
  it('encrypts as published where the top bit of the derived block is clear', () => {
    const sealed = XAES_256_GCM.seal(new Uint8Array(32).fill(1), NONCE, TEXT);
    expect(encodeHex(sealed)).toBe('ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271');
  });

  it('encrypts as published where it is set, with associated data', () => {
    const sealed = XAES_256_GCM.seal(
      new Uint8Array(32).fill(3),
      NONCE,
      TEXT,
      encodeUtf8('c2sp.org/XAES-256-GCM'),
    );
    expect(encodeHex(sealed)).toBe('986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d');
  });

  it('encrypts its blocks here as in a browser', () => {
    const [key, blocks] = [new Uint8Array(32).fill(5), Uint8Array.from({ length: 64 }, (_, i) => i)];
    expect(backends.aes256Blocks(key, blocks)).toEqual(portable.aes256Blocks(key, blocks));
  });

  it('gives the published hash over 10,000 random messages', { tags: 'slow' }, () => {
    const random = shake128.create({});
    const result = shake128.create({});
    for (let i = 0; i < 10_000; i++) {
      const key = random.xof(32);
      const nonce = random.xof(24);
      const plaintext = random.xof(random.xof(1)[0]!);
      const associatedData = random.xof(random.xof(1)[0]!);
      result.update(XAES_256_GCM.seal(key, nonce, plaintext, associatedData));
    }
    expect(encodeHex(result.xof(32))).toBe(
      'e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939',
    );
  });
});

describe.each([
  ['XAES-256-GCM', XAES_256_GCM, extendNonce(portable.aes256Gcm)],
  ['XChaCha20-Poly1305', XCHACHA20_POLY1305, portable.xchacha20Poly1305],
])('%s', (_, aead, other) => {
  const key = new Uint8Array(32).fill(7);
  const sealed = aead.seal(key, NONCE, TEXT);

  it('opens what it sealed, 16 bytes longer', () => {
    expect(sealed).toHaveLength(TEXT.length + 16);
    expect(aead.open(key, NONCE, sealed)).toEqual(TEXT);
  });

  it('opens nothing after any bit flipped, cut or was added', () => {
    const wrong = [sealed.subarray(1), sealed.subarray(0, -1), Uint8Array.of(...sealed, 0), new Uint8Array()];
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      wrong.push(sealed.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)));
    }
    expect(
      wrong.map((bytes) => aead.open(key, NONCE, bytes)).filter((opened) => opened !== undefined),
    ).toEqual([]);
  });

  it('opens nothing under another key or nonce', () => {
    expect(aead.open(new Uint8Array(32), NONCE, sealed)).toBeUndefined();
    expect(aead.open(key, new Uint8Array(24), sealed)).toBeUndefined();
  });

  it('seals here what it seals in a browser', () => {
    for (let length = 0; length < 70; length++) {
      const [plaintext, data] = [new Uint8Array(length).fill(length), new Uint8Array(length % 33)];
      expect(aead.seal(key, NONCE, plaintext, data)).toEqual(other.seal(key, NONCE, plaintext, data));
      expect(other.open(key, NONCE, aead.seal(key, NONCE, plaintext, data), data)).toEqual(plaintext);
      expect(aead.open(key, NONCE, other.seal(key, NONCE, plaintext, data), data)).toEqual(plaintext);
      expect(
        other.open(key, NONCE, aead.seal(key, NONCE, plaintext, data), Uint8Array.of(1)),
      ).toBeUndefined();
    }
  });
});
