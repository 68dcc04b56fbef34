import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { getOn } from './fixtures/owner.js';
import { play, type Schedule, schedules } from './fixtures/schedule.js';
import {
  askAdopt,
  askLock,
  askPromise,
  COMPLETE,
  createWorld,
  ORDERS,
  restore,
  type World,
} from './fixtures/world.js';
import { type Decision, mayFork, releaseByWords, verifyDecision } from './index.js';

const slots = (of: number) => Array.from({ length: of }, (_, i) => (i + 1) as PartyIndex);
const QUORUMS = [
  { needed: 2, of: 2 },
  { needed: 2, of: 3 },
  { needed: 3, of: 5 },
];

describe.each(QUORUMS)('L14: an honest owner of a $needed-of-$of gets on', (quorum) => {
  test('with all members, in the first attempt', () => {
    expect(getOn(createWorld({ quorum }), slots(quorum.of))).toBe(1);
  });

  test('with one restored member, without a mark, however old its backup is', () => {
    for (const age of [0, 1, 2, 3]) {
      const world = createWorld({ quorum });
      slots(quorum.of).forEach((slot) => askPromise(world, slot, ORDERS[1]!, 1));
      restore(world, 1 as PartyIndex, age);
      expect(getOn(world, slots(quorum.of))).toBeLessThanOrEqual(2);
      expect(world.states.get(1 as PartyIndex)!.forgot).toBeNull();
    }
  });
});

describe.each(QUORUMS.slice(1))('L14: an honest owner of a $needed-of-$of gets on', (quorum) => {
  test('with one dead member, whichever', () => {
    for (const dead of slots(quorum.of)) {
      const world = createWorld({ quorum });
      expect(
        getOn(
          world,
          slots(quorum.of).filter((slot) => slot !== dead),
        ),
      ).toBe(1);
    }
  });

  test('with one restored member that nobody reminds, by the others', () => {
    const world = createWorld({ quorum });
    restore(world, 1 as PartyIndex, 0);
    expect(getOn(world, slots(quorum.of))).toBe(1);
  });
});

test('L14: a 3-of-5 with one member dead and one restored gets on by the other three', () => {
  const world = createWorld({ quorum: { needed: 3, of: 5 } });
  restore(world, 1 as PartyIndex, 0);
  expect(
    getOn(
      world,
      slots(5).filter((slot) => slot !== 5),
    ),
  ).toBe(1);
});

describe('L14: the words', () => {
  /** All that is left asks the words: what they say goes to those who answer. */
  function release(world: World, alive: readonly PartyIndex[], voided: Uint8Array | null = null): void {
    for (const slot of alive)
      world.states.set(slot, releaseByWords(world.states.get(slot)!, { orderHash: ORDERS[0]!, voided }));
    world.members = { ...world.members, released: ORDERS[0]! };
  }

  /** What those who are left have said in their last attempt. */
  function decisionOf({ said, certificates }: World): Decision {
    const certificate = certificates.at(-1)!;
    const isOf = (one: { readonly attempt: number }) => one.attempt === certificate.attempt;
    return {
      ...certificate,
      promises: said.filter((one) => one.kind === 'promise').filter(isOf),
      yields: said.filter((one) => one.kind === 'yield').filter(isOf),
    };
  }

  test('bring a 2-of-3 on with one member dead and one restored, marked as one that may fork', () => {
    const world = createWorld({ quorum: { needed: 2, of: 3 } });
    const alive = [1, 2] as PartyIndex[];
    restore(world, 1 as PartyIndex, 0);
    expect(getOn(world, alive)).toBeNull();
    release(world, alive);
    expect(getOn(world, alive)).not.toBeNull();
    const decision = decisionOf(world);
    expect(verifyDecision(world.members, decision)).toBe(true);
    expect(mayFork(decision)).toBe(true);
    expect(verifyDecision({ ...world.members, released: null }, decision)).toBe(false);
    expect(verifyDecision({ ...world.members, released: ORDERS[1]! }, decision)).toBe(false);
  });

  test('void a lock whose roster is dead, so that their order is fulfilled instead', () => {
    const world = createWorld({ quorum: { needed: 2, of: 3 } });
    const gone = COMPLETE[2]!;
    slots(3).forEach((slot) => askPromise(world, slot, gone.orderHash, 1));
    slots(3).forEach((slot) => askLock(world, slot, gone.next));
    slots(3).forEach((slot) => askAdopt(world, slot, world.certificates[0]!));
    release(world, slots(3), gone.next);
    expect([...world.states.values()].map(({ highest }) => highest)).toEqual([null, null, null]);
    slots(3).forEach((slot) => askAdopt(world, slot, world.certificates[0]!));
    expect(getOn(world, slots(3))).not.toBeNull();
    expect([...world.decided.values()].map(({ next }) => next)).toEqual([COMPLETE[0]!.next]);
  });

  test('let a quorum decide where fewer than a majority are alive: 2 of a 2-of-4', () => {
    const world = createWorld({ quorum: { needed: 2, of: 4 } });
    expect(getOn(world, slots(2))).toBeNull();
    release(world, slots(2));
    expect(getOn(world, slots(2))).not.toBeNull();
    expect(mayFork(decisionOf(world))).toBe(true);
  });
});

/** After whatever happened, what is left goes on with an honest owner: enough of them remember, liars fall silent. */
function isStuck(schedule: Schedule): boolean {
  const world = play(schedule);
  const alive = slots(schedule.of).filter((slot) => !world.liars.has(slot));
  const whole = alive.filter((slot) => world.states.get(slot)!.forgot === null);
  if (whole.length < world.members.needed || world.decided.size > 0) return false;
  world.now += 600;
  return getOn(world, whole) === null;
}

test(
  'L14: no schedule of thief, courier, liars and disks leaves an honest owner stuck for good',
  { tags: 'slow' },
  () => {
    fc.assert(
      fc.property(schedules({ liars: true, restores: true }), (schedule) => {
        expect(isStuck(schedule)).toBe(false);
      }),
      { numRuns: 1500 },
    );
  },
);
