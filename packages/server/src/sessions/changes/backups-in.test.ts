import { expect, test } from 'vitest';
import { backupsHolding, type BackupLog } from './backups-in.js';

const HOUR = 3_600;
const log: BackupLog = {
  knownSince: 0,
  begunAt: [10 * HOUR, 20 * HOUR, 30 * HOUR, 40 * HOUR],
  destroyedBefore: 0,
};
const life = { from: 20 * HOUR, until: 30 * HOUR };
const NOW = 50 * HOUR;

test('backups that were begun while a share was there may hold it, and one that was under way then', () => {
  expect(backupsHolding(log, life, NOW)).toEqual({ taken: 2, destroyed: 0 });
  expect(backupsHolding(log, { ...life, from: 21 * HOUR }, NOW)).toEqual({ taken: 2, destroyed: 0 });
  expect(backupsHolding(log, { ...life, from: 21 * HOUR + 1 }, NOW)).toEqual({ taken: 1, destroyed: 0 });
  expect(backupsHolding(log, { ...life, until: 30 * HOUR - 1 }, NOW)).toEqual({ taken: 1, destroyed: 0 });
});

test('one that a clock ahead has put into the future counts for every share', () => {
  expect(backupsHolding(log, life, 39 * HOUR)).toEqual({ taken: 3, destroyed: 0 });
});

test('what the operator has said to be destroyed is counted with it', () => {
  expect(backupsHolding({ ...log, destroyedBefore: 30 * HOUR }, life, NOW)).toEqual({
    taken: 2,
    destroyed: 1,
  });
  expect(backupsHolding({ ...log, destroyedBefore: 30 * HOUR + 1 }, life, NOW)).toEqual({
    taken: 2,
    destroyed: 2,
  });
});

test('a server that does not know of all of them says no number, unless all that there may be are destroyed', () => {
  const restored = { ...log, knownSince: 25 * HOUR };
  expect(backupsHolding(restored, life, NOW)).toBeNull();
  expect(backupsHolding({ ...restored, destroyedBefore: 30 * HOUR }, life, NOW)).toBeNull();
  expect(backupsHolding({ ...restored, destroyedBefore: 30 * HOUR + 1 }, life, NOW)).toEqual({
    taken: 2,
    destroyed: 2,
  });
  expect(backupsHolding(log, { ...life, from: null }, NOW)).toBeNull();
  expect(backupsHolding(null, life, NOW)).toBeNull();
});

test('what an operator has said with a clock that was ahead holds for no backup of after now', () => {
  const ahead = { ...log, destroyedBefore: 1_000 * HOUR };
  expect(backupsHolding(ahead, life, 39 * HOUR)).toEqual({ taken: 3, destroyed: 2 });
  expect(backupsHolding({ ...ahead, knownSince: 25 * HOUR }, life, 30 * HOUR)).toBeNull();
});
