import { describe, expect, test } from 'vitest';
import {
  type Counter,
  countedBy,
  countOn,
  createLifetime,
  waitFrom,
  type WaitingTime,
} from './waiting-time.js';

const START = 1_800_000_000;
const YEAR = 31_536_000;
const DAY = 86_400;
const alpha = new Uint8Array(16).fill(1);
const other = new Uint8Array(16).fill(2);

/** One of several processes, so many seconds after all began. */
function at(seconds: number, changes: Partial<Counter> = {}): Counter {
  return { now: START + seconds, lived: seconds, process: alpha, isAlone: false, ...changes };
}

const waiting = waitFrom(at(0), DAY);

describe('L12: time that grants something is counted while a server runs', () => {
  test('by what has passed, up to what is needed; it is stored every ten minutes', () => {
    expect(countedBy(at(599), waiting)).toBe(599);
    expect(countOn(waiting, at(599))).toBe(waiting);
    const one = countOn(waiting, at(600));
    expect(one).toEqual({ needed: DAY, counted: 600, countedAt: START + 600, lived: 600, process: alpha });
    let all: WaitingTime = waiting;
    for (let seconds = 600; seconds <= 100_000; seconds += 600) all = countOn(all, at(seconds));
    expect(all.counted).toBe(DAY);
  });

  test('a clock that is set forward by a year, at once or by steps, adds only what the process has run through', () => {
    expect(countedBy(at(600, { now: START + YEAR }), waiting)).toBe(600);
    let all: WaitingTime = waiting;
    for (let i = 1; i <= 10; i++) all = countOn(all, at(600 * i, { now: START + YEAR * i }));
    expect(all.counted).toBe(6_000);
  });

  test('a machine that slept counts nothing of it, though its date went on', () => {
    const before = countOn(waiting, at(600));
    expect(countedBy(at(700, { now: START + 3 * DAY }), before)).toBe(700);
  });

  test('what was held up for longer than twenty minutes goes on from where it was, and counts nothing of that', () => {
    const before = countOn(waiting, at(600));
    expect(countedBy(at(5 * DAY), before)).toBe(600);
    const after = countOn(before, at(5 * DAY));
    expect(countedBy(at(5 * DAY + 60), after)).toBe(660);
  });

  test('a clock that is set back adds nothing, and what was counted stays', () => {
    const before = countOn(waiting, at(600));
    expect(countedBy(at(1_200, { now: START - YEAR }), before)).toBe(600);
    expect(countOn(before, at(1_200, { now: START - YEAR }))).toMatchObject({ counted: 600 });
  });

  test.each([0, 100, -100, 500, -500])(
    'replicas count no second twice, whatever their clocks say (%i s apart)',
    (apart) => {
      let all: WaitingTime = waiting;
      for (let seconds = 0; seconds < 43_200; seconds += 600) {
        const now = START + seconds;
        all = countOn(all, at(seconds));
        all = countOn(all, at(seconds, { now: now + apart, process: other }));
        all = countOn(all, at(seconds, { now: now + 2 * apart, process: new Uint8Array(16).fill(3) }));
      }
      expect(all.counted).toBeLessThanOrEqual(43_200);
      expect(all.counted).toBeGreaterThan(40_000);
    },
  );

  test('another process goes on where one is gone, and adds nothing for the time between', () => {
    const before = countOn(waiting, at(600));
    expect(countOn(before, at(1_200, { process: other }))).toBe(before);
    const later = countOn(before, at(3_600, { process: other }));
    expect(later).toMatchObject({ counted: 600, process: other });
    expect(countOn(later, at(4_200, { process: other })).counted).toBe(1_200);
  });

  test('where no other process can be there, one that starts goes on at once', () => {
    const next = countOn(waiting, at(60, { lived: 3, process: other, isAlone: true }));
    expect(next).toMatchObject({ counted: 0, lived: 3, process: other });
  });
});

describe('for how long a process has run', () => {
  test('is what passes while it looks; a gap counts nothing, and nothing runs backwards', () => {
    let ms = 5_000_000;
    const lived = createLifetime(() => ms);
    expect(lived()).toBe(0);
    for (let i = 0; i < 100; i++) {
      ms += 5_500;
      lived();
    }
    expect(lived()).toBe(550);
    ms += DAY * 1_000;
    expect(lived()).toBe(550);
    ms -= DAY * 1_000;
    expect(lived()).toBe(550);
    ms += 5_000;
    expect(lived()).toBe(555);
  });
});
