import { describe, expect, test } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import {
  certificateOf,
  COMPLETE,
  createMembers,
  FIRST,
  kindsOf,
  NEXT,
  OTHER,
  SECOND,
  spoken,
  THIRD,
} from './fixtures/signed.js';
import {
  findContradictions,
  NO_RECALL,
  releaseByWords,
  remember,
  restored,
  verifyDecision,
  verifyDecisionOrRelease,
} from './index.js';

describe('V33a: dealers that have nothing in common', () => {
  test('the two halves of a 2-of-4 cannot each decide on an epoch of their own', () => {
    const key = createMembers({ needed: 2, of: 4 });
    const left = spoken([key.promise(1, 1), key.promise(2, 1)]);
    const right = spoken([
      key.promise(3, 1, { orderHash: SECOND }),
      key.promise(4, 1, { orderHash: SECOND }),
    ]);
    expect(kindsOf([key.lock(1, NEXT, left), key.lock(3, THIRD, right)])).toEqual([
      'promises-too-few',
      'promises-too-few',
    ]);
    expect(kindsOf([key.lock(1, NEXT, [...left, ...right])])).toEqual(['promises-too-few']);
  });

  test('nor do the locks or yields of one half decide', () => {
    const key = createMembers({ needed: 2, of: 4 });
    const said = { attempt: 1, mayFork: false, next: NEXT } as const;
    const locks = [1, 2].map((slot) => key.sign({ ...said, kind: 'lock', slot: slot as PartyIndex }));
    expect(key.yield(1, certificateOf(1, NEXT, locks))).toBe('locks-too-few');
    expect(key.yield(1, certificateOf(1, NEXT, [...locks, ...locks]))).toBe('locks-too-few');
  });
});

/** A 2-of-3 whose alpha and bravo have decided on NEXT in attempt 1. */
function decided() {
  const key = createMembers({ needed: 2, of: 3 });
  const promises = spoken([key.promise(1, 1), key.promise(2, 1)]);
  const certificate = certificateOf(
    1,
    NEXT,
    spoken([key.lock(1, NEXT, promises), key.lock(2, NEXT, promises)]),
  );
  const yields = spoken([key.yield(1, certificate), key.yield(2, certificate)]);
  return { key, promises, certificate, yields, decision: { ...certificate, promises, yields } };
}

test('promises, locks and yields of enough members in one attempt decide', () => {
  const { key, decision } = decided();
  expect(verifyDecision(key.members, decision)).toBe(true);
  for (const part of ['promises', 'locks', 'yields'] as const) {
    expect(verifyDecision(key.members, { ...decision, [part]: decision[part].slice(1) })).toBe(false);
    const twice = [decision[part][0]!, decision[part][0]!];
    expect(verifyDecision(key.members, { ...decision, [part]: twice })).toBe(false);
  }
  expect(verifyDecision(key.members, { ...decision, next: OTHER })).toBe(false);
  expect(verifyDecision(key.members, { ...decision, attempt: 2 })).toBe(false);
});

describe('V33b: a certificate that the courier hides, and another try', () => {
  test('the next attempt can complete nothing but what was decided, whatever order it names', () => {
    const { key, promises, certificate } = decided();
    const shown = promises;
    const again = spoken([
      key.promise(2, 2, { orderHash: SECOND, shown }),
      key.promise(3, 2, { orderHash: SECOND, shown }),
    ]);
    expect(again[0]!.highest).toMatchObject({ attempt: 1, next: NEXT });
    const certificates = [certificate];
    expect(key.lock(3, THIRD, again, { certificates })).toBe('bound-otherwise');
    expect(
      kindsOf([key.lock(3, NEXT, again, { certificates }), key.lock(2, NEXT, again, { certificates })]),
    ).toEqual(['lock', 'lock']);
  });

  test('a promise that names a lock certificate which is not shown, or cannot be completed, is none', () => {
    const { key, promises, certificate } = decided();
    const again = spoken([key.promise(2, 2, { shown: promises }), key.promise(3, 2, { shown: promises })]);
    expect(key.lock(3, NEXT, again)).toBe('promises-too-few');
    expect(key.lock(3, NEXT, again, { certificates: [{ ...certificate, locks: [] }] })).toBe(
      'promises-too-few',
    );
    const complete = COMPLETE.filter(({ next }) => next !== NEXT);
    expect(key.lock(3, THIRD, again, { certificates: [certificate], complete })).not.toMatchObject({
      kind: 'lock',
    });
  });

  test('once locked, expiry, cancel and newer terms stop nothing, and a freeze only delays', () => {
    const { key, promises, certificate } = decided();
    const shown = promises;
    expect(key.promise(1, 2, { shown, guards: 'frozen' })).toBe('frozen');
    const again = spoken([key.promise(1, 2, { shown, guards: 'over' }), key.promise(2, 2, { shown })]);
    const certificates = [certificate];
    expect(key.lock(1, NEXT, again, { certificates, guards: 'frozen' })).toBe('frozen');
    expect(kindsOf([key.lock(1, NEXT, again, { certificates, guards: 'over' })])).toEqual(['lock']);
    expect(key.yield(3, certificate, true)).toBe('frozen');
    expect(kindsOf([key.yield(3, certificate)])).toEqual(['yield']);
  });
});

