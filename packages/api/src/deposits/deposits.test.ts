import { encodeHex } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { parseCall, encodeCall } from '../call.js';
import { depositReceipt, MAX_DEPOSIT_BYTES } from './deposits.js';

const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value);

describe('a receipt', () => {
  test('is SHA-256 of the XID and the data behind it', () => {
    // printf of 32 bytes 01 and the letters "data", by sha256sum.
    const receipt = depositReceipt(bytes(32, 1), new TextEncoder().encode('data'));
    expect(encodeHex(receipt)).toBe('ad8f6883d99f31aaacba7e25eee9d5ffc2d2bd77445bf69bf833aa3687b66838');
  });

  test('is of one account: the same data under another XID has another', () => {
    const [one, two] = [1, 2].map((value) => encodeHex(depositReceipt(bytes(32, value), bytes(40))));
    expect(one).not.toBe(two);
  });
});

describe('a call about shares', () => {
  test.each([
    ['nothing to keep', () => parseCall('share.store', encodeCall('share.store', { data: bytes(0) }))],
    [
      'more than is kept',
      () => parseCall('share.store', encodeCall('share.store', { data: bytes(MAX_DEPOSIT_BYTES + 1) })),
    ],
    ['no receipt', () => parseCall('share.get', encodeCall('share.get', { receipts: [] }))],
    ['no receipt to delete', () => parseCall('share.delete', encodeCall('share.delete', { receipts: [] }))],
    [
      'a receipt that is cut',
      () => parseCall('share.get', encodeCall('share.get', { receipts: [bytes(31)] })),
    ],
    [
      'a receipt too many',
      () =>
        parseCall(
          'share.delete',
          encodeCall('share.delete', { receipts: Array.from({ length: 17 }, () => bytes(32)) }),
        ),
    ],
  ])('with %s is none', (_, parse) => {
    expect(parse).toThrow(expect.objectContaining({ code: 'PARAMETERS_INVALID' }) as Error);
  });
});
