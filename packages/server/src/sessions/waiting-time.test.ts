import { describe, expect, test } from 'vitest';
import { COUNT_SECONDS, countOn, waitFrom, type WaitingTime } from './waiting-time.js';

const START = 1_800_000_000;
const YEAR = 31_536_000;
const alpha = new Uint8Array(16).fill(1);
const other = new Uint8Array(16).fill(2);
const begun = waitFrom({ clock: () => START }, 86_400);
/** Alpha counts. */
const waiting = countOn(begun, { now: START, lived: COUNT_SECONDS, process: alpha });

describe('L12: time that grants something is counted while a server runs', () => {
  test('by what has passed, from when somebody begins to count, up to what is needed', () => {
    expect(waiting).toMatchObject({ counted: 0, process: alpha });
    const one = countOn(waiting, { now: START + 600, lived: 600, process: alpha });
    expect(one).toEqual({ needed: 86_400, counted: 600, countedAt: START + 600, process: alpha });
    let all: WaitingTime = waiting;
    for (let now = START + 600; now <= START + 100_000; now += 600)
      all = countOn(all, { now, lived: 600, process: alpha });
    expect(all.counted).toBe(86_400);
  });

  test('a clock that is set forward by a year, at once or by steps, adds only what the process has run through', () => {
    expect(countOn(waiting, { now: START + YEAR, lived: 600, process: alpha }).counted).toBe(600);
  });

  test('a process that stood still for a day counts no day', () => {
    expect(countOn(waiting, { now: START + 90_000, lived: 90_000, process: alpha }).counted).toBe(1_200);
  });

  test('a clock that is set back adds nothing, and what was counted stays', () => {
    const before = countOn(waiting, { now: START + 600, lived: 600, process: alpha });
    expect(countOn(before, { now: START - YEAR, lived: 600, process: alpha })).toMatchObject({
      counted: 600,
    });
  });

  test.each([0, 100, -100, 500, -500])(
    'replicas count no second twice, whatever their clocks say (%i s apart)',
    (apart) => {
      let all: WaitingTime = begun;
      for (let now = START; now < START + 43_200; now += 600) {
        all = countOn(all, { now, lived: 600, process: alpha });
        all = countOn(all, { now: now + apart, lived: 600, process: other });
        all = countOn(all, { now: now + 2 * apart, lived: 600, process: new Uint8Array(16).fill(3) });
      }
      expect(all.counted).toBeLessThanOrEqual(43_200);
    },
  );

  test('another process goes on where one is gone, and adds nothing for the time between', () => {
    const before = countOn(waiting, { now: START + 600, lived: 600, process: alpha });
    const soon = countOn(before, { now: START + 1_200, lived: 600, process: other });
    expect(soon).toBe(before);
    const later = countOn(before, { now: START + 3_600, lived: 600, process: other });
    expect(later).toMatchObject({ counted: 600, process: other });
    expect(countOn(later, { now: START + 4_200, lived: 600, process: other }).counted).toBe(1_200);
  });
});
