import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  caseTold,
  isGranted,
  isRipe,
  JUST_HEARD,
  LEAST_NOTICE_SECONDS,
  noticeSent,
  type Silence,
  type SilenceRule,
  silentFor,
  warnedOf,
  warningDue,
  withCase,
} from './silence.js';

const DAY = 86_400;
const rule: SilenceRule = { afterSeconds: 100 * DAY, grants: [{ who: 'eve', may: ['use'] }] };

/** What a server does by itself when it has counted on. */
function tick(silence: Silence, seconds: number, isSent = true): Silence {
  const counted = silentFor(silence, silence.counted + seconds);
  const due = warningDue(counted, rule);
  const warned = due === null ? counted : warnedOf(counted, due);
  return isSent ? caseTold(noticeSent(warned)) : warned;
}
const open = (silence: Silence) => withCase(silence, rule, 'eve') ?? silence;

describe('one server', () => {
  test('warns at half and at nine tenths of the time, and grants nothing before all three have lasted', () => {
    let silence = tick(JUST_HEARD, 50 * DAY);
    expect(silence.warned).toBe('half');
    silence = tick(silence, 40 * DAY);
    expect(silence).toMatchObject({ warned: 'nearly', noticeFrom: 90 * DAY });
    expect(withCase(silence, rule, 'eve')).toBeNull();
    silence = open(tick(silence, 10 * DAY));
    expect(silence.case).toEqual({ heir: 'eve', from: null });
    silence = tick(silence, 0);
    expect(silence.case).toEqual({ heir: 'eve', from: 100 * DAY });
    expect(isRipe(tick(silence, LEAST_NOTICE_SECONDS - 1), rule)).toBe(false);
    expect(isRipe(tick(silence, LEAST_NOTICE_SECONDS), rule)).toBe(true);
    // Whoever asks once more, or another heir, begins nothing anew.
    const again = withCase(tick(silence, DAY), rule, 'adam');
    expect(again?.case).toEqual(silence.case);
  });

  test('S5: a warning that did not go out holds everything up', () => {
    let silence = open(tick(tick(tick(JUST_HEARD, 60 * DAY, false), 31 * DAY, false), 300 * DAY, false));
    expect(isRipe(tick(silence, 300 * DAY, false), rule)).toBe(false);
    // The warning has gone out, and the word of the case has not.
    expect(isRipe(tick(noticeSent(silence), 300 * DAY, false), rule)).toBe(false);
    silence = tick(silence, 0);
    expect(isRipe(tick(silence, LEAST_NOTICE_SECONDS - 1), rule)).toBe(false);
    expect(isRipe(tick(silence, LEAST_NOTICE_SECONDS), rule)).toBe(true);
  });
});

/** So rarely that whoever hears nothing is silent for long enough all the same. */
const rarely = <T>(one: fc.Arbitrary<T>, usual: T): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 60 }, { arbitrary: one, weight: 1 });

interface Life {
  readonly needed: number;
  readonly of: number;
  readonly bad: readonly number[];
  readonly starved: readonly number[];
  readonly days: readonly {
    readonly passes: number;
    readonly off: readonly number[];
    readonly restored: number | null;
  }[];
}

/** One life of a key: who lies, who is starved of every sign of life, and what happens day by day. */
const life = fc.constantFrom([2, 2], [2, 3], [3, 5], [2, 4], [4, 5]).chain(([needed, of]) =>
  fc.record({
    needed: fc.constant(needed!),
    of: fc.constant(of!),
    bad: fc.uniqueArray(fc.integer({ min: 1, max: of! }), { maxLength: needed! - 1 }),
    starved: fc.uniqueArray(fc.integer({ min: 1, max: of! }), { maxLength: of! }),
    days: fc.array(
      fc.record({
        /** Days that pass until the owner speaks again: no more than a tenth of the time. */
        passes: fc.integer({ min: 1, max: 10 }),
        /** Of whom some are off: they hear nothing and count nothing. */
        off: rarely(fc.uniqueArray(fc.integer({ min: 1, max: of! }), { maxLength: 2 }), []),
        /** Whoever’s database is put back, or is restored, begins anew. */
        restored: rarely<number | null>(fc.integer({ min: 1, max: of! }), null),
      }),
      { minLength: 20, maxLength: 60 },
    ),
  }),
);

