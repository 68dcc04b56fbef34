import { decodeHex } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { expect, test } from 'vitest';
import { goOnWithout } from './go-on-without.js';

const DEAD = 'c1'.repeat(32);
const ALIVE = 'd2'.repeat(32);
const wordsOf = (xid: string) => formatWords(likenessOf(decodeHex(xid)));

test('an heir goes on without the servers that the operator names, by their six words or first digits', () => {
  expect(goOnWithout([DEAD], wordsOf(DEAD))).toEqual([DEAD]);
  expect(goOnWithout([DEAD, ALIVE], `${ALIVE.slice(0, 8)},${wordsOf(DEAD)}`)).toEqual([DEAD, ALIVE]);
});

test.each<[string, readonly string[], string]>([
  ['one that says nothing and was not named', [DEAD, ALIVE], wordsOf(DEAD)],
  ['one that was named and says something', [DEAD], `${wordsOf(DEAD)},${wordsOf(ALIVE)}`],
  ['one named twice in the place of two', [DEAD, ALIVE], `${wordsOf(DEAD)},${wordsOf(DEAD)}`],
  ['nobody, where nothing is missing', [], wordsOf(DEAD)],
  ['too few digits', [DEAD], 'c1'],
  ['an empty name', [DEAD], ''],
])('and not without %s', (_what, missing, named) => {
  expect(() => goOnWithout(missing, named)).toThrow(expect.objectContaining({ code: 'SILENCE_NOT_AS_SEEN' }));
});
