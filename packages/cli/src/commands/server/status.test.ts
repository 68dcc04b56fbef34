import { expect, test } from 'vitest';
import { epochKeysText } from './status.js';

test('ckm server status says of the epoch keys that none is missing, or of how many shares', () => {
  expect(epochKeysText(0)).toBe('none is missing');
  expect(epochKeysText(1)).toMatch(/^of 1 share missing, .*EPOCH_KEY_MISSING$/);
  expect(epochKeysText(3)).toMatch(/^of 3 shares missing/);
});
