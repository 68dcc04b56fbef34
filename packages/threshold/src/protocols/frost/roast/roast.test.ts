import { encodeUtf8 } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { deriveKey, NO_TWEAK } from '../../../hd/index.js';
import { dealKey } from '../fixtures/dealer.js';
import {
  type Behaviour,
  createTestServer,
  driveRoast,
  honest,
  owedShares,
  silent,
} from '../fixtures/roast-driver.js';
import { party } from '../fixtures/signing.js';
import { verifySignature } from '../verify-signature.js';
import { roastReceive, roastWanting, startRoast } from './index.js';
import type { RoastEvent, RoastState, RoastStep, RoastTask } from './state.js';

const dealt = dealKey({ suite: 'secp256k1-tr', needed: 2, of: 3 });
const tasks: RoastTask[] = [
  { message: encodeUtf8('input 0'), tweak: { path: [0, 1], taproot: { merkleRoot: null } } },
  { message: encodeUtf8('input 1'), tweak: { path: [1, 4], taproot: { merkleRoot: null } } },
];
const one: RoastTask[] = [{ message: encodeUtf8('one'), tweak: NO_TWEAK }];

const garbage: Behaviour = ({ party: from }, attempt) => ({
  kind: 'shares',
  party: from,
  attempt,
  shares: [new Uint8Array(32).fill(255)],
  next: null,
});
const wrong: Behaviour = (server, attempt) => {
  const shares = server.commit().map(() => new Uint8Array(32).fill(1));
  return { kind: 'shares', party: server.party, attempt, shares, next: server.commit() };
};

function expectSignatures(
  run: { signatures: readonly Uint8Array[] | null },
  of = dealt,
  asked = tasks,
): void {
  expect(run.signatures).toHaveLength(asked.length);
  run.signatures!.forEach((signature, i) => {
    const { groupKey } = deriveKey(of.public, asked[i]!.tweak);
    expect(verifySignature(of.public.suite, groupKey, asked[i]!.message, signature)).toBe(true);
  });
}

describe('a request of several signatures', () => {
  test('is one attempt of a quorum when all are honest', () => {
    const run = driveRoast({ dealt, tasks, behaviours: [honest, honest, honest] });
    expect([run.attempts, run.faulty, run.exhausted]).toEqual([1, [], false]);
    expectSignatures(run);
  });

  test('opens at once with commitments at hand, with the parties that come first', () => {
    const servers = [1, 2, 3].map((index) => createTestServer(dealt, index, tasks));
    const supply = [3, 1, 2].map((index) => ({
      party: party(index),
      commitments: servers[index - 1]!.commit(),
    }));
    const { state, actions } = startRoast({ parent: dealt.public, tasks, supply });
    expect(actions).toMatchObject([{ kind: 'open-attempt', attempt: 1, parties: [1, 3] }]);
    expect(owedShares(state)).toEqual([
      { party: 1, attempt: 1 },
      { party: 3, attempt: 1 },
    ]);
    expect(roastWanting(state)).toEqual([]);
  });

  test('asks for what it has no commitments of', () => {
    const supply = [{ party: party(2), commitments: createTestServer(dealt, 2, tasks).commit() }];
    const { state, actions } = startRoast({ parent: dealt.public, tasks, supply });
    expect([roastWanting(state), actions]).toEqual([[1, 3], []]);
  });

  test('without anything to sign, or with a path that does not exist, is refused at once', () => {
    expect(() => startRoast({ parent: dealt.public, tasks: [] })).toThrow(
      expect.objectContaining({ code: 'TASKS_MISSING' }),
    );
    const hardened = [{ message: new Uint8Array(1), tweak: { path: [2 ** 31], taproot: null } }];
    expect(() => startRoast({ parent: dealt.public, tasks: hardened })).toThrow(
      expect.objectContaining({ code: 'PATH_HARDENED' }),
    );
  });
});