describe('V33c: alpha is shown one certificate, bravo another', () => {
  test('who promised in a higher attempt yields to no lower one', () => {
    const key = createMembers({ needed: 2, of: 3 });
    const first = spoken([key.promise(1, 1), key.promise(2, 1)]);
    const certificate = certificateOf(1, NEXT, spoken([key.lock(1, NEXT, first), key.lock(2, NEXT, first)]));
    const second = spoken([
      key.promise(3, 2, { orderHash: SECOND, shown: first }),
      key.promise(2, 2, { orderHash: SECOND, shown: first }),
    ]);
    expect(
      kindsOf([key.yield(1, certificate), key.yield(2, certificate), key.yield(3, certificate)]),
    ).toEqual(['yield', 'attempt-past', 'attempt-past']);
    expect(kindsOf([key.lock(3, THIRD, second)])).toEqual(['lock']);
    expect(kindsOf([key.lock(2, THIRD, second)])).toEqual(['lock']);
  });

  test('who knows a lock certificate does not lock another transcript past it', () => {
    const { key, promises, certificate } = decided();
    const third = spoken([key.promise(3, 2, { orderHash: SECOND, shown: promises })]);
    const second = spoken([key.promise(2, 2, { orderHash: SECOND, shown: promises })]);
    const hidden = { ...second[0]!, highest: null };
    expect(key.lock(2, THIRD, [...third, hidden])).toBe('own-promise-missing');
    expect(key.lock(2, THIRD, [...third, ...second], { certificates: [certificate] })).toBe(
      'bound-otherwise',
    );
  });
});

describe('V33d: two transcripts in one attempt', () => {
  test('a member locks one of them, and yields to one of them', () => {
    const key = createMembers({ needed: 2, of: 3 });
    const promises = spoken([1, 2, 3].map((slot) => key.promise(slot, 1)));
    const locked = key.lock(1, NEXT, promises);
    expect(key.lock(1, OTHER, promises)).toBe('said-otherwise');
    expect(key.lock(1, NEXT, promises)).toEqual(locked);
    expect(key.promise(1, 1, { orderHash: SECOND })).toBe('said-otherwise');
    expect(key.promise(1, 1)).toEqual(promises[0]);
  });

  test('a fork that a liar made names the liar, and nobody else', () => {
    const key = createMembers({ needed: 2, of: 3 });
    const promises = spoken([1, 2, 3].map((slot) => key.promise(slot, 1)));
    const lie = { slot: 2 as PartyIndex, attempt: 1, mayFork: false } as const;
    const locks = (next: Uint8Array) => key.sign({ ...lie, kind: 'lock' as const, next });
    const yields = (next: Uint8Array) => key.sign({ ...lie, kind: 'yield' as const, next });
    const one = certificateOf(1, NEXT, [...spoken([key.lock(1, NEXT, promises)]), locks(NEXT)]);
    const two = certificateOf(1, OTHER, [...spoken([key.lock(3, OTHER, promises)]), locks(OTHER)]);
    const first = { ...one, promises, yields: [...spoken([key.yield(1, one)]), yields(NEXT)] };
    const second = { ...two, promises, yields: [...spoken([key.yield(3, two)]), yields(OTHER)] };
    expect([first, second].map((decision) => verifyDecision(key.members, decision))).toEqual([true, true]);
    const said = [first, second].flatMap((one) => [...promises, ...one.locks, ...one.yields]);
    expect(findContradictions(key.members, said).map(({ slot }) => slot)).toEqual([2]);
    expect(findContradictions(key.members, [...promises, ...first.locks, ...first.yields])).toEqual([]);
  });

  test('a yield that its member hides in a later promise is shown by the two', () => {
    const { key, promises, yields } = decided();
    const lie = key.sign({
      kind: 'promise',
      slot: 1 as PartyIndex,
      attempt: 2,
      mayFork: false,
      orderHash: SECOND,
      highest: null,
      recall: NO_RECALL,
    });
    const honest = spoken([key.promise(2, 2, { shown: promises })]);
    expect(findContradictions(key.members, [...yields, lie, ...honest])).toEqual([
      { slot: 1, statements: [yields[0], lie] },
    ]);
  });

  test('is looked for among the first 2,048 statements: each costs a check of its signature', () => {
    const { key, promises } = decided();
    let checked = 0;
    const isSigned = () => ++checked === 0;
    const many = Array.from({ length: 5_000 }, () => promises[0]!);
    expect(findContradictions({ ...key.members, isSigned }, many)).toEqual([]);
    expect(checked).toBe(2_048);
  });

  test('with the strict rule one liar of a 2-of-3 decides nothing twice: all three are needed', () => {
    const key = createMembers({ needed: 2, of: 3 }, { strict: true });
    const promises = spoken([1, 2, 3].map((slot) => key.promise(slot, 1)));
    expect(key.lock(1, NEXT, promises.slice(0, 2))).toBe('promises-too-few');
    const locks = spoken([key.lock(1, NEXT, promises), key.lock(2, NEXT, promises)]);
    expect(key.yield(1, certificateOf(1, NEXT, locks))).toBe('locks-too-few');
  });
});

