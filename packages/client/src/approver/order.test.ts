import { ballotOfOrder, type ChangeOrder, encodeOrder, type ShownMatter } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, formatWords, likenessOf } from '@ckm/gordian';
import { expect, test } from 'vitest';
import { readOrder } from './order.js';

const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const server = (fill: number) => createIdentity(secret(bytes(fill)));
const [alpha, bravo, delta] = [server(1), server(2), server(3)];
const order: ChangeOrder = {
  keyId: bytes(9),
  epoch: 4,
  transcriptHash: bytes(8),
  quorum: { needed: 2, of: 3 },
  roster: [alpha, bravo, delta].map(({ xid, publicKeys }) => ({
    serverId: xid,
    identityKey: publicKeys.signing.bytes,
  })),
  termsVersion: 0,
};
const invited = [alpha, bravo].map(({ xid, publicKeys }, at) => ({
  name: ['alpha', 'bravo'][at]!,
  url: 'https://example.test',
  publicKeys,
  xid,
  authority: null,
}));
const shownOf = (payload: Uint8Array, byWords = false) => {
  const ballot = ballotOfOrder({ order, byWords }, { termsHash: bytes(7), expiresAt: 1_800_000_000 });
  return { ...ballot, payload } as unknown as ShownMatter;
};

test('an order is read out of its bytes: servers by the names of the invitation, and others by their words', () => {
  const read = readOrder(shownOf(encodeOrder({ order, byWords: false })), { servers: invited });
  expect(read.sentence).toBe('Let these servers hold the key after epoch 4: any 2 of 3 use it.');
  const words = (xid: Uint8Array) => formatWords(likenessOf(xid));
  expect(read.rows).toEqual([
    { label: 'server', value: 'alpha', note: words(alpha.xid) },
    { label: 'server', value: 'bravo', note: words(bravo.xid) },
    { label: 'new to you', value: words(delta.xid) },
  ]);
});

test('L14: one that the words give is another one, says so, and is not read out of the bytes of the other', () => {
  const read = readOrder(shownOf(encodeOrder({ order, byWords: true }), true), { servers: invited });
  expect(read.sentence).toContain('The words of the owner order it: fewer servers decide than ever do');
  for (const byWords of [true, false])
    expect(() => readOrder(shownOf(encodeOrder({ order, byWords }), !byWords), { servers: invited })).toThrow(
      expect.objectContaining({ code: 'ORDER_INVALID' }) as Error,
    );
});

test.each([
  ['another quorum', { ...order, quorum: { needed: 3, of: 3 } }],
  ['another server', { ...order, roster: [...order.roster.slice(0, 2), order.roster[0]!] }],
  ['another epoch', { ...order, epoch: 5 }],
  ['later terms', { ...order, termsVersion: 1 }],
])('one with %s is none that the vote would name', (_, other) => {
  expect(() =>
    readOrder(shownOf(encodeOrder({ order: other, byWords: false })), { servers: invited }),
  ).toThrow(expect.objectContaining({ code: 'ORDER_INVALID' }) as Error);
});
