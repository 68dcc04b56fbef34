// @module-tag long
import { encodeUtf8, Secret, wipe } from '@ckm/foundation';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { groupNamed } from '../group/index.js';
import type * as hashes from '../hash/index.js';
import { deriveKey, NO_TWEAK } from '../hd/index.js';
import { createStaticKey, groupOfSuite, recoverShare, SUITE_NAMES, type SuiteName } from '../key/index.js';
import type { PartyIndex, Step } from '../protocol/contract.js';
import { bytesOf, createCeremony } from './dkg/fixtures/parties.js';
import { type DkgMessage, type DkgOutput, dkgProtocol, type DkgState } from './dkg/index.js';
import { commitNonces, signShare } from './frost/index.js';
import { generate as generateEpoch, propose } from './reshare/fixtures/changes.js';
import {
  type ReshareMessage,
  type ReshareOutput,
  reshareProtocol,
  type ReshareState,
} from './reshare/index.js';
import { createRepair, generateKey } from './repair/fixtures/lost-share.js';
import { repairProtocol, type RepairState } from './repair/index.js';

/**
 * Every buffer that held a secret: results of arithmetic with secrets, of hashes over secrets, of Diffie–Hellman, and
 * whatever secret scalars were read from. Followed by content: what is computed from a secret is one, until it is published.
 */
const memory = vi.hoisted(() => {
  const buffers: { readonly what: string; readonly bytes: Uint8Array }[] = [];
  const secrets = new Set<string>();
  const published = new Set<string>();
  const name = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const isSecret = (value: unknown) => value instanceof Uint8Array && secrets.has(name(value));
  const keep = (what: string, bytes: Uint8Array) => {
    buffers.push({ what, bytes });
    secrets.add(name(bytes));
  };
  const forget = () => {
    buffers.length = 0;
    secrets.clear();
    published.clear();
  };
  return { buffers, published, name, isSecret, keep, forget };
});

vi.mock('../hash/index.js', async (original) => {
  const actual = await original<typeof hashes>();
  const watch = <A extends readonly [string, ...Uint8Array[]]>(hash: (...given: A) => Uint8Array) =>
    ((...given: A) => {
      const isOfSecret = given.some(memory.isSecret);
      const digest = hash(...given);
      // The checksum of a share is kept on purpose: a hash of 256 secret bits tells nothing of them.
      const isChecksum = given[0] === 'CKM/frost/own-share/v1';
      if (isOfSecret && !isChecksum) memory.keep(`hash ${given[0]}`, digest);
      return digest;
    }) as never;
  return {
    ...actual,
    hash: watch(actual.hash as never),
    taggedHash: watch(actual.taggedHash as never),
    taggedHash64: watch(actual.taggedHash64 as never),
  };
});

function watchGroup(suite: SuiteName): void {
  const group = groupNamed(groupOfSuite(suite));
  const { scalars } = group;
  for (const operation of ['add', 'subtract', 'multiply', 'negate'] as const) {
    const original = scalars[operation].bind(scalars) as (...given: unknown[]) => Uint8Array;
    vi.spyOn(scalars, operation).mockImplementation(((...given: unknown[]) => {
      const isOfSecret = given.some(memory.isSecret);
      const result = original(...given);
      if (isOfSecret) memory.keep(operation, result);
      return result;
    }) as never);
  }
  for (const operation of ['parseSecret', 'reduceSecret'] as const) {
    const original = scalars[operation].bind(scalars);
    vi.spyOn(scalars, operation).mockImplementation((bytes) => {
      memory.keep(`source of ${operation}`, bytes);
      const scalar = original(bytes);
      memory.keep(operation, scalar);
      return scalar;
    });
  }
  const publish = scalars.publish.bind(scalars);
  vi.spyOn(scalars, 'publish').mockImplementation((value, why) => {
    memory.published.add(memory.name(value));
    return publish(value, why);
  });
  const agree = group.agree.bind(group);
  vi.spyOn(group, 'agree').mockImplementation((scalar) => {
    const agreement = agree(scalar);
    const watched = (point: Uint8Array) => {
      memory.keep('Diffie–Hellman', point);
      return point;
    };
    return {
      pointWith: (encoded) => watched(agreement.pointWith(encoded)),
      pointWithOwn: (other) => watched(agreement.pointWithOwn(other)),
      end: agreement.end,
    };
  });
}

