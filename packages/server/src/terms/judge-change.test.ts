import type { KeyTerms } from '@ckm/api';
import { expect, test } from 'vitest';
import { type JudgedChange, judgeChange, longestWait } from './judge-change.js';

const DAY = 86_400;
const EVERYBODY = ['ann', 'bob', 'cy'];
const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const policy: KeyTerms = {
  kinds: ['message', 'git'],
  rateLimit: { count: 9, perSeconds: DAY },
  expiresAt: null,
  blindAllowed: false,
  approval: 'automatic',
};
const before: KeyTerms = {
  ...policy,
  ownerKey: bytes(9),
  approvers: EVERYBODY.map((name, at) => ({
    name,
    xid: bytes(at + 1),
    keys: [{ kind: 'ed25519', key: bytes(at + 101) }],
  })),
  approvals: [{ when: { all: [] }, needed: 2, of: EVERYBODY }],
  change: { needed: 2, of: EVERYBODY, delaySeconds: 3 * DAY, words: 30 * DAY },
};
const faster: KeyTerms = { ...before, change: { ...before.change!, delaySeconds: DAY } };

function judge(more: Partial<JudgedChange> & { yes?: string[]; no?: string[] } = {}) {
  const { yes = [], no = [], ...given } = more;
  return judgeChange({
    before,
    after: faster,
    former: [],
    byWords: false,
    votes: { yes: new Set(yes), no: new Set(no) },
    without: new Set(),
    counted: 0,
    ...given,
  });
}

const IN_FORCE = { verdict: 'inForce' };
const waits = (missing: number, left: number | null) => ({ verdict: 'waits', missing, left });

const change = before.change!;
const parts: readonly (readonly [string, Partial<KeyTerms>])[] = [
  ['fewer kinds', { kinds: ['message'] }],
  ['a lower limit', { rateLimit: { count: 8, perSeconds: DAY } }],
  ['more who say yes to a use', { approvals: [{ when: { all: [] }, needed: 3, of: EVERYBODY }] }],
];
test.each(parts)('L10: %s: works at once, and back the slow way', (_, tighter) => {
  expect(judge({ after: { ...before, ...tighter } })).toMatchObject({ ...IN_FORCE, way: 'tighter' });
  const back = { before: { ...before, ...tighter }, after: before };
  expect(judge({ ...back, yes: ['ann', 'bob'] })).toEqual(waits(0, 3 * DAY));
});

const slow: readonly (readonly [string, Partial<KeyTerms>])[] = [
  ['who says yes to a use', { approvals: [{ when: { all: [] }, needed: 2, of: ['ann', 'bob'] }] }],
  ['more who say yes to a change', { change: { ...change, needed: 3 } }],
  ['a longer delay', { change: { ...change, delaySeconds: 4 * DAY } }],
  ['never by the words', { change: { ...change, words: null } }],
  ['how many noes end a change', { change: { ...change, rejectsEnd: 1 } }],
  ['heirs', { silence: { afterSeconds: 90 * DAY, grants: [{ who: 'cy', may: ['use'] }] } }],
  ['another key of the owner', { ownerKey: bytes(8) }],
  ['one who is asked no more', { approvers: before.approvers!.slice(0, 2) }],
  ['an end', { expiresAt: 1_900_000_000 }],
];
test.each(slow)('L10: %s: goes the slow way in either direction, by the rule before', (_, part) => {
  const other = { ...before, ...part };
  const yes = { yes: ['ann', 'bob'] };
  expect(judge({ after: other })).toMatchObject({ verdict: 'waits', missing: 2, left: null });
  expect(judge({ after: other, ...yes })).toEqual(waits(0, 3 * DAY));
  expect(judge({ after: other, ...yes, counted: 3 * DAY - 1 })).toEqual(waits(0, 1));
  expect(judge({ after: other, ...yes, counted: 3 * DAY })).toMatchObject(IN_FORCE);
  const back = judge({ before: other, after: before });
  expect(back.verdict).toBe('waits');
});

test('L10: the version before comes back by the votes of a change without delay, and by nothing less', () => {
  const back = { before: faster, after: before, former: [before] };
  expect(judge({ ...back, yes: ['ann', 'cy'] })).toMatchObject({ ...IN_FORCE, way: 'people' });
  expect(judge({ ...back, yes: ['ann'] })).toEqual(waits(1, null));
  // Who asks nobody has no votes that could say so.
  const alone = { ...faster, change: { ...faster.change!, needed: 0 } };
  expect(judge({ ...back, before: alone })).toEqual(waits(0, DAY));
  expect(judge({ ...back, former: [], yes: ['ann', 'cy'] })).toEqual(waits(0, DAY));
});

test('L14: the words alone take their own delay, and anybody who has a say stops them; null is never', () => {
  expect(judge({ byWords: true })).toEqual(waits(2, 30 * DAY));
  expect(judge({ byWords: true, counted: 30 * DAY })).toMatchObject({ ...IN_FORCE, way: 'words' });
  expect(judge({ byWords: true, counted: 30 * DAY, no: ['cy'] })).toEqual(waits(2, null));
  expect(judge({ byWords: true, yes: ['ann', 'bob'] })).toEqual(waits(0, 3 * DAY));
  const never = { ...before, change: { ...change, words: null } };
  expect(judge({ before: never, byWords: true, counted: 400 * DAY })).toEqual(waits(2, null));
  expect(judge({ counted: 400 * DAY })).toEqual(waits(2, null));
  expect([longestWait(before, true), longestWait(before, false), longestWait(never, true)]).toEqual([
    30 * DAY,
    3 * DAY,
    3 * DAY,
  ]);
});

test('a no counts, and ends a change as the rule says, whatever else is said; also where nobody has to say yes', () => {
  expect(judge({ no: ['ann'] })).toEqual(waits(2, null));
  expect(judge({ no: ['ann', 'bob'] })).toEqual({ verdict: 'over', reason: 'ann, bob said no' });
  const nobody = { ...before, change: { ...change, needed: 0, rejectsEnd: 1 } };
  expect(judge({ before: nobody, no: ['cy'], counted: 3 * DAY })).toMatchObject({ verdict: 'over' });
  expect(judge({ before: nobody, counted: 3 * DAY })).toMatchObject({ ...IN_FORCE, way: 'time' });
});

test('L14: whom a change takes away counts for nothing in it, and where too few are left only the words go on', () => {
  const without = new Set(['cy']);
  expect(judge({ without, yes: ['ann', 'cy'] })).toEqual(waits(1, null));
  expect(judge({ without, no: ['cy'], yes: ['ann', 'bob'] })).toEqual(waits(0, 3 * DAY));
  const two = new Set(['bob', 'cy']);
  expect(judge({ without: two, yes: ['ann'] })).toEqual({
    verdict: 'over',
    reason: 'too few have a say in it',
  });
  expect(judge({ without: two, byWords: true })).toEqual(waits(2, 30 * DAY));
});

test('Q16a: first terms wait for three days, unless the words bring them; what else loosens waits for the words too', () => {
  const first = { before: policy, after: before };
  expect(judge(first)).toEqual(waits(0, 3 * DAY));
  expect(judge({ ...first, counted: 3 * DAY })).toMatchObject({ ...IN_FORCE, way: 'time' });
  expect(judge({ ...first, byWords: true })).toMatchObject({ ...IN_FORCE, way: 'words' });
  const more = { before: policy, after: { ...before, blindAllowed: true }, byWords: true };
  expect(judge(more)).toEqual(waits(0, 3 * DAY));
});
