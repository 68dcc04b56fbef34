import fc from 'fast-check';
import type { Identity } from '@ckm/gordian';
import { describe, expect, test } from 'vitest';
import { countVotes } from '../terms/judge.js';
import {
  hearVote,
  holdVotes,
  type KeptVotes,
  NOTHING_KEPT,
  noesInWords,
  silentIn,
  supersedes,
} from './count.js';
import { isNoBesides, judgeVote, type Polling } from './judge.js';
import type { VoteMatter } from './statement.js';
import type { SignedVote } from './proof.js';
import {
  alice,
  bob,
  carol,
  filled,
  NOW,
  phone,
  polling,
  stranger,
  voteOf,
  voter,
} from './test/sample-votes.js';

/** Who says yes, then who says no. */
function held(votes: readonly SignedVote[], on: Polling = polling): string {
  const { yes, no } = holdVotes(votes, on);
  return `yes: ${[...yes].toSorted().join(' ')}; no: ${[...no].toSorted().join(' ')}`;
}
const says = (verdict: 'yes' | 'no' | 'takeBack', serial = 1) => ({ verdict, serial });

describe('votes that hold', () => {
  test('are those of who is asked, each by name', () => {
    expect(held([])).toBe('yes: ; no: ');
    expect(held([voteOf(alice)])).toBe('yes: alice; no: ');
    expect(held([voteOf(carol), voteOf(bob, says('no')), voteOf(alice)])).toBe('yes: alice carol; no: bob');
    expect(held([voteOf(stranger), voteOf(alice, says('takeBack'))])).toBe('yes: ; no: ');
  });

  test('P4: two votes of one person count once, whichever keys, ways and serials they came by', () => {
    const approvers = [voter('alice', alice, stranger), voter('bob', bob)];
    const twice = [
      voteOf(alice),
      voteOf(alice),
      voteOf(alice, { serial: 2 }),
      voteOf(stranger, { approver: alice.xid, serial: 3 }),
      voteOf(stranger, { approver: alice.xid, serial: 3, epoch: 9 }),
    ];
    expect(held(twice, { ...polling, approvers })).toBe('yes: alice; no: ');
    expect(held([...twice, voteOf(alice, says('no', 4))], { ...polling, approvers })).toBe(
      'yes: ; no: alice',
    );
  });

  test('are those with the highest serial, in whatever order they come', () => {
    const [yes, no, back] = [
      voteOf(alice, says('yes', 1)),
      voteOf(alice, says('no', 2)),
      voteOf(alice, says('takeBack', 3)),
    ];
    expect(held([no, yes])).toBe('yes: ; no: alice');
    expect(held([yes, no])).toBe('yes: ; no: alice');
    expect(held([back, no, yes])).toBe('yes: ; no: ');
    expect(held([voteOf(alice, says('yes', 4)), back, no, yes])).toBe('yes: alice; no: ');
  });

  test('are no older yes that comes back when the statement over it does not count', () => {
    const later = (more: object) =>
      held([voteOf(alice, says('yes', 1)), voteOf(alice, { ...says('no', 2), ...more })]);
    expect(later({ expiresAt: NOW })).toBe('yes: ; no: ');
    expect(later({ termsHash: filled(99) })).toBe('yes: ; no: ');
    expect(later({ audience: [filled(11)] })).toBe('yes: ; no: ');
  });

  test('P3: take no notice of what was said in another matter, or with another key', () => {
    const others = [{ matterId: filled(99) }, { matter: 'export' as const }, { keyId: filled(99) }];
    for (const more of others)
      expect(held([voteOf(alice), voteOf(alice, { ...says('no', 9), ...more })])).toBe('yes: alice; no: ');
  });

  test('with one serial twice are the more careful statement: whoever stole a key takes no no away', () => {
    const most = 0xffff_ffff;
    const ordered = (['yes', 'takeBack', 'no'] as const).map((verdict) => voteOf(alice, says(verdict, most)));
    for (const [at, vote] of ordered.entries())
      for (const [other, before] of ordered.entries()) expect(supersedes(vote, before)).toBe(at > other);
    expect(held(ordered)).toBe('yes: ; no: alice');
    expect(held(ordered.toReversed())).toBe('yes: ; no: alice');
  });

  test('P3: are none of who asks, nor of those whom the matter takes away', () => {
    const yes = (who: Identity) => voteOf(who, { requester: alice.xid });
    const on = { ...polling, ballot: { ...polling.ballot, requester: alice.xid } };
    expect(held([alice, bob].map(yes), on)).toBe('yes: bob; no: ');
    const without = { ...polling, without: [bob.xid] };
    expect(held([voteOf(alice), voteOf(bob, says('no'))], without)).toBe('yes: alice; no: ');
  });

  test('are the same in whatever order votes come, and however often', () => {
    const pool = [alice, bob, carol, phone].flatMap((who) =>
      (['yes', 'no', 'takeBack'] as const).flatMap((verdict) =>
        [1, 2].flatMap((serial) => [
          voteOf(who, says(verdict, serial)),
          voteOf(who, { ...says(verdict, serial), expiresAt: NOW + 60 }),
        ]),
      ),
    );
    const some = fc.array(fc.constantFrom(...pool), { maxLength: 8 });
    fc.assert(
      fc.property(some, some, (votes, others) => {
        const all = [...votes, ...others];
        expect(held([...others, ...votes, ...votes].toReversed())).toBe(held(all));
        for (const a of all) for (const b of all) expect(supersedes(a, b) && supersedes(b, a)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});

/** Who says what of what a server has kept, of votes that came one after the other. */
function heardOf(votes: readonly SignedVote[], on: Polling = polling): string {
  let kept: KeptVotes<SignedVote> = NOTHING_KEPT;
  const isIt = () => false;
  for (const vote of votes)
    if (judgeVote(vote, on, isIt) === null || isNoBesides(vote, on, isIt))
      kept = hearVote(kept, vote, on) ?? kept;
  return held(
    [kept.counted, kept.besides].filter((vote) => vote !== null),
    on,
  );
}

describe('a yes that was withdrawn', () => {
  const MATTERS: readonly VoteMatter[] = ['request', 'export', 'thaw', 'terms', 'order', 'case'];
  const on = (matter: VoteMatter): Polling => ({ ...polling, ballot: { ...polling.ballot, matter } });
  /** What may be wrong with a statement at one server, and not at the one that showed what it is about. */
  const WRONG: readonly object[] = [
    { expiresAt: NOW },
    { expiresAt: polling.ballot.expiresAt + 1 },
    { issuedAt: NOW + 3_000 },
    { termsHash: filled(99) },
    { audience: [filled(11)] },
    { payloadHash: filled(99) },
    { requester: alice.xid },
  ];

  test('counts no more where it is taken back with an end, terms or content that are not those of this server', () => {
    for (const wrong of WRONG) {
      const back = voteOf(alice, { ...says('takeBack', 2), ...wrong });
      expect(heardOf([voteOf(alice), back])).toBe('yes: ; no: ');
      expect(heardOf([back, voteOf(alice)])).toBe('yes: ; no: ');
      const no = voteOf(alice, { ...says('no', 2), ...wrong });
      expect(heardOf([voteOf(alice), no])).toMatch(/^yes: ; no: /);
      expect(heardOf([no, voteOf(alice)])).toMatch(/^yes: ; no: /);
    }
  });

  test('is not withdrawn by anybody else, nor in another matter or of another key', () => {
    const others = [{ matterId: filled(99) }, { matter: 'thaw' as const }, { keyId: filled(99) }];
    for (const verdict of ['no', 'takeBack'] as const) {
      for (const more of others)
        expect(heardOf([voteOf(alice), voteOf(alice, { ...says(verdict, 2), ...more })])).toBe(
          'yes: alice; no: ',
        );
      expect(heardOf([voteOf(alice), voteOf(bob, { ...says(verdict, 2), approver: alice.xid })])).toBe(
        'yes: alice; no: ',
      );
    }
  });

  test('counts nowhere in any matter, in whatever order and however often what he said comes', () => {
    const said = fc.record({
      verdict: fc.constantFrom('yes', 'no', 'takeBack' as const),
      serial: fc.integer({ min: 1, max: 5 }),
      wrong: fc.constantFrom({}, {}, ...WRONG),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...MATTERS),
        fc
          .array(said, { minLength: 1, maxLength: 7 })
          .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        (matter, [all, shuffled]) => {
          const votesOf = (some: typeof all) =>
            some.map(({ verdict, serial, wrong }) => voteOf(alice, { matter, verdict, serial, ...wrong }));
          const [votes, others] = [votesOf(all), votesOf(shuffled)];
          const after = heardOf([...others, ...others.slice(0, 2)], on(matter));
          expect(after).toBe(heardOf(votes, on(matter)));
          const withdrawn = Math.max(0, ...all.map((one) => (one.verdict === 'yes' ? 0 : one.serial)));
          const isYes = all.some(({ verdict, serial }) => verdict === 'yes' && serial > withdrawn);
          if (!isYes) expect(after).toMatch(/^yes: ; no: /);
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('P3: whoever asks has no say, under whichever of his keys he is listed', () => {
  const silent = (more: Partial<Polling>) => [...silentIn({ ...polling, ...more })];
  expect(silent({})).toEqual([]);
  expect(silent({ approvers: [voter('alice', alice, phone), voter('bob', bob)] })).toEqual(['alice']);
  expect(silent({ without: [carol.xid] })).toEqual(['carol']);
  // Who signs by other keys than the one that his XID was made of is known by his XID.
  expect(silent({ approvers: [{ ...voter('bob', stranger), xid: bob.xid }], without: [bob.xid] })).toEqual([
    'bob',
  ]);
});

/** As two of the three people are asked by a rule of the terms. */
describe('votes that hold, counted for a rule', () => {
  const rule = { needed: 2, of: ['alice', 'bob', 'carol'] };
  const counted = (votes: readonly SignedVote[], on: Polling = polling) =>
    countVotes(rule, holdVotes(votes, on), silentIn(on));

  test('meet it by as many yeses as it needs, and end it by noes', () => {
    expect(counted([voteOf(alice)])).toMatchObject({ missing: 1, silent: ['bob', 'carol'], isOver: false });
    expect(counted([voteOf(alice), voteOf(carol)])).toMatchObject({ missing: 0, isOver: false });
    const noes = [voteOf(bob, says('no')), voteOf(carol, says('no'))];
    expect(counted([voteOf(alice), noes[0]!]).isOver).toBe(false);
    expect(counted([voteOf(alice), ...noes])).toMatchObject({ noes: ['bob', 'carol'], isOver: true });
  });

  test('P3: leave out whoever asks: one no of the two who are left ends it', () => {
    const on = {
      ...polling,
      approvers: [voter('alice', alice, phone), voter('bob', bob), voter('carol', carol)],
    };
    expect(
      counted(
        [alice, bob].map((who) => voteOf(who)),
        on,
      ),
    ).toMatchObject({ missing: 1, silent: ['carol'] });
    expect(counted([voteOf(bob, says('no'))], on).isOver).toBe(true);
    expect(counted([], { ...on, without: [bob.xid] }).isOver).toBe(true);
  });
});

describe('noes in words', () => {
  const why = (reason: string) => ({ reasons: new Map([['bob', reason]]) });

  test('have the reason of whoever says one, and no more of it than fits into a line', () => {
    expect(noesInWords(['bob', 'cy'], why('call me first'))).toBe('bob (“call me first”), cy said no');
    expect(noesInWords(['cy'], why('call me first'))).toBe('cy said no');
    expect(noesInWords(['bob'], why('😀'.repeat(120)))).toBe(`bob (“${'😀'.repeat(80)}…”) said no`);
    const many = Array.from({ length: 8 }, (_, at) => `somebody-with-a-long-name-${at}`);
    expect(noesInWords([...many, 'bob'], why('call me first'))).toBe(
      `${[...many, 'bob'].join(', ')} said no`,
    );
  });
});
