import { describe, expect, test } from 'vitest';
import { countOn, waitFrom } from './waiting-time.js';

const START = 1_800_000_000;
const YEAR = 31_536_000;
const waiting = waitFrom({ clock: () => START }, 86_400);

describe('L12: time that grants something is counted while a server runs', () => {
  test('by what has passed, up to what is needed', () => {
    expect(countOn(waiting, START + 60, 60)).toEqual({ needed: 86_400, counted: 60, countedAt: START + 60 });
    expect(countOn(waiting, START + 100_000, 100_000).counted).toBe(86_400);
  });

  test('a clock that is set forward by a year adds only what the process has lived through', () => {
    expect(countOn(waiting, START + YEAR, 60).counted).toBe(60);
  });

  test('a clock that is set back adds nothing, and what was counted stays', () => {
    const before = countOn(waiting, START + 600, 600);
    expect(countOn(before, START - YEAR, 60)).toMatchObject({ counted: 600 });
  });

  test('a second replica counts no second twice', () => {
    const one = countOn(waiting, START + 60, 60);
    const other = countOn(one, START + 60, 60);
    expect(countOn(other, START + 90, 60).counted).toBe(90);
  });
});
