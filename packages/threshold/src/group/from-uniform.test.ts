import { decodeHex, encodeHex, encodeUtf8 } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hash } from '../hash/index.js';
import { codeOf } from '../test/code-of.js';
import { EVERY_BACKEND, oracleOf } from './test/backends.js';

/** Labels and encodings of RFC 9496 §A.3: SHA-512 of the label is mapped. */
const PUBLISHED = [
  [
    'Ristretto is traditionally a short shot of espresso coffee',
    '3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46',
  ],
  [
    'made with the normal amount of ground coffee but extracted with',
    'f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b',
  ],
  [
    'about half the amount of water in the same amount of time',
    '006ccd2a9e6867e6a2c5cea83d3302cc9de128dd2a9a57dd8ee7b9d7ffe02826',
  ],
] as const;

const present = EVERY_BACKEND.flatMap(([label, group]) =>
  group === undefined ? [] : [[label, group] as const],
);
const mapping = present.filter(([, group]) => group.name === 'ristretto255');
const others = present.filter(([, group]) => group.name !== 'ristretto255');

describe('fromUniform', () => {
  test.each(mapping)('gives the published elements, and noble’s: %s', (_, group) => {
    for (const [label, encoded] of PUBLISHED)
      expect(encodeHex(group.encode(group.fromUniform(hash('sha512', encodeUtf8(label)))))).toBe(encoded);
    const oracle = oracleOf('ristretto255');
    for (let i = 0; i < 50; i++) {
      const bytes = new Uint8Array(randomBytes(64));
      expect(group.encode(group.fromUniform(bytes))).toEqual(oracle.encode(oracle.fromUniform(bytes)));
    }
    expect(codeOf(() => group.fromUniform(decodeHex('00'.repeat(63))))).toBe('LENGTH_MISMATCH');
  });

  test.each(others)('is refused by other groups: %s', (_, group) => {
    expect(codeOf(() => group.fromUniform(new Uint8Array(64)))).toBe('GROUP_WITHOUT_MAP');
  });
});

test.each(present)('invertSecret gives the inverse, and refuses zero: %s', (_, { scalars }) => {
  for (let i = 0; i < 20; i++) {
    const secret = scalars.reduceSecret(new Uint8Array(randomBytes(64)));
    const inverse = scalars.invertSecret(secret);
    expect(scalars.equal(scalars.multiply(secret, inverse), scalars.one)).toBe(true);
    expect(scalars.equal(inverse, scalars.invert(scalars.publish(secret, 'test')))).toBe(true);
  }
  expect(codeOf(() => scalars.invertSecret(scalars.parseSecret(scalars.zero)))).toBe('SCALAR_ZERO');
});
