import { backends } from '#backends';
import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { backends as portable } from './backends/portable.js';

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const message = encodeUtf8('message');
const secretKey = new Uint8Array(32).fill(9);
const publicKey = ed25519.getPublicKey(secretKey);
const signature = ed25519.sign(message, secretKey);

/** Source: the order-8 point of libsodium's blacklist. */
const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', true);
const small = Array.from({ length: 8 }, (_, i) => (i === 0 ? Point.ZERO : torsion.multiplyUnsafe(BigInt(i))));

const toBytes = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const fromBytes = (bytes: Uint8Array) => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** A signature with torsion on key and nonce, by somebody who knows the scalars; R fits or not, as chance has it. */
function forge(a: bigint, keyTorsion: number, r: bigint, nonceTorsion: number): [Uint8Array, Uint8Array] {
  const key = Point.BASE.multiplyUnsafe(a).add(small[keyTorsion]!).toBytes();
  const commitment = Point.BASE.multiplyUnsafe(r).add(small[nonceTorsion]!).toBytes();
  const challenge = fromBytes(sha512(concatBytes(commitment, key, message))) % L;
  return [key, concatBytes(commitment, toBytes((r + challenge * a) % L))];
}

/** The same answer from both, which is what libsodium says. */
function verdict(key: Uint8Array, text: Uint8Array, signed: Uint8Array): boolean {
  const here = backends.verifyEd25519(key, text, signed);
  expect(portable.verifyEd25519(key, text, signed)).toBe(here);
  return here;
}

describe('Ed25519 signatures, in Node and in a browser alike,', () => {
  it('hold where they were made', () => {
    expect(verdict(publicKey, message, signature)).toBe(true);
  });

  it('fail after any bit of key, message or signature was flipped', { tags: 'slow' }, () => {
    const flip = (bytes: Uint8Array, bit: number) =>
      bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    for (let bit = 0; bit < 8 * 64; bit += 3)
      expect(verdict(publicKey, message, flip(signature, bit))).toBe(false);
    for (let bit = 0; bit < 8 * 32; bit += 5)
      expect(verdict(flip(publicKey, bit), message, signature)).toBe(false);
    for (let bit = 0; bit < 8 * 7; bit += 5)
      expect(verdict(publicKey, flip(message, bit), signature)).toBe(false);
  });

  it('fail at another length', () => {
    for (const signed of [new Uint8Array(), signature.subarray(1), Uint8Array.of(...signature, 0)]) {
      expect(verdict(publicKey, message, signed)).toBe(false);
    }
    expect(verdict(publicKey.subarray(1), message, signature)).toBe(false);
    expect(verdict(new Uint8Array(), message, signature)).toBe(false);
  });

  it('V8: fail with S + order instead of S', () => {
    const high = concatBytes(signature.subarray(0, 32), toBytes(fromBytes(signature.subarray(32)) + L));
    expect(verdict(publicKey, message, high)).toBe(false);
  });

  it('V7: fail with a key or R of small order, canonical or not', () => {
    const p = 2n ** 255n - 19n;
    const odd = [toBytes(p), toBytes(p + 1n), toBytes(1n | (1n << 255n)), toBytes((p - 1n) | (1n << 255n))];
    for (const bytes of [...small.map((point) => point.toBytes()), ...odd]) {
      expect(verdict(bytes, message, concatBytes(bytes, new Uint8Array(32)))).toBe(false);
      expect(verdict(publicKey, message, concatBytes(bytes, signature.subarray(32)))).toBe(false);
      expect(verdict(bytes, message, signature)).toBe(false);
    }
  });

  it('V7: are judged alike when key and R carry torsion, whether it cancels or not', () => {
    const verdicts = new Set<boolean>();
    for (let keyTorsion = 0; keyTorsion < 8; keyTorsion++) {
      for (let nonceTorsion = 0; nonceTorsion < 8; nonceTorsion++) {
        const [key, signed] = forge(4711n, keyTorsion, 815n + BigInt(keyTorsion), nonceTorsion);
        verdicts.add(verdict(key, message, signed));
      }
    }
    expect(verdicts).toEqual(new Set([true, false]));
  });
});
