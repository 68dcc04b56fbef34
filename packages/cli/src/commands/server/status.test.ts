import { expect, test } from 'vitest';
import { clockText, databaseText, epochKeysText } from './status.js';

test('ckm server status says of the epoch keys that none is missing, or of how many shares', () => {
  expect(epochKeysText(0)).toBe('none is missing');
  expect(epochKeysText(1)).toMatch(/^of 1 share missing, .*EPOCH_KEY_MISSING$/);
  expect(epochKeysText(3)).toMatch(/^of 3 shares missing/);
});

test('ckm server status says of a clock that jumped which way, by how much, and what the server goes by', () => {
  expect(clockText(3_600)).toMatch(/jumped ahead by 3600 s; the server goes on by the time that has passed/);
  expect(clockText(-60)).toMatch(/jumped back by 60 s; .* ckm explain CLOCK_JUMPED$/);
});

test('ckm server status says of a database only what does not go without saying: that its SQLite is that of Node', () => {
  const sqlite = (library: 'better-sqlite3' | 'node') => ({ library, version: '3.47.2' });
  expect(databaseText({ storage: 'postgres', sqlite: null })).toBe('postgres');
  expect(databaseText({ storage: 'sqlite', sqlite: sqlite('better-sqlite3') })).toBe('sqlite');
  expect(databaseText({ storage: 'sqlite', sqlite: sqlite('node') })).toBe(
    'sqlite (that of Node itself, 3.47.2)',
  );
});
