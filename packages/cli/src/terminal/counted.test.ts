import { expect, test } from 'vitest';
import { counted } from './counted.js';

test('one is one, and none and several are many', () => {
  expect([0, 1, 2].map((count) => counted(count, 'key'))).toEqual(['0 keys', '1 key', '2 keys']);
  expect([1, 2].map((count) => counted(count, 'ceremony', 'ceremonies'))).toEqual([
    '1 ceremony',
    '2 ceremonies',
  ]);
});
