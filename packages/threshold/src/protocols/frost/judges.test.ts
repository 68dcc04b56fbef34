import { createPublicKey, verify } from 'node:crypto';
import { concatBytes, decodeHex, encodeUtf8 } from '@ckm/foundation';
import { ristretto255_FROST } from '@noble/curves/ed25519.js';
import { p256_FROST } from '@noble/curves/nist.js';
import { schnorr, secp256k1_FROST } from '@noble/curves/secp256k1.js';
import sodium from 'libsodium-wrappers-sumo';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfInteger } from '../../group/test/backends.js';
import { deriveKey, NO_TWEAK } from '../../hd/index.js';
import { dealKey } from './fixtures/dealer.js';
import { signTogether } from './fixtures/signing.js';
import { frostSuite } from './suite.js';
import { verifySignature } from './verify-signature.js';

/** SubjectPublicKeyInfo of an Ed25519 key up to the key. Source: RFC 8410 §4 */
const SPKI = decodeHex('302a300506032b6570032100');

const messages = [
  new Uint8Array(0),
  encodeUtf8('x'),
  new Uint8Array(32).fill(3),
  new Uint8Array(5000).fill(4),
];

describe('judges that are not ours', () => {
  test.each([[[]], [[3]], [[0, 7, 2147483647]]])(
    'V43: OpenSSL and libsodium accept our ed25519 signatures at path %j',
    async (path) => {
      await sodium.ready;
      expect.assertions(messages.length * 3);
      for (const message of messages) {
        const dealt = dealKey({ suite: 'ed25519', needed: 2, of: 4 });
        const key = deriveKey(dealt.public, { path, taproot: null });
        const signature = signTogether(dealt, [4, 2], message, key);
        const der = Buffer.from(concatBytes(SPKI, key.groupKey));
        const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
        expect(verify(null, message, publicKey, signature)).toBe(true);
        expect(sodium.crypto_sign_verify_detached(signature, message, key.groupKey)).toBe(true);
        const forged = signature.slice();
        forged[0]! ^= 1;
        expect(sodium.crypto_sign_verify_detached(forged, message, key.groupKey)).toBe(false);
      }
    },
  );

  test.each([
    ['plain', { path: [], taproot: null }],
    ['derived', { path: [1, 2], taproot: null }],
    ['taproot', { path: [0, 9], taproot: { merkleRoot: null } }],
    ['taproot with scripts', { path: [0, 9], taproot: { merkleRoot: new Uint8Array(32).fill(1) } }],
  ])('V43: an independent BIP-340 verifier accepts our %s signatures', (_, tweak) => {
    expect.assertions(messages.length * 2);
    for (const message of messages) {
      const dealt = dealKey({ suite: 'secp256k1-tr', needed: 3, of: 4 });
      const key = deriveKey(dealt.public, tweak);
      const signature = signTogether(dealt, [1, 3, 4], message, key);
      expect(signature).toHaveLength(64);
      expect(schnorr.verify(signature, message, key.groupKey.subarray(1))).toBe(true);
    }
  });
});

describe('our own second opinion', () => {
  const keys = schnorr.keygen();
  const message = encodeUtf8('judged twice');
  const signature = schnorr.sign(message, keys.secretKey);

  test(
    'V43: of a BIP-340 signature is noble’s, whichever byte of whichever part is another',
    { tags: 'slow' },
    () => {
      const opinions = (x: Uint8Array, text: Uint8Array, sig: Uint8Array) => {
        let theirs = false;
        try {
          theirs = schnorr.verify(sig, text, x);
        } catch {
          theirs = false;
        }
        return [verifySignature('secp256k1-tr', x, text, sig), theirs];
      };
      expect(opinions(keys.publicKey, message, signature)).toEqual([true, true]);
      fc.assert(
        fc.property(fc.nat({ max: 107 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
          const parts = concatBytes(keys.publicKey, signature, message);
          parts[at]! ^= flip;
          const [ours, theirs] = opinions(parts.subarray(0, 32), parts.subarray(96), parts.subarray(32, 96));
          expect(ours).toBe(theirs);
        }),
      );
    },
  );

  test.each([
    ['ristretto255', ristretto255_FROST],
    ['P-256', p256_FROST],
    ['secp256k1', secp256k1_FROST],
  ] as const)(
    'V43: verifySignature judges %s as noble does, whichever byte of which part is another',
    (suite, peer) => {
      const dealt = dealKey({ suite, needed: 2, of: 3 });
      const key = deriveKey(dealt.public, NO_TWEAK).groupKey;
      const signed = signTogether(dealt, [1, 3], message, deriveKey(dealt.public, NO_TWEAK));
      const opinions = (parts: Uint8Array) => {
        const [theirKey, rest] = [parts.slice(0, key.length), parts.subarray(key.length)];
        const [theirs, text] = [rest.slice(0, signed.length), rest.slice(signed.length)];
        let judged = false;
        try {
          judged = peer.verify(theirs, text, theirKey);
        } catch {
          judged = false;
        }
        return [verifySignature(suite, theirKey, text, theirs), judged];
      };
      const whole = concatBytes(key, signed, message);
      expect(opinions(whole)).toEqual([true, true]);
      fc.assert(
        fc.property(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
          const parts = whole.slice();
          parts[at]! ^= flip;
          expect(opinions(parts)).toEqual([false, false]);
        }),
        { numRuns: 60 },
      );
    },
  );

  test.each(['ristretto255', 'P-256', 'secp256k1'] as const)(
    'V8: verifySignature refuses the order added to z, R of nothing and a longer key for %s',
    (suite) => {
      const dealt = dealKey({ suite, needed: 2, of: 3 });
      const key = deriveKey(dealt.public, NO_TWEAK).groupKey;
      const { scalars, elementByteLength } = frostSuite(suite).group;
      const nothing = concatBytes(new Uint8Array(elementByteLength), scalars.one);
      const order = bytesOfInteger(frostSuite(suite).group.name, scalars.order + 1n);
      const high = concatBytes(key, order);
      for (const signature of [nothing, high]) {
        expect(verifySignature(suite, key, message, signature)).toBe(false);
      }
      const good = signTogether(dealt, [1, 2], message, deriveKey(dealt.public, NO_TWEAK));
      expect(verifySignature(suite, concatBytes(key, Uint8Array.of(0)), message, good)).toBe(false);
    },
  );

  test.each([
    ['of no length', new Uint8Array()],
    ['a byte short', signature.subarray(1)],
    ['a byte long', concatBytes(signature, Uint8Array.of(0))],
    ['all zero', new Uint8Array(64)],
    ['all ones', new Uint8Array(64).fill(255)],
  ])('a signature %s is wrong, and no throw', (_what, wrong) => {
    for (const suite of ['secp256k1-tr', 'ed25519', 'secp256k1', 'P-256', 'ristretto255'] as const)
      expect(verifySignature(suite, keys.publicKey, message, wrong)).toBe(false);
  });
});
