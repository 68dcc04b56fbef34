import { expect, test } from 'vitest';
import { nearestName } from './nearest-name.js';

const NAMES = ['notes', 'treasury', 'k', 'laptop', 'note2'];

test.each([
  ['note', 'notes'],
  ['Notes', 'notes'],
  ['ntoes', 'notes'],
  ['treasurry', 'treasury'],
  ['labtop', 'laptop'],
  ['x', null],
  ['', null],
  ['other', null],
  ['../seed', null],
  ['n'.repeat(100_000), null],
])('of a mistyped %s the name that was meant is %s', (typed, meant) => {
  expect(nearestName(typed, NAMES)).toBe(meant);
});
