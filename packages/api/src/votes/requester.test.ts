import { createIdentity } from '@ckm/gordian';
import { secret } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { isRequester, type RequestNamed, signRequester } from './requester.js';

const filled = (byte: number) => new Uint8Array(32).fill(byte);
const request: RequestNamed = {
  keyId: filled(1),
  requestId: filled(2),
  payloadHash: filled(3),
  expiresAt: 1_790_000_000,
};

test('who asks for something asks for nothing else, and nobody asks in the name of another', () => {
  const said = signRequester(createIdentity(secret(filled(9))), request);
  const other = createIdentity(secret(filled(8))).publicKeys.signing.bytes;
  expect(isRequester(said, request)).toBe(true);
  expect(isRequester({ ...said, key: other }, request)).toBe(false);
  const others: RequestNamed[] = [
    { ...request, keyId: filled(7) },
    { ...request, requestId: filled(7) },
    { ...request, payloadHash: filled(7) },
    { ...request, expiresAt: request.expiresAt + 1 },
  ];
  expect(others.filter((one) => isRequester(said, one))).toEqual([]);
});