/** Plays a life in which the owner speaks, and says how many servers would grant something at the worst moment. */
function mostGranting(
  { needed, of, bad, deaf, days }: Life & { readonly deaf: readonly number[] },
  without: readonly number[],
): number {
  const slots = Array.from({ length: of }, (_, i) => i + 1);
  const at = new Map<number, Silence>(slots.map((slot) => [slot, JUST_HEARD]));
  let most = 0;
  for (const { passes, off, restored } of days) {
    for (const slot of slots) {
      if (!off.includes(slot)) at.set(slot, open(tick(at.get(slot)!, passes * DAY)));
    }
    if (restored !== null) at.set(restored, JUST_HEARD);
    // What was off hears of it later, from the queue of its owner.
    for (const slot of slots) if (!deaf.includes(slot)) at.set(slot, JUST_HEARD);
    const said = new Set(slots.filter((slot) => bad.includes(slot) || isRipe(at.get(slot)!, rule)));
    const granting = slots.filter(
      (own) =>
        bad.includes(own) ||
        isGranted(at.get(own)!, rule, { needed, of }, { own, said, without: new Set(without) }),
    );
    most = Math.max(most, granting.length);
  }
  return most;
}

describe('all servers of a key', () => {
  test('P10: a subset never used, t − 1 liars, a courier that withholds, restart, clock a year on, database put back: fires never', () => {
    fc.assert(
      fc.property(life, (played) => {
        const { needed, of, bad, starved } = played;
        const deaf = starved.filter((slot) => !bad.includes(slot));
        // One honest server that hears is enough, also where one lies and another is starved of three: its word is missing.
        fc.pre(deaf.length + bad.length < of);
        expect(mostGranting({ ...played, deaf }, [])).toBeLessThan(needed);
      }),
      { numRuns: 400 },
    );
  });

  test('where operators go on without who says nothing, fewer than a quorum and n − t + 1 decide nothing', () => {
    fc.assert(
      fc.property(life, (played) => {
        const { needed, of, bad, starved } = played;
        const deaf = starved.filter((slot) => !bad.includes(slot));
        fc.pre(deaf.length + bad.length < Math.max(needed, of - needed + 1));
        // Operators are told of every server but those that hear the owner that it is dead.
        const others = Array.from({ length: of }, (_, i) => i + 1);
        expect(mostGranting({ ...played, deaf }, others)).toBeLessThan(needed);
      }),
      { numRuns: 200 },
    );
  });

  test('a server that hears the owner is not covered by what an operator says of another one that is dead', () => {
    fc.assert(
      fc.property(life, fc.nat(), (played, drawn) => {
        const { needed, of, bad, starved } = played;
        const hears = (drawn % of) + 1;
        fc.pre(!bad.includes(hears));
        const deaf = starved.filter((slot) => !bad.includes(slot) && slot !== hears);
        const others = Array.from({ length: of }, (_, i) => i + 1).filter((slot) => slot !== hears);
        expect(mostGranting({ ...played, deaf }, others)).toBeLessThan(needed);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    [2, 2, 0],
    [2, 3, 0],
    [2, 3, 1],
    [3, 5, 1],
    [3, 5, 2],
  ])('and fires for an honest heir in %i-of-%i with %i servers dead', (needed, of, dead) => {
    const living = Array.from({ length: of - dead }, (_, i) => i + 1);
    const at = new Map(living.map((slot) => [slot, JUST_HEARD]));
    const gone = Array.from({ length: dead }, (_, i) => of - dead + i + 1);
    const grantingOn = (isAgreed: boolean) => {
      const said = new Set(living.filter((slot) => isRipe(at.get(slot)!, rule)));
      const without = new Set(isAgreed ? gone : []);
      return living.filter((own) => isGranted(at.get(own)!, rule, { needed, of }, { own, said, without }))
        .length;
    };
    let firedAfter: number | null = null;
    for (let day = 1; day <= 200 && firedAfter === null; day++) {
      // One of them is off every third day: it comes later, and the heir asks again.
      for (const slot of living)
        if (slot !== 1 || day % 3 !== 0) at.set(slot, open(tick(at.get(slot)!, DAY)));
      // Where one is dead its operators' yes takes the place of its word; without it nothing is granted.
      if (dead > 0) expect(grantingOn(false)).toBe(0);
      if (grantingOn(dead > 0) >= needed) firedAfter = day;
    }
    expect(firedAfter).toBeGreaterThanOrEqual(114);
    expect(firedAfter).toBeLessThan(180);
  });
});