describe('V33e: a member restored from a backup', () => {
  const drawn = bytesOf('drawn after the restore');

  test('says nothing, and does not forget the lock certificate that its backup holds', () => {
    const { key, promises, certificate } = decided();
    key.setState(restored(key.stateOf(1), drawn));
    expect(key.promise(1, 2, { shown: promises })).toBe('forgot');
    expect(key.lock(1, NEXT, promises)).toBe('forgot');
    expect(key.yield(1, certificate)).toBe('forgot');
    expect(key.stateOf(1).highest).toEqual(certificate);
  });

  test('is not reminded by promises that are older than its restore, which would fork', () => {
    const key = createMembers({ needed: 2, of: 3 });
    const first = spoken([1, 2, 3].map((slot) => key.promise(slot, 1)));
    const backup = key.stateOf(2);
    const second = spoken([key.promise(1, 2, { shown: first }), key.promise(2, 2, { shown: first })]);
    const certificate = certificateOf(
      2,
      NEXT,
      spoken([key.lock(1, NEXT, second), key.lock(2, NEXT, second)]),
    );
    spoken([key.yield(1, certificate), key.yield(2, certificate)]);
    const forgot = restored(backup, drawn);
    const old = { promises: [first[0]!, first[2]!], certificates: [], complete: COMPLETE };
    expect(remember(key.members, forgot, old)).toMatchObject({ reason: 'reminders-too-few' });
    const shown = [...first, ...second];
    const fresh = spoken([1, 3].map((slot) => key.promise(slot, 3, { shown, recall: drawn })));
    const reminder = { promises: fresh, certificates: [certificate], complete: COMPLETE };
    expect(remember(key.members, forgot, reminder)).toMatchObject({
      state: { forgot: null, attempt: 3, highest: certificate },
    });
    for (const promises of [fresh.slice(1), [fresh[0]!, fresh[0]!]])
      expect(remember(key.members, forgot, { ...reminder, promises })).toMatchObject({ kind: 'refuses' });
    expect(remember(key.members, forgot, { ...reminder, certificates: [] })).toMatchObject({
      kind: 'refuses',
    });
    const other = restored(backup, bytesOf('drawn after another restore'));
    expect(remember(key.members, other, reminder)).toMatchObject({ kind: 'refuses' });
  });

  test('released by the words, says what is marked, for their order only, and counts for who checked them', () => {
    const key = createMembers({ needed: 2, of: 3 }, { released: FIRST });
    const unreleased = createMembers({ needed: 2, of: 3 });
    key.setState(releaseByWords(restored(key.stateOf(1), drawn), { orderHash: FIRST, voided: null }));
    expect(key.promise(1, 1, { orderHash: SECOND })).toBe('other-order-released');
    const mixed = spoken([key.promise(1, 1), key.promise(3, 1)]);
    expect(mixed.map(({ mayFork }) => mayFork)).toEqual([true, false]);
    expect(key.lock(1, NEXT, mixed)).toBe('promises-too-few');
    key.setState(releaseByWords(key.stateOf(2), { orderHash: FIRST, voided: null }));
    const promises = spoken([key.promise(1, 1), key.promise(2, 1)]);
    const locks = spoken([key.lock(1, NEXT, promises), key.lock(2, NEXT, promises)]);
    const certificate = certificateOf(1, NEXT, locks);
    const yields = spoken([key.yield(1, certificate), key.yield(2, certificate)]);
    const decision = { ...certificate, promises, yields };
    expect(verifyDecision(key.members, decision)).toBe(true);
    expect(verifyDecision(unreleased.members, decision)).toBe(false);
    // Whoever has not heard the words believes a quorum of those who say that they have, and nobody beside them.
    expect(verifyDecisionOrRelease(unreleased.members, decision)).toBe(true);
    for (const part of ['promises', 'locks', 'yields'] as const) {
      const fewer = { ...decision, [part]: decision[part].slice(1) };
      expect(verifyDecisionOrRelease(unreleased.members, fewer)).toBe(false);
    }
    const other = { ...decision, promises: [promises[0]!, mixed[1]!] };
    expect(verifyDecisionOrRelease(unreleased.members, other)).toBe(false);
  });
});
