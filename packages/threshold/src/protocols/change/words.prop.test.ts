import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { getOn } from './fixtures/owner.js';
import { faultsOf, play, type Schedule, schedules } from './fixtures/schedule.js';
import {
  askEnd,
  askLock,
  askPromise,
  askWords,
  askYield,
  COMPLETE,
  createWorld,
  HOUSE_RULES,
  ORDERS,
  promisesOf,
  restore,
  type Rules,
  type World,
} from './fixtures/world.js';
import { endRelease, membersNeeded, type MemberState } from './index.js';

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

  test(
    'and whose order comes to nothing, keeps nobody from an ordinary one, but where a lock stands by the words',
    { tags: 'slow' },
    () => {
      const most = { goneOn: 0 };
      expect(
        check(spoken, (schedule) => {
          const world = play(schedule);
          const alive = slotsOf(schedule.of).filter((slot) => !world.liars.has(slot));
          alive.forEach((slot) => askEnd(world, slot));
          const plain = alive.filter((slot) => {
            const { released, forgot } = world.states.get(slot)!;
            return released === null && forgot === null;
          });
          if (plain.length < world.members.needed || world.decided.size > 0) return;
          most.goneOn += world.released.size > 0 ? 1 : 0;
          world.now += 600;
          expect(getOn(world, plain)).not.toBeNull();
          expect(world.byWords.size).toBe(0);
        }),
      ).toBeNull();
      expect(most.goneOn).toBeGreaterThan(50);
    },
  );

  const bent = (bend: (state: MemberState, before: MemberState) => MemberState): Rules => ({
    ...HOUSE_RULES,
    endRelease: (members, state) => {
      const ended = endRelease(members, state);
      return ended === null ? null : bend(ended, state);
    },
  });

  test('and whose order comes to nothing, would fork the key if what was voided bound nobody any more', () => {
    const rules = bent((ended, { highest }) => ({ ...ended, highest }));
    expect(
      check(spoken, (schedule) => {
        expect(faultsOf(play(schedule, rules))).toEqual([]);
      }),
    ).not.toBeNull();
  });

  test.each([
    ['has forgotten still, and decides on nothing else with a third', HOUSE_RULES, 1],
    ['would decide otherwise if it remembered by that', bent((ended) => ({ ...ended, forgot: null })), 2],
  ])('and whose order comes to nothing: a member that forgot %s', (_, rules, decided) => {
    const world = createWorld({ quorum: { needed: 2, of: 3 }, rules });
    const [alpha, bravo, charlie] = slotsOf(3) as [PartyIndex, PartyIndex, PartyIndex];
    expect(getOn(world, [alpha, bravo])).toBe(1);
    restore(world, alpha, world.history.get(alpha)!.length - 1);
    release(world, [alpha]);
    askEnd(world, alpha);
    world.now += 600;
    for (const slot of [alpha, charlie]) askPromise(world, slot, ORDERS[1]!, 1);
    for (const slot of [alpha, charlie])
      askLock(world, slot, COMPLETE[2]!.next, promisesOf(world, 1).toReversed());
    for (const certificate of world.certificates.slice(1))
      for (const slot of [alpha, charlie]) askYield(world, slot, certificate);
    expect(world.decided.size).toBe(decided);
  });

  describe('who voids what was decided, and too few can enter', () => {
    const [alpha, bravo, charlie] = slotsOf(3) as [PartyIndex, PartyIndex, PartyIndex];
    const gone = COMPLETE[2]!;

    /** Two of three decide, the third is put back, and the words release all for another order, which voids what they decided. */
    function voiding(): World {
      const world = createWorld({ quorum: { needed: 2, of: 3 } });
      for (const slot of [alpha, charlie]) askPromise(world, slot, gone.orderHash, 1);
      for (const slot of [alpha, charlie]) askLock(world, slot, gone.next);
      for (const slot of [alpha, charlie]) askYield(world, slot, world.certificates[0]!);
      expect([...world.decided.values()].map(({ next }) => next)).toEqual([gone.next]);
      restore(world, bravo, 0);
      slotsOf(3).forEach((slot) => {
        askWords(world, slot, { orderHash: ORDERS[0]!, voided: gone.next });
      });
      return world;
    }

    /** As often as an owner who is told that it came to nothing. */
    function tryOn(world: World, slots: readonly PartyIndex[]): void {
      for (let tries = 0; tries < 4; tries++) {
        world.now += 600;
        getOn(world, slots, 1);
      }
    }

    test('has another epoch decided in its place by a quorum, also with one that forgot, and it is marked', () => {
      const world = voiding();
      tryOn(world, [alpha, bravo]);
      expect([...world.byWords].map((name) => world.decided.get(name)!.next)).toEqual([COMPLETE[0]!.next]);
      expect(faultsOf(world)).toEqual([]);
    });

    test('has nothing decided by fewer than a quorum of those released', () => {
      const world = voiding();
      askEnd(world, bravo);
      askEnd(world, charlie);
      tryOn(world, slotsOf(3));
      expect(world.byWords.size).toBe(0);
      expect(faultsOf(world)).toEqual([]);
    });

    test('finds it decided as before where that order comes to nothing: it binds all of them again, and nothing else is decided', () => {
      const world = voiding();
      slotsOf(3).forEach((slot) => {
        askEnd(world, slot);
      });
      expect(world.states.get(alpha)).toMatchObject({ highest: { next: gone.next }, released: null });
      expect(world.states.get(bravo)!.forgot).not.toBeNull();
      tryOn(world, slotsOf(3));
      expect([...world.decided.values()].map(({ next }) => next)).toEqual([gone.next]);
    });
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
