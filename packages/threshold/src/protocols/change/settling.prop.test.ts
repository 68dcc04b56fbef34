import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { getOn } from './fixtures/owner.js';
import { play, type Schedule, schedules } from './fixtures/schedule.js';
import { createMembers, FIRST, kindsOf, NEXT } from './fixtures/signed.js';
import { createWorld, HOUSE_RULES, numbered, type Rules, type WorldOptions } from './fixtures/world.js';
import { refuses } from './member-state.js';
import { hashSettlement, membersNeeded, settlersAmong } from './index.js';

const RUNS = 1500;

const slots = (of: number) => Array.from({ length: of }, (_, i) => (i + 1) as PartyIndex);

/** Whoever forgot what it said says nothing here: what reminds it in a change could come from liars. */
const RULES: Rules = { ...HOUSE_RULES, remember: () => refuses('forgot') };

/** Schedules, and which of the liars each member has seen to have signed twice: they need not have seen the same. */
const settlings = (restores: boolean) =>
  schedules({ liars: true, restores }).chain((schedule) =>
    fc.record({
      schedule: fc.constant(schedule),
      seen: fc
        .array(fc.subarray(slots(schedule.liars)), { minLength: schedule.of, maxLength: schedule.of })
        .map((all) => new Map(all.map((twice, i) => [(i + 1) as PartyIndex, twice]))),
    }),
  );

interface Settling {
  readonly schedule: Schedule;
  readonly seen: NonNullable<WorldOptions['seen']>;
}

function check(arbitrary: fc.Arbitrary<Settling>, rules = RULES, among?: typeof settlersAmong) {
  const property = fc.property(arbitrary, ({ schedule, seen }) => {
    const rule = among === undefined ? {} : { among };
    expect(play(schedule, rules, { seen, ...rule }).decided.size).toBeLessThan(2);
  });
  return fc.check(property, { numRuns: RUNS, seed: 1, endOnFailure: true });
}

function expectSound(arbitrary: fc.Arbitrary<Settling>): void {
  const found = check(arbitrary);
  expect(found.failed ? fc.defaultReportMessage(found) : null).toBeNull();
}

describe('ADR 0049: members that settle which certificate counts', () => {
  test(
    'settle on one, with one fewer than the quorum lying, whoever of those each has seen to sign twice',
    { tags: 'slow' },
    () => {
      expectSound(settlings(false));
    },
  );

  test('settle on one, where some are restored from older states too', { tags: 'slow' }, () => {
    expectSound(settlings(true));
  });

  test(
    'settle on two in the model, where reminders let those speak again that forgot',
    { tags: 'slow' },
    () => {
      expect(check(settlings(true), HOUSE_RULES)).toMatchObject({ failed: true });
    },
  );

  test('settle on two in the model, where as many do as decide on a change', { tags: 'slow' }, () => {
    const asForChanges: typeof settlersAmong = (members, twice) => ({
      ...settlersAmong(members, twice),
      needed: membersNeeded(members.quorum, false),
      isSigned: members.isSigned,
    });
    expect(check(settlings(false), RULES, asForChanges)).toMatchObject({ failed: true });
  });
});

describe.each([
  { needed: 2, of: 2 },
  { needed: 2, of: 3 },
  { needed: 3, of: 5 },
])('an honest owner of a $needed-of-$of settles', (quorum) => {
  test('without whoever signed twice, whichever that is', () => {
    for (const twice of slots(quorum.of)) {
      const seen = new Map(slots(quorum.of).map((slot) => [slot, [twice]]));
      const world = createWorld({ quorum, liars: [twice], seen });
      const others = slots(quorum.of).filter((slot) => slot !== twice);
      expect(getOn(world, others)).toBe(1);
    }
  });

  test('with all of them, where a quorum or all have signed twice', () => {
    const twice = slots(quorum.needed);
    const world = createWorld({ quorum, seen: new Map(slots(quorum.of).map((slot) => [slot, twice])) });
    expect(getOn(world, slots(quorum.of))).toBe(1);
  });
});

test('how many settle: so many that two sets share a member that does not lie', () => {
  const { members: some } = createMembers({ needed: 2, of: 2 });
  for (let of = 2; of <= 12; of++)
    for (let needed = 2; needed <= of; needed++) {
      const members = { ...some, quorum: { needed, of } };
      for (let liars = 1; liars < needed; liars++)
        for (let one = 1; one <= liars; one++)
          for (let other = 1; other <= liars; other++) {
            const [first, second] = [one, other].map((count) => settlersAmong(members, slots(count)));
            // Those of the honest that are in each, at least: what is left of them when all unknown liars take part.
            const honestIn = (settlers: typeof members, known: number) => settlers.needed - (liars - known);
            expect(honestIn(first!, one) + honestIn(second!, other)).toBeGreaterThan(of - liars);
          }
    }
});

test('of a strict key as many settle as of another; who could fork it are a quorum, and then all do', () => {
  const { members } = createMembers({ needed: 2, of: 3 }, { strict: true });
  for (let of = 2; of <= 12; of++)
    for (let needed = 2; needed <= of; needed++) {
      const quorum = { needed, of };
      const [other, strict] = [false, true].map((isStrict) => ({
        ...members,
        quorum,
        needed: membersNeeded(quorum, isStrict),
      }));
      for (let count = 1; count <= of; count++)
        expect(settlersAmong(strict!, slots(count)).needed).toBe(settlersAmong(other!, slots(count)).needed);
      // As many as two next epochs have in common, at least, signed both.
      const twice = 2 * strict!.needed - of;
      expect(settlersAmong(strict!, slots(twice)).needed).toBe(of);
    }
});

test('whoever signed twice is not counted, and what is settled is named by all of it', () => {
  const key = createMembers({ needed: 2, of: 3 });
  const settlers = settlersAmong(key.members, [3 as PartyIndex]);
  const lock = (slot: number) =>
    key.sign({ kind: 'lock', slot: slot as PartyIndex, attempt: 1, mayFork: false, next: NEXT });
  expect([1, 2, 3].map((slot) => settlers.isSigned(lock(slot)))).toEqual([true, true, false]);
  expect(kindsOf([lock(1)])).toEqual(['lock']);
  const epoch = { keyId: numbered(7, 1), epoch: 3, transcriptHash: numbered(7, 2) };
  const [a, b, c] = [4, 5, 6].map((i) => numbered(7, i)) as [Uint8Array, Uint8Array, Uint8Array];
  const name = hashSettlement(epoch, a, [b, c]);
  expect(hashSettlement(epoch, a, [c, b])).toEqual(name);
  for (const other of [
    hashSettlement(epoch, b, [a, c]),
    hashSettlement(epoch, a, [b]),
    hashSettlement({ ...epoch, epoch: 4 }, a, [b, c]),
    hashSettlement({ ...epoch, keyId: FIRST }, a, [b, c]),
    hashSettlement({ ...epoch, transcriptHash: FIRST }, a, [b, c]),
  ])
    expect(other).not.toEqual(name);
});