/** What is left of secrets. Taproot keys: a share may be the same bytes as a public number, never the other way round. */
function leftOver(): string[] {
  const isGone = (bytes: Uint8Array) => bytes.every((byte) => byte === 0);
  return memory.buffers
    .filter(({ bytes }) => !isGone(bytes) && !memory.published.has(memory.name(bytes)))
    .map(({ what, bytes }) => `${what} (${bytes.length} bytes)`);
}

/** What whoever runs the protocol does with a state that was stored, or is over. */
function wipeState(state: DkgState): void {
  const held: Secret<Uint8Array>[] =
    state.round === 2
      ? [state.share]
      : state.round === 1
        ? [state.staticSecret, state.staticPoints, state.hedge]
        : [state.staticSecret, state.root];
  for (const one of held) wipe(one);
}

/** A run of two. Each state is stored, overwritten, and read from storage for the next step, as a server does it. */
function generate(suite: SuiteName): DkgOutput {
  const ceremony = createCeremony(suite, { needed: 2, of: 2 }, 'memory');
  watchGroup(suite);
  const parties = [1, 2] as PartyIndex[];
  const store = (step: Step<DkgState, DkgMessage, DkgOutput>) => {
    if (step.kind !== 'waiting') throw new Error(step.kind);
    const stored = dkgProtocol.state.encode(step.state);
    wipeState(step.state);
    return { stored, said: step.outbox[0]!.body };
  };
  let states = parties.map((me) => {
    const { staticSecret } = staticKeyOf(suite, me === 1 ? 'alpha' : 'bravo');
    const step = dkgProtocol.start({ key: ceremony.params, me, staticSecret }, ceremony.seedOf(me));
    wipe(staticSecret);
    return store(step);
  });
  const advance = (i: number, round: number) => {
    const state = dkgProtocol.state.decode(states[i]!.stored);
    const step = dkgProtocol.advance(state, [{ from: parties[1 - i]!, round, body: states[1 - i]!.said }]);
    return { state, step };
  };
  for (const round of [0, 1]) {
    states = parties.map((_, i) => {
      const { state, step } = advance(i, round);
      const next = store(step);
      wipeState(state);
      return next;
    });
  }
  const { step } = advance(0, 2);
  if (step.kind !== 'finished') throw new Error(step.kind);
  return step.output;
}

/** A change by two who both deal and receive, each state stored and overwritten. What they began with is overwritten, too. */
function reshare(suite: SuiteName): ReshareOutput {
  const epoch = generateEpoch(suite, { needed: 2, of: 2 });
  const change = propose(epoch, { dealers: ['alpha', 'bravo'], members: ['bravo', 'alpha'], needed: 2 });
  watchGroup(suite);
  const wipeReshare = (state: ReshareState) => {
    const held = state.round === 0 ? [state.receives!.staticSecret, state.receives!.hedge] : [state.share!];
    for (const one of held) wipe(one);
  };
  const store = (step: Step<ReshareState, ReshareMessage, ReshareOutput>) => {
    if (step.kind !== 'waiting') throw new Error(step.kind);
    const stored = reshareProtocol.state.encode(step.state);
    wipeReshare(step.state);
    return { stored, said: step.outbox[0]!.body };
  };
  const started = change.parties.map((me) =>
    store(reshareProtocol.start(change.paramsOf(me), change.seedOf(me))),
  );
  for (const { share, staticSecret } of epoch.held.values()) {
    wipe(share.share);
    wipe(staticSecret);
  }
  const prepared = change.parties.map((_, i) => {
    const state = reshareProtocol.state.decode(started[i]!.stored);
    const inbox = [{ from: change.parties[1 - i]!, round: 0, body: started[1 - i]!.said }];
    const step = store(reshareProtocol.advance(state, inbox));
    wipeReshare(state);
    return step;
  });
  const last = [{ from: change.parties[1]!, round: 1, body: prepared[1]!.said }];
  const step = reshareProtocol.advance(reshareProtocol.state.decode(prepared[0]!.stored), last);
  if (step.kind !== 'finished') throw new Error(step.kind);
  return step.output;
}

