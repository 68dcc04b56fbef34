import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refuses } from './member-state.js';
import { type Act, faultsOf, play, type Schedule, schedules } from './fixtures/schedule.js';
import type { PartyIndex } from '../../protocol/contract.js';
import {
  askLock,
  askPromise,
  askYield,
  COMPLETE,
  createWorld,
  HOUSE_RULES,
  remind,
  restore,
  type Rules,
} from './fixtures/world.js';
import { NO_RECALL, type YieldStatement } from './index.js';

/** How many of each: a few seconds' worth. */
const RUNS = 1500;

/** None of so many schedules, always the same ones, breaks a rule; one that does is told whole. */
function expectSound(arbitrary: fc.Arbitrary<Schedule>): void {
  const found = check(arbitrary, HOUSE_RULES, { seed: 1 });
  expect(found.failed ? fc.defaultReportMessage(found) : null).toBeNull();
}

function check(arbitrary: fc.Arbitrary<Schedule>, rules?: Rules, more: fc.Parameters<[Schedule]> = {}) {
  const property = fc.property(arbitrary, (schedule) => {
    expect(faultsOf(play(schedule, rules))).toEqual([]);
  });
  return fc.check(property, { numRuns: RUNS, ...more });
}

/** The same schedules each time, and no smaller ones once there is one. */
const finds = (arbitrary: fc.Arbitrary<Schedule>, rules: Rules) =>
  check(arbitrary, rules, { seed: 1, endOnFailure: true, numRuns: 3 * RUNS });

/** A member that yields to whatever its promises were collected for. */
const yieldsAtOnce: Rules['yieldTo'] = (_, state, { certificate: { attempt, next } }) => {
  if (state.forgot !== null || state.promise === null || state.attempt !== attempt)
    return refuses('not-promised');
  if (state.yielded !== null) return refuses('said-otherwise');
  const statement: YieldStatement = { kind: 'yield', slot: state.slot, attempt, mayFork: false, next };
  return { kind: 'says', state: { ...state, yielded: statement }, statement };
};

describe('L1: whatever proposer, courier and disks do, old members', () => {
  test('decide on one next epoch, where none of them lies', { tags: 'slow' }, () => {
    expectSound(schedules({ liars: false, restores: false }));
  });

  test('V33e: decide on one next epoch, where some are restored from older states', { tags: 'slow' }, () => {
    expectSound(schedules({ liars: false, restores: true }));
  });

  test('decide on one, or name a liar, with one fewer than the quorum lying', { tags: 'slow' }, () => {
    expectSound(schedules({ liars: true, restores: false }));
  });

  test(
    'never name one that keeps the rules and forgets nothing, with liars and restored ones',
    { tags: 'slow' },
    () => {
      expectSound(schedules({ liars: true, restores: true }));
    },
  );
});

describe('L1: old members of a strict key', () => {
  /** How many next epochs come about at most. */
  const most = (arbitrary: fc.Arbitrary<Schedule>, strict: boolean) => {
    const property = fc.property(arbitrary, (schedule) => {
      expect(play(schedule, HOUSE_RULES, { strict }).decided.size).toBeLessThan(2);
    });
    return fc.check(property, { numRuns: 2 * RUNS, seed: 1, endOnFailure: true });
  };
  const lying = schedules({ liars: true, restores: false });
  /** Where it takes all of them to sign, whoever is restored may be the only one left that does not lie. */
  const forgetting = schedules({ liars: true, restores: true }).filter(({ needed, of }) => needed < of);

  test('decide on one next epoch, whatever one fewer than the quorum lie', { tags: 'slow' }, () => {
    const found = most(lying, true);
    expect(found.failed ? fc.defaultReportMessage(found) : null).toBeNull();
  });

  test('V33e: decide on one, where some are restored as well', { tags: 'slow' }, () => {
    const found = most(forgetting, true);
    expect(found.failed ? fc.defaultReportMessage(found) : null).toBeNull();
  });

  test(
    'decide on two in the model, where no more of them decide than of another key',
    { tags: 'slow' },
    () => {
      expect(most(lying, false)).toMatchObject({ failed: true });
    },
  );
});

test('L1: a member that was shown one lock certificate and gave way to another of the same attempt names that one, and nobody can say it signed twice', () => {
  const act = (kind: Act['kind'], who: number, a: number, b: number): Act => ({ kind, who, a, b });
  const acts = [
    act('try', 197332041, 54535, 54619),
    act('try', 0, 0, 5599),
    act('adopt', 2899624, 0, 0),
    act('promise', 0, 0, 0),
    act('yield', 0, 3307, 61899),
    ...Array.from({ length: 3 }, () => act('promise', 0, 0, 0)),
    act('promise', 0, 0, 7737),
  ];
  expect(faultsOf(play({ of: 7, needed: 4, liars: 2, acts }))).toEqual([]);
});

describe('L1: the model finds the fork', () => {
  test('where members yield without a lock before', { tags: 'slow' }, () => {
    const rules = { ...HOUSE_RULES, yieldTo: yieldsAtOnce, withoutLocks: true };
    expect(finds(schedules({ liars: false, restores: false }), rules)).toMatchObject({ failed: true });
  });

  test('V33e: where members that were restored go on as if they remembered', { tags: 'slow' }, () => {
    const rules: Rules = { ...HOUSE_RULES, restored: (old) => old };
    expect(finds(schedules({ liars: false, restores: true }), rules)).toMatchObject({ failed: true });
  });

  test.each([
    ['one, since old promises remind nobody', HOUSE_RULES, 1],
    ['two where they do', { ...HOUSE_RULES, restored: (old) => HOUSE_RULES.restored(old, NO_RECALL) }, 2],
  ] as [string, Rules, number][])(
    'V33e: after a restore and the promises of the same attempt shown again, next epochs: %s',
    (_, rules, epochs) => {
      const world = createWorld({ quorum: { needed: 2, of: 3 }, rules });
      const [alpha, bravo, charlie] = [1, 2, 3] as PartyIndex[] as [PartyIndex, PartyIndex, PartyIndex];
      const decide = (slots: readonly PartyIndex[], which: number) => {
        const { orderHash, next } = COMPLETE[which]!;
        const attempt = 1 + world.certificates.length;
        const promising = world.certificates.length === 0 ? [alpha, bravo, charlie] : slots;
        for (const slot of promising) askPromise(world, slot, orderHash, attempt);
        for (const slot of slots) askLock(world, slot, next);
        for (const made of world.certificates.filter((one) => one.attempt === attempt))
          for (const slot of slots) askYield(world, slot, made);
      };
      decide([alpha, bravo], 0);
      restore(world, bravo, 2);
      remind(world, bravo);
      world.now += 600;
      decide([bravo, charlie], 2);
      expect(world.decided.size).toBe(epochs);
    },
  );
});
