// @module-tag long
import { encodeHex, equalBytes } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { play, type Schedule, schedules } from './fixtures/schedule.js';
import { COMPLETE, HOUSE_RULES, ORDERS, type Rules, type World } from './fixtures/world.js';
import { type GuardVerdict, type LockName, membersNeeded } from './index.js';

/** How many of each: a few seconds' worth. */
const RUNS = 1500;

/** Every second order is under the next terms, the others are under those of before. */
const versionOf = (orderHash: Uint8Array) => ORDERS.findIndex((one) => equalBytes(one, orderHash)) % 2;
const versionOfNext = (next: Uint8Array) =>
  versionOf(COMPLETE.find((one) => equalBytes(one.next, next))!.orderHash);

/** Members that promise and lock only what is under the terms in force at each of them. */
function rulesUnder(inForce: ReadonlyMap<PartyIndex, number>, looksAtLock: boolean): Rules {
  const guard = (slot: PartyIndex, version: number): GuardVerdict =>
    version === (inForce.get(slot) ?? 0) ? 'passed' : 'over';
  return {
    ...HOUSE_RULES,
    promise: (members, state, request) =>
      HOUSE_RULES.promise(members, state, {
        ...request,
        guards: guard(state.slot, versionOf(request.orderHash)),
      }),
    lock: (members, state, request) =>
      HOUSE_RULES.lock(members, state, {
        ...request,
        guards: looksAtLock ? guard(state.slot, versionOfNext(request.next)) : request.guards,
      }),
  };
}

interface Terms {
  /** Before which act they come into force where they do. */
  readonly at: number;
  /** From which honest member on. */
  readonly from: number;
  /** At how many members fewer than it takes. */
  readonly fewer: number;
  readonly strict: boolean;
  /** Whether members look at them when they lock, and not only when they promise. */
  readonly looksAtLock: boolean;
}

/** What follows the terms of before although it was bound to nothing when the next ones came into force: by its name. */
function lateUnderOld(
  schedule: Schedule,
  { at, from, fewer, strict, looksAtLock }: Terms,
): readonly string[] {
  const { needed, of, liars } = schedule;
  const enough = of - membersNeeded({ needed, of }, strict) + 1 + liars - fewer;
  const honest = Array.from({ length: of - liars }, (_, i) => (liars + 1 + i) as PartyIndex);
  // Those who lie say that they have them, too.
  const have = Array.from(
    { length: Math.max(0, enough - liars) },
    (_, i) => honest[(from + i) % honest.length]!,
  );
  const inForce = new Map<PartyIndex, number>();
  let bound: readonly string[] = [];
  const begin = (world: World, act: number) => {
    if (act !== at % schedule.acts.length) return;
    bound = boundTo(world, have);
    for (const slot of have) inForce.set(slot, 1);
  };
  const world = play(schedule, rulesUnder(inForce, looksAtLock), { strict }, begin);
  const followed = [...world.decided.values(), ...world.certificates].filter(isOld).map(nameOf);
  return inForce.size === 0 ? [] : followed.filter((name) => !bound.includes(name));
}

const isOld = ({ next }: LockName) => versionOfNext(next) === 0;
const nameOf = ({ next }: LockName) => encodeHex(next);

/** What a lock certificate stands for, or one of these has locked: nothing stops that any more. */
function boundTo(world: World, members: readonly PartyIndex[]): readonly string[] {
  const locked = world.said.filter((one) => one.kind === 'lock').filter(({ slot }) => members.includes(slot));
  return [...world.certificates, ...locked].map(nameOf);
}

const terms = (fewer: number, looksAtLock: boolean) =>
  fc.record({
    at: fc.nat(23),
    from: fc.nat(6),
    fewer: fc.constant(fewer),
    strict: fc.boolean(),
    looksAtLock: fc.constant(looksAtLock),
  });

function check(liars: boolean, fewer: number, numRuns = RUNS, looksAtLock = true) {
  const property = fc.property(
    schedules({ liars, restores: false }),
    terms(fewer, looksAtLock),
    (schedule, begun) => {
      expect(lateUnderOld(schedule, begun)).toEqual([]);
    },
  );
  return fc.check(property, { numRuns, seed: 1, endOnFailure: true });
}

describe('L8: an order under terms of before is not decided once the next ones are in force', () => {
  test.each([
    ['at n − w + 1 members, where none of them lies', false],
    ['at n − w + 1 + m members, m of whom lie', true],
  ])('%s', (_, liars) => {
    const found = check(liars, 0);
    expect(found.failed ? fc.defaultReportMessage(found) : null).toBeNull();
  });

  test.each([false, true])(
    'and is, where one member fewer has them (liars: %s)',
    { tags: 'slow' },
    (liars) => {
      expect(check(liars, 1, 3 * RUNS)).toMatchObject({ failed: true });
    },
  );

  test('and is, where members look at the terms only when they promise', () => {
    expect(check(false, 0, 3 * RUNS, false)).toMatchObject({ failed: true });
  });
});