describe('servers that misbehave', () => {
  test('V70: one that stays silent does not stop the others', () => {
    const run = driveRoast({ dealt, tasks, behaviours: [silent, honest, honest] });
    expect([run.attempts, run.faulty]).toEqual([2, []]);
    expectSignatures(run);
  });

  test('V70: one that sends garbage is named and left out', () => {
    const run = driveRoast({ dealt, tasks, behaviours: [honest, garbage, honest] });
    expect([run.attempts, run.faulty]).toEqual([2, [[2, 'FAULT_MALFORMED']]]);
    expectSignatures(run);
  });

  test('V40, V70: one that sends wrong shares is named and left out', () => {
    const run = driveRoast({ dealt, tasks, behaviours: [wrong, honest, honest] });
    expect([run.attempts, run.faulty]).toEqual([2, [[1, 'FAULT_SHARE_INVALID']]]);
    expectSignatures(run);
  });

  test('V40: several liars in one attempt are all named', () => {
    const big = dealKey({ suite: 'ed25519', needed: 3, of: 5 });
    const run = driveRoast({ dealt: big, tasks: one, behaviours: [wrong, wrong, honest, honest, honest] });
    expect(run.faulty).toEqual([
      [1, 'FAULT_SHARE_INVALID'],
      [2, 'FAULT_SHARE_INVALID'],
    ]);
    expect(run.attempts).toBe(2);
    expectSignatures(run, big, one);
  });

  test('V70: a liar beside a silent party is found before it can spoil a second attempt', () => {
    const big = dealKey({ suite: 'ed25519', needed: 3, of: 5 });
    const run = driveRoast({ dealt: big, tasks: one, behaviours: [wrong, silent, honest, honest, honest] });
    expect(run.faulty).toEqual([[1, 'FAULT_SHARE_INVALID']]);
    expect(run.attempts).toBe(2);
    expectSignatures(run, big, one);
  });

  test('one that was restarted has one excuse, and none for the second time', () => {
    const stale: Behaviour = (server, attempt) => ({
      kind: 'stale',
      party: server.party,
      attempt,
      next: server.commit(),
    });
    let restarts = 0;
    const once: Behaviour = (...given) => (restarts++ === 0 ? stale(...given) : honest(...given));
    const recovered = driveRoast({ dealt, tasks, behaviours: [once, honest, silent] });
    // Attempt 1 fails by the restart, attempt 2 by the silent party.
    expect([recovered.faulty, recovered.attempts]).toEqual([[], 3]);
    expectSignatures(recovered);
    const never = driveRoast({ dealt, tasks, behaviours: [stale, honest, silent] });
    expect([never.faulty, never.signatures]).toEqual([[[1, 'SUSPECT_NONCES_LOST']], null]);
  });

  test('fewer than the quorum left is the end', () => {
    const declines: Behaviour = ({ party: from }) => ({
      kind: 'declined',
      party: from,
      code: 'POLICY_LIMIT',
    });
    const run = driveRoast({ dealt, tasks, behaviours: [declines, garbage, honest] });
    expect([run.exhausted, run.signatures]).toEqual([true, null]);
    expect(run.state.outcome).toEqual({ signatures: null });
    expect(run.state.members[0]!.status).toEqual({ kind: 'excluded', code: 'POLICY_LIMIT' });
  });
});

