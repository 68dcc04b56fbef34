import { expect, test } from 'vitest';
import { canWait, isQuiet } from './quiet-hours.js';

const at = (hours: number, minutes = 0) => Date.UTC(2026, 11, 1, hours, minutes) / 1000;

test.each([
  ['22:00', '07:00', [at(22), at(23, 59), at(0), at(6, 59)], [at(21, 59), at(7), at(12)]],
  ['12:00', '13:30', [at(12), at(13, 29)], [at(11, 59), at(13, 30), at(0)]],
  ['08:00', '08:00', [], [at(8), at(7, 59), at(20)]],
] as const)('from %s to %s it is quiet at these times and no other', (from, to, quiet, loud) => {
  const config = { quiet: { from, to } };
  expect(quiet.map((now) => isQuiet(config, now))).toEqual(quiet.map(() => true));
  expect(loud.map((now) => isQuiet(config, now))).toEqual(loud.map(() => false));
  expect(isQuiet({ quiet: null }, at(0))).toBe(false);
});

test('nothing waits for the morning but what waits for an answer', () => {
  const events = ['waiting', 'stopped', 'exported', 'terms', 'recovering', 'silence', 'frozen'] as const;
  expect(events.filter((event) => canWait({ event }))).toEqual(['waiting']);
});
