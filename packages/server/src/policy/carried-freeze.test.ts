import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Freezer } from './freezer.js';
import {
  type CarriedFreeze,
  type Freeze,
  FREEZE_WINDOW_SECONDS,
  freezeLeft,
  MOST_FROZEN_SECONDS,
  MOST_PAPERS,
  MOST_PAPERS_OF_OTHERS,
  standingFreeze,
  withCarried,
  withFreeze,
  withHeard,
  withStanding,
} from './freeze.js';

const NOON = 1_800_000_000;
const DAY = 86_400;
const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const idOf = (number: number) => new Uint8Array(32).fill(number);
const owner: Freezer = { who: 'owner' };
const devices: Freezer = { who: 'devices' };
const bob: Freezer = { who: 'approver', name: 'bob' };
const paper = (number: number): CarriedFreeze => ({ id: idOf(number), from: null, until: null });
const dated = (number: number, days: number, from = NOON): CarriedFreeze => ({
  id: idOf(number),
  from,
  until: from + days * DAY,
});
const thaw = (freezes: readonly Freeze[], now: number) => withStanding(freezes, now, { endedAt: now });

describe('withCarried', () => {
  test('freezes on the word of whoever signed it, and said again is the same freeze', () => {
    const freezes = withCarried([], dated(1, 3), bob, NOON);
    expect(standingFreeze(freezes, NOON)).toMatchObject({ until: NOON + 3 * DAY, by: bob });
    expect(withCarried(freezes, dated(1, 3), bob, NOON + DAY)).toBe(freezes);
  });

  test('L11: each person has seven frozen days of thirty, a thaw returns the rest, and a thawed id is dead whoever carries it', () => {
    const first = withCarried([], dated(1, 6), bob, NOON);
    expect(() => withCarried(first, dated(2, 7), bob, NOON)).not.toThrow();
    const thawed = thaw(first, NOON + DAY);
    expect(() => withCarried(thawed, dated(1, 6), bob, NOON + DAY)).toThrow(code('FREEZE_OVER'));
    expect(() => withCarried(thawed, dated(2, 7, NOON + DAY), bob, NOON + DAY)).toThrow(
      code('FREEZE_USED_UP'),
    );
    const rest = withCarried(thawed, dated(2, 6, NOON + DAY), bob, NOON + DAY);
    expect(standingFreeze(rest, NOON + DAY)?.until).toBe(NOON + 7 * DAY);
    // Nobody uses up the days of another one, or those of the account.
    expect(freezeLeft(rest, NOON + DAY)).toBe(MOST_FROZEN_SECONDS);
    for (const other of [owner, devices])
      expect(
        standingFreeze(withCarried(rest, dated(3, 7, NOON + DAY), other, NOON + DAY), NOON + DAY),
      ).toMatchObject({
        by: other,
      });
  });

  test('a paper stands for seven days from when it is first seen, once, besides the days of whoever signed it', () => {
    const used = withCarried(withCarried([], dated(1, 7), owner, NOON), paper(2), owner, NOON + DAY);
    expect(standingFreeze(used, NOON + DAY)).toMatchObject({ until: NOON + 8 * DAY, paper: true });
    expect(withCarried(used, paper(2), owner, NOON + 2 * DAY)).toBe(used);
    const thawed = thaw(used, NOON + 2 * DAY);
    for (const later of [2 * DAY, 9 * DAY, 400 * DAY])
      expect(() => withCarried(thawed, paper(2), owner, NOON + later)).toThrow(code('FREEZE_OVER'));
    // Another paper of the same person waits for thirty days: whoever holds a device could make as many as he likes.
    expect(() => withCarried(thawed, paper(3), owner, NOON + 9 * DAY)).toThrow(code('FREEZE_USED_UP'));
    expect(standingFreeze(withCarried(thawed, paper(3), bob, NOON + 9 * DAY), NOON + 9 * DAY)).toMatchObject({
      by: bob,
    });
    expect(() => withCarried(thawed, paper(3), owner, NOON + 40 * DAY)).not.toThrow();
  });

  test('a used paper is known for good, so that there is an end to how many are taken', () => {
    let freezes: readonly Freeze[] = [];
    let now = NOON;
    for (let i = 0; i < MOST_PAPERS; i++) {
      freezes = withCarried(freezes, paper(i), owner, now);
      now += FREEZE_WINDOW_SECONDS + 8 * DAY;
    }
    expect(() => withCarried(freezes, paper(200), owner, now)).toThrow(code('FREEZE_USED_UP'));
    expect(() => withCarried(freezes, paper(0), owner, now)).toThrow(code('FREEZE_OVER'));
  });

  test('approvers and devices do not use up the papers of the words', () => {
    let freezes: readonly Freeze[] = [];
    let now = NOON;
    for (let i = 0; i < MOST_PAPERS_OF_OTHERS; i++) {
      for (const [at, by] of [bob, devices].entries())
        freezes = withCarried(freezes, paper(1 + 2 * i + at), by, now);
      now += FREEZE_WINDOW_SECONDS + 8 * DAY;
    }
    const another: Freezer = { who: 'approver', name: 'cy' };
    for (const by of [bob, another, devices])
      expect(() => withCarried(freezes, paper(200), by, now)).toThrow(code('FREEZE_USED_UP'));
    expect(standingFreeze(withCarried(freezes, paper(200), owner, now), now)).toMatchObject({ by: owner });
  });

  test('what others said of it, and what the account says besides, keeps nobody from bringing it', () => {
    const heard = withHeard([], [{ id: idOf(1), until: NOON + DAY }], NOON);
    expect(withCarried(heard, dated(1, 2), bob, NOON)).toEqual([
      expect.objectContaining({ by: bob, until: NOON + 2 * DAY }),
    ]);
    const own = withFreeze([], { id: idOf(2), from: NOON, until: NOON + DAY }, NOON);
    const both = withCarried(own, dated(3, 2), bob, NOON);
    expect(standingFreeze(both, NOON)).toMatchObject({ by: bob });
    expect(standingFreeze(thaw(both, NOON + 60), NOON + 60)).toBeNull();
  });

  test('whatever is carried in whatever order, nobody gets more than seven days of thirty and a paper’s seven besides, and no id stands twice', () => {
    const act = fc.record({
      number: fc.integer({ min: 1, max: 40 }),
      days: fc.integer({ min: 1, max: 7 }),
      isPaper: fc.boolean(),
      passes: fc.integer({ min: 0, max: 3 * DAY }),
      thaws: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        let [freezes, now] = [[] as readonly Freeze[], NOON];
        const over = new Set<number>();
        let frozenSeconds = 0;
        const until = NOON + FREEZE_WINDOW_SECONDS;
        for (const { number, days, isPaper, passes, thaws } of acts) {
          try {
            freezes = withCarried(freezes, isPaper ? paper(number) : dated(number, days, now), bob, now);
            if (standingFreeze(freezes, now)?.id[0] === number) expect(over.has(number)).toBe(false);
          } catch {
            // It is refused.
          }
          if (thaws) {
            for (const one of freezes) if (one.endedAt === null && one.until > now) over.add(one.id[0]!);
            freezes = thaw(freezes, now);
          }
          const next = Math.min(now + passes, until);
          const end = standingFreeze(freezes, now)?.until ?? now;
          frozenSeconds += Math.max(0, Math.min(end, next) - now);
          now = next;
        }
        expect(frozenSeconds).toBeLessThanOrEqual(2 * MOST_FROZEN_SECONDS);
      }),
      { numRuns: 300 },
    );
  });
});
