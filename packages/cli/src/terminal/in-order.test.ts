import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createInOrder } from './in-order.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('answers are shown in the order of who was asked, and one that is late keeps no other waiting', () => {
  const shown: string[] = [];
  const answers = createInOrder<string>(['alpha', 'bravo', 'charlie', 'delta'], (one) => shown.push(one));
  answers.answered('bravo', 'b');
  expect(shown).toEqual([]);
  answers.answered('alpha', 'a');
  expect(shown).toEqual(['a', 'b']);
  answers.answered('delta', 'd');
  vi.advanceTimersByTime(499);
  expect(shown).toEqual(['a', 'b']);
  vi.advanceTimersByTime(1);
  expect(shown).toEqual(['a', 'b', 'd']);
  answers.answered('charlie', 'c');
  answers.end();
  expect(shown).toEqual(['a', 'b', 'd', 'c']);
});

test('what is there at the end is shown, and nothing twice', () => {
  const shown: string[] = [];
  const answers = createInOrder<string>(['alpha', 'bravo'], (one) => shown.push(one));
  answers.answered('bravo', 'b');
  answers.end();
  answers.end();
  expect(shown).toEqual(['b']);
});
