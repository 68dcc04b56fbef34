import { encodeHex } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { hashChainCode } from './transcript.js';

const bytes = (value: number) => new Uint8Array(32).fill(value);
const opening = (value: number) => ({
  commitment: bytes(value),
  ephemeralKey: bytes(value + 1),
  salt: bytes(value + 2),
});
const input = { suiteName: 'ed25519', sessionId: bytes(1), openings: [opening(10), opening(20)] };

test('V25: the chain code hangs on the suite, the session id, and each commitment, ephemeral key and salt in order', () => {
  const [one, two] = input.openings as [ReturnType<typeof opening>, ReturnType<typeof opening>];
  const changed = [
    { ...input, suiteName: 'P-256' },
    { ...input, sessionId: bytes(2) },
    { ...input, openings: [one, { ...two, commitment: bytes(99) }] },
    { ...input, openings: [one, { ...two, ephemeralKey: bytes(99) }] },
    { ...input, openings: [one, { ...two, salt: bytes(99) }] },
    { ...input, openings: [two, one] },
    { ...input, openings: [one] },
  ];
  const codes = [input, ...changed].map((one) => encodeHex(hashChainCode(one)));
  expect(new Set(codes).size).toBe(codes.length);
  expect(encodeHex(hashChainCode(input))).toBe(codes[0]);
});
