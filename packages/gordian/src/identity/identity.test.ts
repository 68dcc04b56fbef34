import { decodeHex, encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { createIdentity, signBytes, verifyBytes, wipeIdentity } from './identity.js';
import { decodePublicKeys, encodePublicKeys, type PublicKeys } from './public-keys.js';

const seed = (byte: number) => secret(new Uint8Array(32).fill(byte));
const alice = createIdentity(seed(1));
const bob = createIdentity(seed(2));
const message = encodeUtf8('pay the plumber');

describe('an identity', () => {
  it('has the keys that Gordian tools derive from the same seed', () => {
    const derive = (salt: string) =>
      hkdf(sha256, new Uint8Array(32).fill(1), encodeUtf8(salt), undefined, 32);
    expect(alice.publicKeys.signing.bytes).toEqual(ed25519.getPublicKey(derive('signing')));
    expect(alice.publicKeys.agreement).toEqual(x25519.getPublicKey(derive('agreement')));
  });

  it('derived from a fixed seed has the bytes that were frozen', () => {
    expect(encodeHex(encodePublicKeys(alice.publicKeys))).toBe(
      'd99c5182d99c56820258201247c3558fa585697fecaa6b168fce02569ff2ec4d9b677aea17850d9aa90be2d99c4b582096f998764beeb57d13a05a6bb6eaff1327c0919aed388a01b62f44304d2ebf45',
    );
    expect(encodeHex(alice.xid)).toBe('11176c94a86056edf4988e28082f4e44cb4db3ce89c7633e056c09e33266443c');
  });

  it('keeps its XID when its keys are new', () => {
    const rotated = createIdentity(seed(3), alice.xid);
    expect(rotated.xid).toEqual(alice.xid);
    expect(rotated.publicKeys).not.toEqual(alice.publicKeys);
  });

  it('needs a seed of 32 bytes', () => {
    expect(() => createIdentity(secret(new Uint8Array(31)))).toThrow(
      expect.objectContaining({ code: 'IDENTITY_SEED_LENGTH' }),
    );
  });

  it('V65: does not print its private keys, and forgets them when wiped', () => {
    const carol = createIdentity(seed(4));
    expect(JSON.stringify(carol)).toContain('<secret>');
    expect(JSON.stringify(carol).match(/<secret>/g)).toHaveLength(3);
    wipeIdentity(carol);
    expect(() => signBytes(carol, 'ckm/test', message)).toThrow(
      expect.objectContaining({ code: 'SECRET_WIPED' }),
    );
  });
});

describe('a signature over bytes', () => {
  const signature = signBytes(alice, 'ckm/test', message);

  it('verifies for its signer, purpose and bytes, and for nothing else', () => {
    expect(verifyBytes(alice.publicKeys, 'ckm/test', message, signature)).toBe(true);
    expect(verifyBytes(bob.publicKeys, 'ckm/test', message, signature)).toBe(false);
    expect(verifyBytes(alice.publicKeys, 'ckm/test', encodeUtf8('pay the plumber!'), signature)).toBe(false);
    expect(verifyBytes(alice.publicKeys, 'ckm/test', message, signature.slice(1))).toBe(false);
  });

  it('V17: of one purpose is none of another, even when purpose and bytes join to the same text', () => {
    expect(verifyBytes(alice.publicKeys, 'ckm/other', message, signature)).toBe(false);
    const shifted = signBytes(alice, 'ab', encodeUtf8('c'));
    expect(verifyBytes(alice.publicKeys, 'a', encodeUtf8('bc'), shifted)).toBe(false);
  });

  it('is deterministic, and needs a purpose', () => {
    expect(signBytes(alice, 'ckm/test', message)).toEqual(signature);
    for (const tag of ['', 'x'.repeat(256)]) {
      expect(() => signBytes(alice, tag, message)).toThrow(
        expect.objectContaining({ code: 'SIGNATURE_TAG_LENGTH' }),
      );
    }
  });

  it('is never checked with a key of another kind', () => {
    const schnorr: PublicKeys = {
      ...alice.publicKeys,
      signing: { ...alice.publicKeys.signing, scheme: 'schnorr' },
    };
    expect(verifyBytes(schnorr, 'ckm/test', message, signature)).toBe(false);
  });
});

describe('public keys', () => {
  it('come back byte for byte', () => {
    const keys: readonly PublicKeys[] = [
      alice.publicKeys,
      { ...alice.publicKeys, signing: { scheme: 'schnorr', bytes: new Uint8Array(32).fill(5) } },
      { ...alice.publicKeys, signing: { scheme: 'ecdsa', bytes: new Uint8Array(33).fill(2) } },
    ];
    for (const one of keys) expect(decodePublicKeys(encodePublicKeys(one))).toEqual(one);
  });

  it('V6: of a wrong length, kind or tag are refused', () => {
    const good = encodeHex(encodePublicKeys(alice.publicKeys));
    const bad = [
      good.replace('d99c51', 'd99c52'),
      good.replace('d99c4b', 'd99c4a'),
      good.replace('d99c568202', 'd99c568203'),
      good.replace('d99c568202', 'd99c568201'),
      '80',
    ];
    for (const hex of bad) {
      expect(() => decodePublicKeys(decodeHex(hex)), hex).toThrow(
        expect.objectContaining({ code: 'PUBLIC_KEYS_INVALID' }),
      );
    }
    expect(() => decodePublicKeys(new Uint8Array(600))).toThrow(
      expect.objectContaining({ code: 'CBOR_TOO_LONG' }),
    );
  });
});
