import { expect, test } from 'vitest';
import { backupsHolding, type BackupLog } from './backups-in.js';

const HOUR = 3_600;
const log: BackupLog = {
  knownFrom: 0,
  begun: [
    { at: 10 * HOUR, entry: 10, over: 12 },
    { at: 20 * HOUR, entry: 20, over: 25 },
    { at: 30 * HOUR, entry: 30, over: 31 },
    { at: 40 * HOUR, entry: 40, over: 45 },
  ],
  destroyedBefore: 0,
};
const life = { after: 24, before: 31, until: 30 * HOUR };
const NOW = 50 * HOUR;

test('backups that were begun while a share was there may hold it, and one that was under way when it came', () => {
  expect(backupsHolding(log, life, NOW)).toEqual({ taken: 2, destroyed: 0 });
  expect(backupsHolding(log, { ...life, after: 25 }, NOW)).toEqual({ taken: 1, destroyed: 0 });
  expect(backupsHolding(log, { ...life, before: 30 }, NOW)).toEqual({ taken: 1, destroyed: 0 });
  expect(backupsHolding(log, { ...life, before: null }, NOW)).toEqual({ taken: 3, destroyed: 0 });
});

test('one that is not known to be over may hold every share that came since', () => {
  const [first, ...others] = log.begun;
  const begun = [{ ...first!, over: null }, ...others];
  expect(backupsHolding({ ...log, begun }, { ...life, after: 35, before: null }, NOW)).toEqual({
    taken: 2,
    destroyed: 0,
  });
});

test('what the clock said when they were begun takes none of them out', () => {
  for (const at of [0, 1_000 * HOUR]) {
    const begun = log.begun.map((one) => ({ ...one, at }));
    expect(backupsHolding({ ...log, begun }, life, NOW)).toEqual({ taken: 2, destroyed: 0 });
    expect(backupsHolding({ ...log, begun }, life, 2_000 * HOUR)).toEqual({ taken: 2, destroyed: 0 });
  }
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
  const restored = { ...log, knownFrom: 26 };
  expect(backupsHolding(restored, life, NOW)).toBeNull();
  expect(backupsHolding(restored, { ...life, after: 26 }, NOW)).toEqual({ taken: 1, destroyed: 0 });
  expect(backupsHolding({ ...restored, destroyedBefore: 30 * HOUR }, life, NOW)).toBeNull();
  expect(backupsHolding({ ...restored, destroyedBefore: 30 * HOUR + 1 }, life, NOW)).toEqual({
    taken: 2,
    destroyed: 2,
  });
  expect(backupsHolding(log, { ...life, after: null }, NOW)).toBeNull();
  expect(backupsHolding(null, life, NOW)).toBeNull();
});

test('what an operator has said with a clock that was ahead holds for no backup of after now', () => {
  const ahead = { ...log, destroyedBefore: 1_000 * HOUR };
  const whole = { ...life, before: null };
  expect(backupsHolding(ahead, whole, 39 * HOUR)).toEqual({ taken: 3, destroyed: 2 });
  expect(backupsHolding({ ...ahead, knownFrom: 25 }, { ...whole, until: 30 * HOUR }, 30 * HOUR)).toBeNull();
});
