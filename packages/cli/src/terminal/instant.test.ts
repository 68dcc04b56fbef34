import { expect, test } from 'vitest';
import { formatInstant } from './instant.js';

const NOON = Date.UTC(2026, 10, 29, 12) / 1000;

test.each([
  [0, 'now'],
  [1, 'in 1 s'],
  [59, 'in 59 s'],
  [90, 'in 2 min'],
  [-3_599, '1 h ago'],
  [86_399, 'in 1 d'],
  // A request that was asked for this moment expires in 7 days, and a second later too.
  [7 * 86_400, 'in 7 d'],
  [7 * 86_400 - 1, 'in 7 d'],
  [6 * 86_400, 'in 6 d'],
  [-60 * 86_400 + 4_000, '60 d ago'],
])('a moment that is %d s away is said as people round it: %s', (seconds, said) => {
  expect(formatInstant(NOON + seconds, NOON)).toMatch(new RegExp(`^20[-\\d]+ [\\d:]+ UTC \\(${said}\\)$`));
});
