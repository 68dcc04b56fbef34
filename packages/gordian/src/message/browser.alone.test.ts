// @module-tag long
import { encodeHex, secret } from '@ckm/foundation';
import { expect, it, vi } from 'vitest';
import { encodeData } from '../cbor/data.js';
import { createIdentity } from '../identity/identity.js';
import { primitives } from '../primitives/runtime.js';
import { openMessage } from './open.js';
import { sealMessage } from './seal.js';

vi.mock('../primitives/runtime.js', () => import('../primitives/browser.js'));

it('a browser seals the very bytes that Node seals, and opens them', () => {
  const [alice, alpha] = [1, 2].map((byte) => createIdentity(secret(new Uint8Array(32).fill(byte))));
  const sealed = sealMessage({
    sender: alice!,
    recipient: alpha!,
    id: new Uint8Array(32).fill(3),
    date: 1000,
    expiresAt: 1100,
    function: 'key.list',
    body: encodeData({ after: null }),
    random: (length) => new Uint8Array(length).fill(4),
  });
  expect(primitives.name).toBe('noble');
  // The digest that message.test.ts freezes for native code.
  expect(encodeHex(primitives.sha256(sealed))).toBe(
    'aa70f8a221ee7a02d2f4efa18ff345d58e6ad2f6ce0f685447239364830207b8',
  );
  const resolveSender = () => alice!.publicKeys;
  expect(openMessage({ recipient: alpha!, bytes: sealed, now: 1001, resolveSender }).function).toBe(
    'key.list',
  );
});
