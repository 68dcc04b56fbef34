import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Freeze,
  FREEZE_WINDOW_SECONDS,
  freezeLeft,
  joinFreezes,
  MOST_FREEZES,
  MOST_FROZEN_SECONDS,
  standingFreeze,
  withFreeze,
  withHeard,
  withStanding,
} from './freeze.js';

const NOON = 1_800_000_000;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const idOf = (number: number) => new Uint8Array(32).fill(number);
const frozenFor = (seconds: number, now: number, freezes: readonly Freeze[] = [], number = 1) =>
  withFreeze(freezes, { id: idOf(number), from: now, until: now + seconds }, now);

describe('withFreeze', () => {
  test('freezes to the second, and said again is the same freeze', () => {
    const freezes = frozenFor(HOUR, NOON);
    expect(standingFreeze(freezes, NOON + HOUR - 1)?.until).toBe(NOON + HOUR);
    expect(standingFreeze(freezes, NOON + HOUR)).toBe(null);
    const again = withFreeze(freezes, { id: idOf(1), from: NOON, until: NOON + HOUR }, NOON + 60);
    expect(again).toBe(freezes);
  });

  test.each([
    ['lasts longer than seven days', NOON, NOON + MOST_FROZEN_SECONDS + 1, 'FREEZE_INVALID'],
    ['begins an hour from now', NOON + HOUR, NOON + 2 * HOUR, 'FREEZE_INVALID'],
    ['ends before it begins', NOON, NOON - 1, 'FREEZE_INVALID'],
    ['is over', NOON - 2 * HOUR, NOON - HOUR, 'FREEZE_OVER'],
  ])('refuses one that %s', (_what, from, until, refused) => {
    expect(() => withFreeze([], { id: idOf(1), from, until }, NOON)).toThrow(code(refused));
  });

  test('an id that was thawed, or that comes with another end, freezes nothing any more', () => {
    const statement = { id: idOf(1), from: NOON, until: NOON + DAY };
    const thawed = withStanding(frozenFor(DAY, NOON), NOON + HOUR, { endedAt: NOON + HOUR });
    expect(() => withFreeze(thawed, statement, NOON + HOUR)).toThrow(code('FREEZE_OVER'));
    const longer = { ...statement, until: NOON + 2 * DAY };
    expect(() => withFreeze(frozenFor(DAY, NOON), longer, NOON)).toThrow(code('FREEZE_OVER'));
  });

  test('a second freeze makes it longer and never shorter', () => {
    const long = frozenFor(2 * DAY, NOON);
    expect(frozenFor(DAY, NOON, long, 2)).toBe(long);
    const longer = frozenFor(3 * DAY, NOON, long, 2);
    expect(standingFreeze(longer, NOON)?.until).toBe(NOON + 3 * DAY);
  });

  test('what a longer one took the place of is over for good, and the time of both is counted once', () => {
    const first = { id: idOf(1), from: NOON, until: NOON + DAY };
    const longer = frozenFor(2 * DAY, NOON + HOUR, withFreeze([], first, NOON), 2);
    const thawed = withStanding(longer, NOON + 2 * HOUR, { endedAt: NOON + 2 * HOUR });
    expect(() => withFreeze(thawed, first, NOON + 3 * HOUR)).toThrow(code('FREEZE_OVER'));
    expect(freezeLeft(thawed, NOON + 3 * HOUR)).toBe(MOST_FROZEN_SECONDS - 2 * HOUR);
    // The same one out of another list.
    const joined = joinFreezes([...withFreeze([], first, NOON), ...thawed]);
    expect(standingFreeze(joined, NOON + 3 * HOUR)).toBe(null);
  });

  test('of two that stand the one that ends last is in force; a thaw ends both, and a longer one takes the place of both', () => {
    const two = joinFreezes([...frozenFor(3 * DAY, NOON, [], 2), ...frozenFor(DAY, NOON, [], 1)]);
    expect(standingFreeze(two, NOON + HOUR)?.until).toBe(NOON + 3 * DAY);
    expect(freezeLeft(two, NOON + HOUR)).toBe(MOST_FROZEN_SECONDS - HOUR);
    const again = { id: idOf(1), from: NOON, until: NOON + DAY };
    expect(withFreeze(two, again, NOON + HOUR)).toBe(two);
    expect(frozenFor(2 * DAY, NOON + HOUR, two, 3)).toBe(two);
    const longer = frozenFor(4 * DAY, NOON + HOUR, two, 3);
    expect(longer.filter(({ endedAt }) => endedAt === null).map(({ id }) => id)).toEqual([idOf(3)]);
    const thawed = withStanding(two, NOON + HOUR, { endedAt: NOON + HOUR });
    expect(standingFreeze(thawed, NOON + HOUR)).toBe(null);
    expect(freezeLeft(thawed, NOON + DAY)).toBe(MOST_FROZEN_SECONDS - HOUR);
  });

  test('seven whole days are not refused because a clock is some seconds behind, or some were frozen before: they end with the seventh', () => {
    const statement = { id: idOf(1), from: NOON + 30, until: NOON + 30 + MOST_FROZEN_SECONDS };
    const week = withFreeze([], statement, NOON);
    expect(standingFreeze(week, NOON)?.until).toBe(NOON + MOST_FROZEN_SECONDS);
    expect(withFreeze(week, statement, NOON + 60)).toBe(week);
    const longer = frozenFor(MOST_FROZEN_SECONDS, NOON + 60, frozenFor(HOUR, NOON), 2);
    expect(standingFreeze(longer, NOON + 60)?.until).toBe(NOON + MOST_FROZEN_SECONDS);
    expect(freezeLeft(longer, NOON + MOST_FROZEN_SECONDS)).toBe(0);
    expect(() => frozenFor(1, NOON + MOST_FROZEN_SECONDS, longer, 3)).toThrow(code('FREEZE_USED_UP'));
  });

  test('seven days within 30, and a thaw gives the rest back', () => {
    const week = frozenFor(MOST_FROZEN_SECONDS, NOON);
    const later = NOON + MOST_FROZEN_SECONDS;
    expect(() => frozenFor(HOUR, later, week, 2)).toThrow(code('FREEZE_USED_UP'));
    expect(
      frozenFor(MOST_FROZEN_SECONDS, NOON + FREEZE_WINDOW_SECONDS + MOST_FROZEN_SECONDS, week, 2),
    ).toHaveLength(1);
    const thawed = withStanding(week, NOON + DAY, { endedAt: NOON + DAY });
    expect(freezeLeft(thawed, NOON + DAY)).toBe(6 * DAY);
    expect(frozenFor(6 * DAY, NOON + DAY, thawed, 2)).toHaveLength(2);
    expect(() => frozenFor(6 * DAY + HOUR, NOON + DAY, thawed, 2)).toThrow(code('FREEZE_USED_UP'));
  });

  test('whoever freezes a key for a second again and again, or makes it longer by one, does not take the brake away from its owner', () => {
    let freezes: readonly Freeze[] = [];
    for (let number = 0; number < 3 * MOST_FREEZES; number++)
      freezes = frozenFor(1, NOON + 2 * number, freezes, number);
    const start = NOON + 10 * MOST_FREEZES;
    for (let number = 0; number < 3 * MOST_FREEZES; number++)
      freezes = frozenFor(10 + number, start, freezes, 100 + number);
    expect(freezes.length).toBeLessThanOrEqual(MOST_FREEZES);
    const later = start + HOUR;
    // So many seconds were frozen, and not one more counts.
    const used = 3 * MOST_FREEZES + 9 + 3 * MOST_FREEZES;
    expect(freezeLeft(freezes, later)).toBe(MOST_FROZEN_SECONDS - used);
    const rescued = frozenFor(6 * DAY, later, freezes, 250);
    expect(standingFreeze(rescued, later)?.until).toBe(later + 6 * DAY);
  });

  test('L11: no sequence of freezes and thaws stops a key for more than seven days of any 30', () => {
    const step = fc.record({
      wait: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 3 * DAY })),
      seconds: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: MOST_FROZEN_SECONDS })),
      thaws: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 90 }), (steps) => {
        let [now, freezes] = [NOON, [] as readonly Freeze[]];
        const spans: [from: number, to: number][] = [];
        for (const [number, { wait, seconds, thaws }] of steps.entries()) {
          now += wait;
          const last = spans.at(-1);
          if (thaws) freezes = withStanding(freezes, now, { endedAt: now });
          if (thaws && last !== undefined) last[1] = Math.min(last[1], now);
          try {
            freezes = frozenFor(seconds, now, freezes, number);
          } catch (error) {
            expect(error).toEqual(code('FREEZE_USED_UP'));
            continue;
          }
          const { until } = standingFreeze(freezes, now)!;
          if (last !== undefined && last[1] > now) last[1] = until;
          else spans.push([now, until]);
        }
        for (const [, end] of spans) {
          const since = end - FREEZE_WINDOW_SECONDS;
          const frozen = spans.reduce(
            (sum, [from, to]) => sum + Math.max(0, Math.min(to, end) - Math.max(from, since)),
            0,
          );
          expect(frozen).toBeLessThanOrEqual(MOST_FROZEN_SECONDS);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('withHeard', () => {
  const heard = (number: number, seconds: number) => ({ id: idOf(number), until: NOON + seconds });

  test('takes the one that ends last, for seven days of thirty at most', () => {
    const freezes = withHeard([], [heard(1, HOUR), heard(2, DAY)], NOON);
    expect(freezes.map(({ id, until }) => [id, until])).toEqual([[idOf(2), NOON + DAY]]);
    const before = withHeard([], [heard(1, DAY)], NOON - 2 * DAY);
    const used = withStanding(before, NOON, { endedAt: NOON });
    const [, last] = withHeard(used, [heard(2, 7 * DAY)], NOON);
    expect(last?.until).toBe(NOON + 5 * DAY);
  });

  test('L11: what one that lies tells of uses up none of the days of the owner, whose own freeze takes its place', () => {
    const told = withHeard([], [heard(9, 7 * DAY)], NOON);
    expect(freezeLeft(told, NOON + 7 * DAY)).toBe(MOST_FROZEN_SECONDS);
    const own = frozenFor(MOST_FROZEN_SECONDS, NOON + 3 * DAY, told);
    expect(standingFreeze(own, NOON + 3 * DAY)).toMatchObject({ id: idOf(1), until: NOON + 10 * DAY });
    expect(own.filter(({ endedAt }) => endedAt === null)).toHaveLength(1);
    expect(freezeLeft(own, NOON + 10 * DAY)).toBe(0);
    // Nor do the days of the owner count where something is told.
    const again = withHeard(own, [heard(8, 30 * DAY)], NOON + 10 * DAY);
    expect(standingFreeze(again, NOON + 10 * DAY)?.until).toBe(NOON + 14 * DAY);
  });

  test.each([HOUR, 2 * DAY])(
    'one that lies about the end of the owner’s own freeze (%i s) does not use its id up; one that was thawed stays over',
    (seconds) => {
      const told = withHeard([], [heard(1, seconds)], NOON);
      const now = NOON + 2 * HOUR;
      const statement = { id: idOf(1), from: NOON, until: NOON + 3 * DAY };
      const own = withFreeze(told, statement, now);
      expect(own.map(({ id, until }) => [id, until])).toEqual([[idOf(1), NOON + 3 * DAY]]);
      expect(freezeLeft(own, now + DAY)).toBe(MOST_FROZEN_SECONDS - DAY);
      const thawed = withStanding(told, NOON + 60, { endedAt: NOON + 60 });
      expect(() => withFreeze(thawed, statement, now)).toThrow(code('FREEZE_OVER'));
    },
  );

  test('saying a freeze again with an earlier end makes it no shorter: who has the account thaws nothing by it', () => {
    const told = withHeard([], [heard(1, MOST_FROZEN_SECONDS)], NOON);
    const now = NOON + 60;
    const again = withFreeze(told, { id: idOf(1), from: now - 1, until: now + 60 }, now);
    expect(again).toBe(told);
    expect(standingFreeze(again, now + 61)?.until).toBe(NOON + MOST_FROZEN_SECONDS);
    const longer = withFreeze(told, { id: idOf(2), from: now, until: now + 6 * DAY }, now);
    const shorter = withFreeze(longer, { id: idOf(1), from: now, until: now + 60 }, now);
    expect(standingFreeze(shorter, now + 61)?.until).toBe(NOON + MOST_FROZEN_SECONDS);
    expect(freezeLeft(again, NOON + MOST_FROZEN_SECONDS)).toBe(MOST_FROZEN_SECONDS);
  });

  test('what is told as its owner said it is that freeze, and uses up none of his days', () => {
    const told = withHeard([], [heard(1, DAY)], NOON);
    expect(withFreeze(told, { id: idOf(1), from: NOON, until: NOON + DAY }, NOON + 60)).toBe(told);
    expect(freezeLeft(told, NOON + DAY)).toBe(MOST_FROZEN_SECONDS);
  });

  test('however many are told, none is counted as one with those of the owner', () => {
    let freezes = withStanding(frozenFor(HOUR, NOON - 2 * HOUR), NOON - HOUR, { endedAt: NOON - HOUR });
    for (let number = 0; number < 3 * MOST_FREEZES; number++)
      freezes = withHeard(freezes, [heard(100 + number, 10 + number)], NOON);
    expect(freezes.length).toBeLessThanOrEqual(MOST_FREEZES + 1);
    expect(freezeLeft(freezes, NOON + DAY)).toBe(MOST_FROZEN_SECONDS - HOUR);
  });

  test('takes none that is known, was thawed, is over or ends sooner than the one that stands', () => {
    const standing = frozenFor(DAY, NOON);
    const thawed = withStanding(standing, NOON + 60, { endedAt: NOON + 60 });
    expect(withHeard(standing, [heard(1, 2 * DAY), heard(2, HOUR)], NOON)).toBe(standing);
    expect(withHeard(thawed, [heard(1, DAY), heard(2, 30)], NOON + 60)).toBe(thawed);
  });
});