describe('messages out of turn', () => {
  const open = () => {
    const servers = [1, 2, 3].map((index) => createTestServer(dealt, index, one));
    const supply = servers.map((server) => ({ party: server.party, commitments: server.commit() }));
    const step = startRoast({ parent: dealt.public, tasks: one, supply });
    const [opened] = step.actions;
    if (opened?.kind !== 'open-attempt') throw new Error('no attempt');
    return { servers, opened, state: step.state };
  };
  const unchanged = (state: RoastState, event: RoastEvent) => {
    const step = roastReceive(state, event);
    expect(step.actions).toEqual([]);
    expect(step.state).toEqual(state);
  };

  test('V70, V10: for another attempt, from nobody, or from a party that owes nothing, change nothing', () => {
    const { state, opened, servers } = open();
    const shares = servers[0]!.sign(opened.packages);
    const good = { kind: 'shares', party: party(1), attempt: 1, shares, next: null } as const;
    unchanged(state, { ...good, attempt: 2 });
    unchanged(state, { ...good, attempt: 0 });
    unchanged(state, { ...good, party: party(3) });
    for (const stranger of [0, 4, -1, 1.5, Number.NaN, '__proto__', 'constructor', undefined, null]) {
      unchanged(state, { ...good, party: stranger as never });
      unchanged(state, { kind: 'commitments', party: stranger as never, commitments: servers[0]!.commit() });
      unchanged(state, { kind: 'declined', party: stranger as never, code: 'NO' });
      unchanged(state, { kind: 'stale', party: stranger as never, attempt: 1, next: null });
    }
    unchanged(state, { kind: 'commitments', party: party(3), commitments: servers[2]!.commit() });
    unchanged(state, { kind: 'commitments', party: party(1), commitments: servers[0]!.commit() });
  });

  test('V70: the same answer twice counts once', () => {
    const { state, opened, servers } = open();
    const shares = servers[0]!.sign(opened.packages);
    const answer = { kind: 'shares', party: party(1), attempt: 1, shares, next: null } as const;
    const answered = roastReceive(state, answer).state;
    unchanged(answered, answer);
    unchanged(answered, { ...answer, shares: [new Uint8Array(32)] });
  });

  test('V70: used commitments that are delivered again do not bring an honest party into a second attempt', () => {
    const { state, opened, servers } = open();
    const [{ commitments }] = opened.packages as [(typeof opened.packages)[number]];
    const old = commitments.filter((one) => one.party === 1);
    const shares = servers[0]!.sign(opened.packages);
    const answer = { kind: 'shares', party: party(1), attempt: 1, shares } as const;
    const answered = roastReceive(state, { ...answer, next: null }).state;
    unchanged(answered, { kind: 'commitments', party: party(1), commitments: old });
    expect(roastReceive(state, { ...answer, next: old }).state).toEqual(answered);
    const fresh = servers[0]!.commit();
    const ready = roastReceive(answered, { kind: 'commitments', party: party(1), commitments: fresh }).state;
    expect(ready.members[0]!.status.kind).toBe('ready');
  });

  test('after the end nothing changes any more', () => {
    const { state, opened, servers } = open();
    const finished = [1, 2].reduce<RoastStep>(
      (step, index) => {
        const shares = servers[index - 1]!.sign(opened.packages);
        return roastReceive(step.state, {
          kind: 'shares',
          party: party(index),
          attempt: 1,
          shares,
          next: null,
        });
      },
      { state, actions: [] },
    );
    expect(finished.actions).toMatchObject([{ kind: 'finished' }]);
    unchanged(finished.state, { kind: 'impatient' });
    unchanged(finished.state, { kind: 'declined', party: party(3), code: 'NO' });
  });

  test('V4, V5, V6: commitments that are not one good pair for each task exclude their sender', () => {
    const { servers } = open();
    const [pair] = servers[1]!.commit();
    const bad: unknown[] = [
      [],
      [pair, pair],
      pair,
      null,
      'text',
      { length: 1, 0: pair },
      [null],
      [{}],
      [{ ...pair!, hiding: new Uint8Array(33) }],
      [{ ...pair!, binding: pair!.binding.subarray(1) }],
      [{ hiding: pair!.hiding }],
    ];
    const { state } = startRoast({ parent: dealt.public, tasks: one });
    for (const commitments of bad) {
      const event = { kind: 'commitments', party: party(2), commitments: commitments as never } as const;
      const fault = { kind: 'faulty', party: 2, code: 'FAULT_COMMITMENT_INVALID' };
      expect(roastReceive(state, event).actions).toEqual([fault]);
    }
  });

  test('V4, V18: shares of another number or shape exclude their sender; an inner sender counts for nothing', () => {
    const { state, servers } = open();
    for (const shares of [
      [],
      [new Uint8Array(31)],
      [null],
      'text',
      null,
      [new Uint8Array(32), new Uint8Array(32)],
    ]) {
      const event = {
        kind: 'shares',
        party: party(1),
        attempt: 1,
        shares: shares as never,
        next: null,
      } as const;
      expect(roastReceive(state, event).actions).toMatchObject([
        { kind: 'faulty', party: 1, code: 'FAULT_MALFORMED' },
      ]);
    }
    const fresh = startRoast({ parent: dealt.public, tasks: one }).state;
    const commitments = servers[1]!.commit().map((pair) => ({ ...pair, party: 3 }));
    const ready = roastReceive(fresh, { kind: 'commitments', party: party(2), commitments }).state;
    expect(ready.members.map(({ status }) => status.kind)).toEqual(['absent', 'ready', 'absent']);
    const { status } = ready.members[1]!;
    expect(status.kind === 'ready' && status.commitments[0]!.party).toBe(2);
  });

  test('an unknown kind of event changes nothing', () => {
    unchanged(open().state, { kind: 'surprise' } as never);
  });
});

test('the state is plain data: a copy of it goes on like the original', () => {
  let copies = 0;
  const between = (state: RoastState) => {
    copies++;
    return structuredClone(state);
  };
  const run = driveRoast({ dealt, tasks, behaviours: [wrong, honest, honest], between });
  expect(copies).toBeGreaterThan(5);
  expectSignatures(run);
});
