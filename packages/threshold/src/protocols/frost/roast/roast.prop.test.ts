import { encodeUtf8 } from '@ckm/foundation';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deriveKey, NO_TWEAK } from '../../../hd/index.js';
import { dealKey } from '../fixtures/dealer.js';
import { type Behaviour, createTestServer, driveRoast, honest, silent } from '../fixtures/roast-driver.js';
import { party } from '../fixtures/signing.js';
import { verifySignature } from '../verify-signature.js';
import { type RoastEvent, roastReceive, startRoast } from './index.js';

const tasks = [{ message: encodeUtf8('whatever the others do'), tweak: NO_TWEAK }];

const KINDS: Record<string, Behaviour> = {
  silent,
  malformed: ({ party }, attempt) => ({ kind: 'shares', party, attempt, shares: [], next: null }),
  wrong: (server, attempt) => ({
    kind: 'shares',
    party: server.party,
    attempt,
    shares: [new Uint8Array(32).fill(2)],
    next: server.commit(),
  }),
  'wrong and mute': ({ party }, attempt) => ({
    kind: 'shares',
    party,
    attempt,
    shares: [new Uint8Array(32)],
    next: null,
  }),
  'right, then bad commitments': (server, attempt, packages) => ({
    kind: 'shares',
    party: server.party,
    attempt,
    shares: server.sign(packages),
    next: [{ hiding: new Uint8Array(32), binding: new Uint8Array(32) }],
  }),
  'right once, then silent': (server, attempt, packages) =>
    attempt > 1
      ? null
      : {
          kind: 'shares',
          party: server.party,
          attempt,
          shares: server.sign(packages),
          next: server.commit(),
        },
  declining: ({ party }) => ({ kind: 'declined', party, code: 'POLICY_DENIED' }),
  'in the wrong attempt': (server, attempt, packages) => ({
    kind: 'shares',
    party: server.party,
    attempt: attempt + 1,
    shares: server.sign(packages),
    next: server.commit(),
  }),
};

const cases = fc
  .record({ needed: fc.integer({ min: 2, max: 4 }), more: fc.integer({ min: 0, max: 3 }) })
  .chain(({ needed, more }) =>
    fc.record({
      needed: fc.constant(needed),
      of: fc.constant(needed + more),
      // As many as can be bad, each in its own way, at any place.
      bad: fc.array(fc.constantFrom(...Object.keys(KINDS)), { minLength: more, maxLength: more }),
      seats: fc.shuffledSubarray(
        Array.from({ length: needed + more }, (_, i) => i),
        { minLength: more, maxLength: more },
      ),
      order: fc.array(fc.nat(30), { minLength: 40, maxLength: 40 }),
    }),
  );

test(
  'V70: an honest quorum signs after at most n − t + 1 attempts, whatever the others do, in any order',
  { tags: 'slow' },
  () => {
    fc.assert(
      fc.property(cases, ({ needed, of, bad, seats, order }) => {
        const dealt = dealKey({ suite: 'ed25519', needed, of });
        const behaviours = Array.from({ length: of }, () => honest);
        seats.forEach((seat, i) => (behaviours[seat] = KINDS[bad[i]!]!));
        let turn = 0;
        const run = driveRoast({ dealt, tasks, behaviours, pick: () => order[turn++ % order.length]! });
        const { groupKey } = deriveKey(dealt.public, NO_TWEAK);
        expect(run.signatures).toHaveLength(1);
        expect(verifySignature('ed25519', groupKey, tasks[0]!.message, run.signatures![0]!)).toBe(true);
        expect(run.attempts).toBeLessThanOrEqual(of - needed + 1);
        const honestSeats = behaviours.flatMap((behaviour, i) => (behaviour === honest ? [i + 1] : []));
        for (const [blamed] of run.faulty) expect(honestSeats).not.toContain(blamed);
      }),
      { numRuns: 40 },
    );
  },
);

const anyEvent = fc.record(
  {
    kind: fc.oneof(fc.constantFrom('commitments', 'shares', 'stale', 'declined', 'impatient'), fc.anything()),
    party: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.anything()),
    attempt: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.anything()),
    commitments: fc.anything(),
    shares: fc.anything(),
    next: fc.anything(),
    code: fc.anything(),
  },
  { requiredKeys: ['kind'] },
);

test('V10, V70: no sequence of garbage makes the coordinator throw, or finish without signatures', () => {
  const dealt = dealKey({ suite: 'ed25519', needed: 2, of: 3 });
  const supply = [1, 2, 3].map((index) => ({
    party: party(index),
    commitments: createTestServer(dealt, index, tasks).commit(),
  }));
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 12 }), fc.boolean(), (events, supplied) => {
      const started = startRoast({ parent: dealt.public, tasks, supply: supplied ? supply : [] });
      let { state } = started;
      const actions = events.flatMap((event) => {
        const step = roastReceive(state, event as RoastEvent);
        ({ state } = step);
        return step.actions;
      });
      expect(actions.filter(({ kind }) => kind === 'finished')).toEqual([]);
      expect(state.attempts.length).toBeLessThanOrEqual(5);
    }),
    { numRuns: 100 },
  );
});
