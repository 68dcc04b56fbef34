import { describe, expect, test } from 'vitest';
import { createClockWatch, createElapsed, createServerClock } from './clock.js';
import { NOON } from './test/rooms.js';

const HOUR = 3_600;

/** A machine whose clock somebody sets, and on which time passes all the same. UnixSeconds. */
function machine(floor = 0) {
  const at = { clock: NOON, passed: 0, slept: 0 };
  let seenSleep = 0;
  const elapsed = {
    ms: () => (at.passed + seenSleep) * 1_000,
    addSleep: () => void (seenSleep = at.slept),
  };
  const time = createServerClock(() => at.clock * 1_000, floor, elapsed);
  const pass = (seconds: number) => {
    at.clock += seconds;
    at.passed += seconds;
  };
  return { at, time, pass };
}

describe('the time of a server', () => {
  test('never runs backwards, and starts no earlier than its floor', () => {
    const { at, time } = machine(NOON + 7);
    expect(time.now()).toBe(NOON + 7);
    at.clock -= 20;
    expect(time.now()).toBe(NOON + 7);
  });

  test('follows steps of seconds', () => {
    const { at, time, pass } = machine();
    pass(10);
    at.clock += 20;
    expect([time.now(), time.jump()]).toEqual([NOON + 30, 0]);
    pass(10);
    at.clock += 20;
    expect([time.now(), time.jump()]).toEqual([NOON + 60, 0]);
  });

  test.each([HOUR, -HOUR, 400 * 86_400])(
    'goes on as before when the clock jumps by %i s, and when it comes back',
    (jump) => {
      const { at, time, pass } = machine();
      at.clock += jump;
      expect([time.now(), time.jump(), time.machine()]).toEqual([NOON, jump, NOON + jump]);
      pass(100);
      expect(time.now()).toBe(NOON + 100);
      at.clock -= jump;
      expect([time.now(), time.jump()]).toEqual([NOON + 100, 0]);
    },
  );

  test('knows a machine that slept from a clock that jumped', () => {
    const { at, time } = machine();
    at.clock += HOUR;
    at.slept += HOUR;
    expect([time.now(), time.jump()]).toEqual([NOON + HOUR, 0]);
  });

  test('follows a jump ahead when it is told to, and never one back', () => {
    const { at, time } = machine();
    at.clock += HOUR;
    time.follow();
    expect([time.now(), time.jump()]).toEqual([NOON + HOUR, 0]);
    at.clock -= HOUR;
    time.follow();
    expect([time.now(), time.jump()]).toEqual([NOON + HOUR, -HOUR]);
  });

  test('is told of once for each jump, and when it is over', () => {
    const { at, time, pass } = machine();
    const said: unknown[] = [];
    const watch = createClockWatch(time, {
      clockJumped: ({ seconds }) => void said.push(seconds),
      clockRight: () => void said.push('right'),
    });
    for (const step of [0, HOUR, 5, -HOUR, -HOUR, HOUR]) {
      at.clock += step;
      pass(5);
      watch();
    }
    expect(said).toEqual([HOUR, 'right', -HOUR, 'right']);
  });

  test('passes on a real machine', () => {
    const elapsed = createElapsed();
    const before = elapsed.ms();
    elapsed.addSleep();
    expect(elapsed.ms() - before).toBeGreaterThanOrEqual(0);
    expect(elapsed.ms() - before).toBeLessThan(5_000);
  });
});
