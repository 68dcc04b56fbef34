import { createStaticKey } from '@ckm/threshold';
import { expect, test } from 'vitest';
import { staticKeyFrom } from './offer.js';

test('staticKeyFrom makes the static key of the very epoch that a certificate names, not that of the first', () => {
  const keyId = new Uint8Array(32).fill(3);
  const seed = new Uint8Array(32).fill(4);
  const keys = [0, 1, 2].map((epoch) => staticKeyFrom({ suite: 'ed25519', keyId, epoch }, seed).staticKey);
  expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(3);
  keys.forEach((key, epoch) => {
    expect(key).toEqual(createStaticKey('ed25519', keyId, epoch, seed).staticKey);
  });
});
