import { decodeHex, encodeHex, encodeUtf8 } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { primitives as inBrowsers } from './browser.js';
import type { Primitives } from './contract.js';
import { noble } from './noble.js';
import { primitives as inNode } from './node.js';
import { drawRandom } from './random.js';
import { sodiumNative } from './sodium.js';

const both: readonly Primitives[] = [noble, sodiumNative];
const bytes = (length: number, start = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + start) & 0xff);

/** What both say; fails when they differ. */
function agree<T>(run: (primitives: Primitives) => T): T {
  const [first, second] = both.map(run);
  expect(second).toEqual(first);
  return first!;
}

describe('noble and libsodium', () => {
  it('hash and derive the same bytes', () => {
    for (const length of [0, 1, 32, 55, 64, 65, 1000]) agree((p) => p.sha256(bytes(length)));
    for (const [salt, length] of [
      [0, 1],
      [9, 32],
      [64, 33],
      [65, 88],
      [200, 255],
    ] as const) {
      agree((p) => p.hkdfSha256(bytes(32), bytes(salt), bytes(7), length));
    }
  });

  it('authenticate the same and as RFC 4231 says (test cases 2 and 6)', () => {
    for (const [key, message] of [
      [0, 0],
      [32, 600],
      [64, 64],
      [65, 1],
    ] as const) {
      agree((p) => p.hmacSha256(bytes(key), bytes(message)));
    }
    const short = agree((p) => p.hmacSha256(encodeUtf8('Jefe'), encodeUtf8('what do ya want for nothing?')));
    expect(encodeHex(short)).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
    const long = encodeUtf8('Test Using Larger Than Block-Size Key - Hash Key First');
    expect(encodeHex(agree((p) => p.hmacSha256(new Uint8Array(131).fill(0xaa), long)))).toBe(
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    );
  });

  it('derive what RFC 5869 says (test cases 1 and 3)', () => {
    const material = new Uint8Array(22).fill(0x0b);
    const first = agree((p) =>
      p.hkdfSha256(material, decodeHex('000102030405060708090a0b0c'), decodeHex('f0f1f2f3f4f5f6f7f8f9'), 42),
    );
    expect(encodeHex(first)).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
    const third = agree((p) => p.hkdfSha256(material, new Uint8Array(0), new Uint8Array(0), 42));
    expect(encodeHex(third)).toBe(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
  });

  it('sign the same and as RFC 8032 says (test 2)', () => {
    const seed = decodeHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
    const signingKey = agree((p) => p.ed25519SigningKey(seed));
    const signature = agree((p) => p.ed25519Sign(new Uint8Array([0x72]), signingKey));
    expect(encodeHex(signature)).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    for (const length of [0, 32, 500]) agree((p) => p.ed25519Sign(bytes(length), signingKey));
  });

  it('agree on keys and on the identity that a small-order key gives', () => {
    const [alice, bob] = [bytes(32), bytes(32, 5)];
    const publicKeys = [alice, bob].map((key) => agree((p) => p.x25519PublicKey(key)));
    const shared = agree((p) => p.x25519Shared(alice, publicKeys[1]!));
    expect(agree((p) => p.x25519Shared(bob, publicKeys[0]!))).toEqual(shared);
    const small = ['00', '01', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'];
    for (const hex of small)
      expect(agree((p) => p.x25519Shared(alice, decodeHex(hex.padEnd(64, '0'))))).toBeNull();
  });

  it('seal the same and open only what was sealed', () => {
    for (const [length, aad] of [
      [0, 0],
      [1, 37],
      [1000, 0],
      [65, 64],
    ] as const) {
      const sealed = agree((p) => p.chachaSeal(bytes(32), bytes(12), bytes(aad), bytes(length)));
      expect(agree((p) => p.chachaOpen(bytes(32), bytes(12), bytes(aad), sealed))).toEqual(bytes(length));
      const changed = sealed.slice();
      changed[0]! ^= 1;
      expect(agree((p) => p.chachaOpen(bytes(32), bytes(12), bytes(aad), changed))).toBeNull();
      expect(agree((p) => p.chachaOpen(bytes(32, 2), bytes(12), bytes(aad), sealed))).toBeNull();
      expect(agree((p) => p.chachaOpen(bytes(32), bytes(12), bytes(aad + 1), sealed))).toBeNull();
    }
    expect(agree((p) => p.chachaOpen(bytes(32), bytes(12), bytes(0), bytes(15)))).toBeNull();
  });
});

describe('V7, V8: noble and libsodium accept exactly the same signatures', () => {
  const seed = bytes(32);
  const message = bytes(40);
  const signingKey = noble.ed25519SigningKey(seed);
  const publicKey = signingKey.slice(32);
  const signature = noble.ed25519Sign(message, signingKey);
  const verify = (s: Uint8Array, m: Uint8Array, k: Uint8Array) => agree((p) => p.ed25519Verify(s, m, k));
  const { Point } = ed25519;

  it('the honest one, and none with a flipped bit', () => {
    expect(verify(signature, message, publicKey)).toBe(true);
    for (let at = 0; at < 64; at++) {
      const changed = signature.slice();
      changed[at]! ^= 1 << (at % 8);
      expect(verify(changed, message, publicKey), `byte ${at}`).toBe(false);
    }
    expect(verify(signature, bytes(41), publicKey)).toBe(false);
    expect(verify(signature, message, noble.ed25519SigningKey(bytes(32, 3)).slice(32))).toBe(false);
  });

  it('both refuse a signature of any other length', () => {
    for (const length of [0, 63, 65]) expect(verify(bytes(length), message, publicKey)).toBe(false);
    for (const length of [0, 31, 33]) expect(verify(signature, message, bytes(length))).toBe(false);
  });

  it('none with a scalar that was not reduced', () => {
    const scalar = Point.Fn.fromBytes(signature.slice(32)) + Point.Fn.ORDER;
    const raised = signature.slice();
    for (let i = 0, rest = scalar; i < 32; i++, rest >>= 8n) raised[32 + i] = Number(rest & 0xffn);
    expect(verify(raised, message, publicKey)).toBe(false);
  });

  it('none under a key or nonce point of small order, or with a point that is not canonical', () => {
    const torsion = [
      '0100000000000000000000000000000000000000000000000000000000000000',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '0000000000000000000000000000000000000000000000000000000000000000',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '0100000000000000000000000000000000000000000000000000000000000080',
    ].map(decodeHex);
    const zero = new Uint8Array(32);
    for (const point of torsion) {
      expect(verify(new Uint8Array([...point, ...zero]), message, point)).toBe(false);
      expect(verify(new Uint8Array([...point, ...zero]), message, publicKey)).toBe(false);
      expect(verify(new Uint8Array([...torsion[0]!, ...zero]), message, point)).toBe(false);
    }
  });

  it('none that only fits when multiplied by the cofactor', () => {
    const small = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', true);
    const scalar = 12_345n;
    const mixed = Point.BASE.multiply(scalar).add(small);
    let refused = 0;
    for (let nonce = 1n; nonce <= 16n; nonce++) {
      const nonceBytes = Point.BASE.multiply(nonce).toBytes();
      const challenge = challengeOf(nonceBytes, mixed.toBytes(), message);
      const response = Point.Fn.toBytes(Point.Fn.create(nonce + challenge * scalar));
      if (!verify(new Uint8Array([...nonceBytes, ...response]), message, mixed.toBytes())) refused++;
    }
    // One challenge in eight is a multiple of eight, and then even the strict equation holds.
    expect(refused).toBeGreaterThan(8);
  });

  function challengeOf(r: Uint8Array, key: Uint8Array, text: Uint8Array): bigint {
    const digest = sha512(new Uint8Array([...r, ...key, ...text]));
    return Point.Fn.create(digest.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n));
  }
});

it('Node picks native code, a browser what is portable', () => {
  expect([inNode.name, inBrowsers.name]).toEqual(['sodium-native', 'noble']);
});

it('V66: a random source that returns zeros or too little is noticed', () => {
  for (const broken of [(length: number) => new Uint8Array(length), (length: number) => bytes(length - 1)]) {
    expect(() => drawRandom(broken, 32)).toThrow(expect.objectContaining({ code: 'RANDOM_FAILED' }));
  }
  expect(drawRandom((length) => bytes(length), 32)).toEqual(bytes(32));
});
