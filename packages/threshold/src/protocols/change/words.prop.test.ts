import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { getOn } from './fixtures/owner.js';
import { faultsOf, play, type Schedule, schedules } from './fixtures/schedule.js';
import { askPromise, askWords, createWorld, HOUSE_RULES, ORDERS, type World } from './fixtures/world.js';
import { membersNeeded } from './index.js';

const RUNS = 1500;

function check(arbitrary: fc.Arbitrary<Schedule>, holds: (schedule: Schedule) => void) {
  const property = fc.property(arbitrary, holds);
  const found = fc.check(property, { numRuns: RUNS, seed: 1, endOnFailure: true });
  return found.failed ? fc.defaultReportMessage(found) : null;
}

const slotsOf = (of: number) => Array.from({ length: of }, (_, i) => (i + 1) as PartyIndex);

describe('L14: a thief with a laptop, who has not the words', () => {
  const claimed = schedules({ liars: true, restores: false, words: 'claimed' });

  test('brings about no next epoch by words that nobody spoke, whatever liars mark', { tags: 'slow' }, () => {
    expect(
      check(claimed, (schedule) => {
        const world = play(schedule);
        expect(world.byWords.size).toBe(0);
        expect(faultsOf(world)).toEqual([]);
      }),
    ).toBeNull();
  });

  test('nor with a strict key, which decides on one whatever liars mark', { tags: 'slow' }, () => {
    expect(
      check(claimed, (schedule) => {
        expect(play(schedule, HOUSE_RULES, { strict: true }).decided.size).toBeLessThan(2);
      }),
    ).toBeNull();
  });
});

describe('L14: whoever has the words', () => {
  const spoken = schedules({ liars: true, restores: true, words: 'spoken' });

  test(
    'brings about nothing unless those released and the liars are a quorum, and what devices leave alone does not fork',
    { tags: 'slow' },
    () => {
      expect(
        check(spoken, (schedule) => {
          expect(faultsOf(play(schedule))).toEqual([]);
        }),
      ).toBeNull();
    },
  );

  test('brings about something in some of these, and two of them in others', { tags: 'slow' }, () => {
    const most = { byWords: 0, decided: 0 };
    check(spoken, (schedule) => {
      const { byWords, decided } = play(schedule);
      most.byWords = Math.max(most.byWords, byWords.size);
      if (byWords.size > 0) most.decided = Math.max(most.decided, decided.size);
    });
    expect(most.byWords).toBeGreaterThan(0);
    expect(most.decided).toBeGreaterThan(1);
  });

  test('and devices that say no at n − t + 1 servers, brings about nothing', () => {
    for (const quorum of [
      { needed: 2, of: 4 },
      { needed: 2, of: 5 },
      { needed: 3, of: 5 },
    ]) {
      const world = createWorld({ quorum });
      const vetoing = slotsOf(quorum.of).slice(0, quorum.of - quorum.needed + 1);
      vetoing.forEach((slot) => world.vetoed.add(slot));
      release(world, slotsOf(quorum.of));
      expect(world.released.size).toBe(quorum.needed - 1);
      const others = slotsOf(quorum.of).filter((slot) => !vetoing.includes(slot));
      const willing = vetoing.slice(0, membersNeeded(quorum, false) - quorum.needed);
      expect(getOn(world, [...others, ...willing])).toBeNull();
    }
  });

  test('gets on with any quorum that answers, whatever was played before', { tags: 'slow' }, () => {
    const before = schedules({ liars: true, restores: true });
    expect(
      check(before, (schedule) => {
        const world = play(schedule);
        const alive = slotsOf(schedule.of)
          .filter((slot) => !world.liars.has(slot))
          .slice(0, schedule.needed);
        if (alive.length < schedule.needed || world.decided.size > 0) return;
        release(world, alive);
        world.now += 600;
        expect(getOn(world, alive)).not.toBeNull();
      }),
    ).toBeNull();
  });

  test('counts for nobody who was not released himself: those who were may not bind him', () => {
    const world = createWorld({ quorum: { needed: 2, of: 4 } });
    const [alpha, bravo, charlie] = slotsOf(4) as [PartyIndex, PartyIndex, PartyIndex];
    release(world, [alpha, bravo]);
    expect(getOn(world, [alpha, bravo])).toBe(1);
    expect([...world.byWords]).toHaveLength(1);
    askPromise(world, charlie, ORDERS[1]!, 1);
    expect(world.states.get(charlie)).toMatchObject({ attempt: 1, highest: null });
  });
});

function release(world: World, slots: readonly PartyIndex[]): void {
  slots.forEach((slot) => {
    askWords(world, slot, { orderHash: ORDERS[0]!, voided: null });
  });
}
