// @module-tag long
import { encodeHex, equalBytes } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { play, type Schedule, schedules } from './fixtures/schedule.js';
import {
  askLock,
  askPromise,
  askYield,
  COMPLETE,
  HOUSE_RULES,
  ORDERS,
  promisesOf,
  type Rules,
  type World,
} from './fixtures/world.js';
import { type GuardVerdict, membersNeeded } from './index.js';

/** How many of each: a few seconds' worth. */
const RUNS = 1500;
/** Two orders are under texts of one number that a thief has set apart, the third under what settles them. */
const SETTLED = 2;
/** What a thief gave to one server alone: no order is under it. */
const OWN = 3;

const textOf = (orderHash: Uint8Array) => ORDERS.findIndex((one) => equalBytes(one, orderHash));
const textOfNext = (next: Uint8Array) =>
  textOf(COMPLETE.find((one) => equalBytes(one.next, next))!.orderHash);

/** Members that promise and lock only what is under the very text in force at each of them. */
function rulesUnder(inForce: ReadonlyMap<PartyIndex, number>): Rules {
  const guard = (slot: PartyIndex, text: number): GuardVerdict =>
    text === (inForce.get(slot) ?? OWN) ? 'passed' : 'over';
  return {
    ...HOUSE_RULES,
    promise: (members, state, request) =>
      HOUSE_RULES.promise(members, state, {
        ...request,
        guards: guard(state.slot, textOf(request.orderHash)),
      }),
    lock: (members, state, request) =>
      HOUSE_RULES.lock(members, state, { ...request, guards: guard(state.slot, textOfNext(request.next)) }),
  };
}

interface Apart {
  /** Which text each member was given, by its place. */
  readonly texts: readonly number[];
  /** Before which act what settles them comes into force where it does. */
  readonly at: number;
  readonly from: number;
  /** At how many members fewer than it takes. */
  readonly fewer: number;
  readonly strict: boolean;
}

const apart = (fewer: number) =>
  fc.record({
    texts: fc.array(fc.constantFrom(0, 1, OWN), { minLength: 7, maxLength: 7 }),
    at: fc.nat(23),
    from: fc.nat(6),
    fewer: fc.constant(fewer),
    strict: fc.boolean(),
  });

interface Outcome {
  readonly world: World;
  readonly honest: readonly PartyIndex[];
  readonly texts: ReadonlyMap<PartyIndex, number>;
  /** What was bound to something else when it was settled, by name; null: it never was. */
  readonly bound: readonly string[] | null;
}

/** @param isSettled whether what settles them comes into force at all */
function playApart(
  schedule: Schedule,
  { texts, at, from, fewer, strict }: Apart,
  isSettled: boolean,
): Outcome {
  const { needed, of, liars } = schedule;
  const honest = Array.from({ length: of - liars }, (_, i) => (liars + 1 + i) as PartyIndex);
  const inForce = new Map(honest.map((slot, i) => [slot, texts[i]!]));
  const given = new Map(inForce);
  const enough = of - membersNeeded({ needed, of }, strict) + 1 + liars - fewer;
  const have = honest
    .map((_, i) => honest[(from + i) % honest.length]!)
    .slice(0, Math.max(0, enough - liars));
  let bound: readonly string[] | null = null;
  const begin = (world: World, act: number) => {
    if (!isSettled || act !== at % schedule.acts.length) return;
    const locked = world.said.filter((one) => one.kind === 'lock').filter(({ slot }) => have.includes(slot));
    bound = [...world.certificates, ...locked].map(({ next }) => encodeHex(next));
    for (const slot of have) inForce.set(slot, SETTLED);
  };
  const world = play(schedule, rulesUnder(inForce), { strict }, begin);
  if (isSettled) for (const slot of honest) inForce.set(slot, SETTLED);
  return { world, honest, texts: given, bound };
}

const namesOf = ({ decided, certificates }: World) =>
  [...decided.values(), ...certificates].map(({ next }) => next);

describe('C2: servers whose terms a thief has set apart', () => {
  test.each([false, true])(
    'decide on nothing under a text that fewer than decide have, those who lie among them (liars: %s)',
    (liars) => {
      const property = fc.property(schedules({ liars, restores: false }), apart(0), (schedule, how) => {
        const { needed, of } = schedule;
        const { world, texts } = playApart(schedule, how, false);
        const w = membersNeeded({ needed, of }, how.strict);
        const decided = namesOf(world).map(textOfNext);
        for (const text of [0, 1]) {
          const have = [...texts.values()].filter((one) => one === text).length + schedule.liars;
          if (have < w) expect(decided).not.toContain(text);
        }
      });
      fc.assert(property, { numRuns: RUNS, seed: 1, endOnFailure: true });
    },
  );

  const late = (liars: boolean, fewer: number, numRuns: number) =>
    fc.check(
      fc.property(schedules({ liars, restores: false }), apart(fewer), (schedule, how) => {
        const { world, bound } = playApart(schedule, how, true);
        const others = namesOf(world)
          .filter((next) => textOfNext(next) !== SETTLED)
          .map(encodeHex);
        expect(bound === null ? [] : others.filter((name) => !bound.includes(name))).toEqual([]);
      }),
      { numRuns, seed: 1, endOnFailure: true },
    );

  test.each([false, true])(
    'decide on nothing under what was set apart once n − w + 1 + m have what settles it (liars: %s)',
    (liars) => {
      const found = late(liars, 0, RUNS);
      expect(found.failed ? fc.defaultReportMessage(found) : null).toBeNull();
    },
  );

  test('and do where one fewer has it', { tags: 'slow' }, () => {
    expect(late(true, 1, 6 * RUNS)).toMatchObject({ failed: true });
  });

  test('go on under what settles them, unless a lock certificate stands for something else', () => {
    const property = fc.property(schedules({ liars: true, restores: false }), apart(0), (schedule, how) => {
      const { needed, of, liars } = schedule;
      const { world, honest, bound } = playApart(schedule, how, true);
      if (of - liars < membersNeeded({ needed, of }, how.strict)) return;
      if (world.certificates.length > 0 || bound === null) return;
      const { next } = COMPLETE.find(({ orderHash }) => textOf(orderHash) === SETTLED)!;
      const attempts = honest.map((slot) => world.states.get(slot)!.attempt);
      // Nobody is more than one attempt ahead of a quorum that has spoken, so that those who are behind climb.
      for (let attempt = Math.min(...attempts) + 1; attempt <= Math.max(...attempts) + 2; attempt++) {
        world.now += 3_600;
        for (const slot of honest) askPromise(world, slot, ORDERS[SETTLED]!, attempt);
        for (const slot of honest) askLock(world, slot, next, promisesOf(world, attempt));
      }
      const certificate = world.certificates.findLast((one) => equalBytes(one.next, next));
      expect(certificate).toBeDefined();
      for (const slot of honest) askYield(world, slot, certificate!);
      expect([...world.decided.values()].map((one) => textOfNext(one.next))).toContain(SETTLED);
    });
    fc.assert(property, { numRuns: RUNS, seed: 1, endOnFailure: true });
  });
});