/** A repair of slot 3 by two helpers, each state stored and read again, and overwritten when all is over. */
function repair(suite: SuiteName) {
  const held = generateKey(suite, { needed: 2, of: 3 }, 'memory');
  watchGroup(suite);
  const { paramsOf, sealingSecret } = createRepair(held, 3, [1, 2]);
  const parties = [1, 2, 3] as PartyIndex[];
  const spent: RepairState[] = [];
  let steps = parties.map((me) => repairProtocol.start(paramsOf(me), bytesOf(`seed of ${me}`)));
  for (let round = 0; round < 3; round++) {
    const inbox = steps.flatMap((step, i) =>
      step.kind === 'aborted' ? [] : step.outbox.map(({ body }) => ({ from: parties[i]!, round, body })),
    );
    steps = steps.map((step) => {
      if (step.kind !== 'waiting') return step;
      const state = repairProtocol.state.decode(repairProtocol.state.encode(step.state));
      spent.push(step.state, state);
      return repairProtocol.advance(state, inbox);
    });
  }
  for (const state of spent) {
    for (const field of Object.values(state)) if (field instanceof Secret) wipe(field);
  }
  const target = steps[2]!;
  if (target.kind !== 'finished' || target.output.role !== 'target') throw new Error(target.kind);
  return { held, sealingSecret, repaired: target.output.share };
}

function staticKeyOf(suite: SuiteName, name: string) {
  return createStaticKey(suite, bytesOf('key memory'), 0, bytesOf(`static seed of ${name}`));
}

afterEach(() => {
  vi.restoreAllMocks();
  memory.forget();
});

describe.each(SUITE_NAMES)('of the secrets of suite %s, nothing is left in memory', (suite) => {
  test('after key generation', () => {
    const output = generate(suite);
    expect(memory.buffers.length).toBeGreaterThan(40);
    wipe(output.share.share);
    expect(leftOver()).toEqual([]);
  });

  test('after signing', () => {
    const output = generate(suite);
    const { share } = output;
    const { staticSecret } = staticKeyOf(suite, 'bravo');
    const other = recoverShare(output.certificate, staticSecret);
    wipe(staticSecret);
    memory.buffers.length = 0;
    const random = (label: string) =>
      new Uint8Array([...bytesOf(`${label} one`), ...bytesOf(`${label} two`)]);
    const signers = [share, other.share].map((one, i) => ({
      share: one,
      ...commitNonces({
        suite,
        party: one.party,
        share: one.share,
        random: random(`${i}`),
        context: encodeUtf8('context'),
      }),
    }));
    const key = deriveKey(share.public, NO_TWEAK);
    const signing = {
      message: encodeUtf8('message'),
      commitments: signers.map(({ commitment }) => commitment),
    };
    for (const { share: own, nonces } of signers) signShare({ key, share: own, nonces, package: signing });
    expect(memory.buffers.length).toBeGreaterThan(10);
    wipe(share.share);
    wipe(other.share.share);
    expect(leftOver()).toEqual([]);
  });

  test('after resharing', () => {
    const output = reshare(suite);
    expect(memory.buffers.length).toBeGreaterThan(40);
    wipe(output.share!.share);
    expect(leftOver()).toEqual([]);
  });

  test('after a repair', () => {
    const { held, sealingSecret, repaired } = repair(suite);
    expect(memory.buffers.length).toBeGreaterThan(40);
    for (const { share } of held.shares) wipe(share);
    for (const one of [sealingSecret, repaired.share]) wipe(one);
    expect(leftOver()).toEqual([]);
  });

  test('after recovery, also one that fails', () => {
    const output = generate(suite);
    wipe(output.share.share);
    memory.buffers.length = 0;
    const own = staticKeyOf(suite, 'alpha').staticSecret;
    const { share } = recoverShare(output.certificate, own);
    const strange = staticKeyOf(suite, 'mallory').staticSecret;
    expect(() => recoverShare(output.certificate, strange)).toThrow();
    for (const held of [own, strange, share.share]) wipe(held);
    expect(memory.buffers.length).toBeGreaterThan(5);
    expect(leftOver()).toEqual([]);
  });
});

test('the watch sees what is left: a secret that nobody overwrites is reported', () => {
  watchGroup('ed25519');
  const { scalars } = groupNamed('ed25519');
  const kept = scalars.parseSecret(new Uint8Array(32).fill(1));
  scalars.add(kept, kept);
  expect(leftOver()).toEqual([
    'source of parseSecret (32 bytes)',
    'parseSecret (32 bytes)',
    'add (32 bytes)',
  ]);
});
