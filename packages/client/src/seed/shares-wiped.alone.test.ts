// @module-tag long
import { reveal, type Secret, secret } from '@ckm/foundation';
import { combineSecret, sharesInText, shareToUr } from '@ckm/gordian';
import type * as Gordian from '@ckm/gordian';
import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { createShareSet, splitSeed } from './shares.js';

vi.mock('@ckm/gordian', async (original) => {
  const gordian = await original<typeof Gordian>();
  return { ...gordian, combineSecret: vi.fn(gordian.combineSecret) };
});

const random = (length: number) => new Uint8Array(randomBytes(length));
const split = (fill: number) =>
  splitSeed(
    secret(new Uint8Array(32).fill(fill)),
    { groupsNeeded: 1, groups: [{ needed: 2, of: 3 }] },
    random,
  )[0]!;

test('the seed that shares give is wiped where one laid beside them does not fit', () => {
  const [own, others] = [split(1), split(2)];
  const bytesOf = ({ ur }: { readonly ur: Secret<string> }) => sharesInText(reveal(ur, 'test'))[0]!;
  const foreign = bytesOf(others[2]!);
  foreign.set(bytesOf(own[0]!).subarray(0, 2));
  const set = createShareSet();
  for (const text of [own[0]!.ur, own[1]!.ur, secret(shareToUr(foreign))]) set.add(text);
  expect(() => set.seed()).toThrow(expect.objectContaining({ code: 'SEED_SHARES_MIXED' }));
  const given = vi.mocked(combineSecret).mock.results.filter(({ type }) => type === 'return');
  expect(given.length).toBeGreaterThan(0);
  for (const { value } of given)
    expect(() => reveal(value as Secret<Uint8Array>, 'test')).toThrow('after it was wiped');
});
