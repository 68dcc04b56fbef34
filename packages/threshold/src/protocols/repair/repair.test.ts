import { encodeHex, encodeUtf8, reveal, secret } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { deriveKey, NO_TWEAK } from '../../hd/index.js';
import { SUITE_NAMES } from '../../key/cocktail/suite-name.js';
import { proveShare, verifyShareProof } from '../../key/key-check.js';
import type { KeyShare } from '../../key/public-package.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { signTogether } from '../frost/fixtures/signing.js';
import { verifySignature } from '../frost/index.js';
import {
  createRepair,
  endings,
  generateKey,
  type HeldKey,
  repairedShare,
  runRepair,
  sent,
  stateLoss,
} from './fixtures/lost-share.js';
import { findRepairFault, repairProtocol, verifyRepair } from './index.js';

const opened = (share: KeyShare) => encodeHex(reveal(share.share, 'test'));

/** Every set of at least `needed` of `parties`. */
function quorums(parties: readonly number[], needed: number): number[][] {
  const all = parties.reduce<number[][]>(
    (sets, party) => [...sets, ...sets.map((set) => [...set, party])],
    [[]],
  );
  return all.filter((set) => set.length >= needed);
}

function signWith({ key, shares }: HeldKey, parties: readonly number[], repaired: KeyShare): boolean {
  const message = encodeUtf8('signed with a repaired share');
  const mixed = shares.map((share) => (share.party === repaired.party ? repaired : share));
  const signature = signTogether({ public: key.public, shares: mixed, coefficients: [] }, parties, message);
  return verifySignature(key.params.suite, deriveKey(key.public, NO_TWEAK).groupKey, message, signature);
}

describe.each(SUITE_NAMES)('a repair in suite %s', (suite) => {
  const held = generateKey(suite, { needed: 2, of: 4 });

  it.each(quorums([1, 2, 4], 2).map((helpers) => ({ helpers })))(
    'gives slot 3 its certified share from helpers $helpers',
    ({ helpers }) => {
      const run = runRepair(createRepair(held, 3, helpers));
      const share = repairedShare(run, 3);
      expect(opened(share)).toBe(opened(held.shares[2]!));
      expect(share.public).toEqual(held.key.public);
      expect(findRepairFault(createRepair(held, 3, helpers).repair, roundsOf(run, helpers))).toBeNull();
    },
  );

  it('gives back a share that signs with any other, and proves that it is held', () => {
    const share = repairedShare(runRepair(createRepair(held, 3, [1, 2])), 3);
    expect(signWith(held, [3, 4], share)).toBe(true);
    const question = { slot: share.party, challenge: bytesOf('after the repair'), askedAt: 1 };
    const proof = proveShare(held.key, question, share.share, bytesOf('fresh'));
    expect(verifyShareProof(held.key, question, proof)).toBe(true);
  });
});

function roundsOf(run: ReturnType<typeof runRepair>, helpers: readonly number[]) {
  return [0, 1].map((round) => helpers.map((helper) => sent(run, helper, round as 0 | 1)));
}

it('every slot of a 3 of 5 is repaired by every set of helpers', { tags: 'slow' }, () => {
  const held = generateKey('ed25519', { needed: 3, of: 5 });
  for (const slot of [1, 2, 3, 4, 5]) {
    const others = [1, 2, 3, 4, 5].filter((other) => other !== slot);
    for (const helpers of quorums(others, 3)) {
      const share = repairedShare(runRepair(createRepair(held, slot, helpers)), slot);
      expect(opened(share)).toBe(opened(held.shares[slot - 1]!));
    }
  }
});

const held = generateKey('ed25519', { needed: 2, of: 4 });
const seed = bytesOf('seed of helper 1');

describe('L7: the randomness of a repair', () => {
  const base = createRepair(held, 3, [1, 2]);
  const run = runRepair(base);

  it('is the same for the same seed, so that a helper that crashed says the same again', () => {
    const again = runRepair(base);
    expect(again.wire.map(({ bytes }) => encodeHex(bytes))).toEqual(
      run.wire.map(({ bytes }) => encodeHex(bytes)),
    );
  });

  it('is fresh in a second repair, which gives the same share by other messages', () => {
    const second = runRepair(base, { seed: (party) => bytesOf(`second seed ${party}`) });
    expect(opened(repairedShare(second, 3))).toBe(opened(repairedShare(run, 3)));
    for (const helper of [1, 2]) {
      for (const round of [0, 1, 2] as const)
        expect(sent(second, helper, round)).not.toEqual(sent(run, helper, round));
    }
  });

  it.each([
    ['other helpers', createRepair(held, 3, [1, 4])],
    ['one helper more', createRepair(held, 3, [1, 2, 4])],
    ['another slot', createRepair(held, 4, [1, 2])],
    ['another statement of the same loss', createRepair(held, 3, [1, 2], 'second loss')],
    ['another key', createRepair(generateKey('ed25519', { needed: 2, of: 4 }, 'other'), 3, [1, 2])],
  ])('is another for the same seed and %s', (_, other) => {
    const repeated = runRepair(other);
    const first = sent(run, 1, 0);
    expect(sent(repeated, 1, 0).nonce).not.toEqual(first.nonce);
    expect(sent(repeated, 1, 0).runKey).not.toEqual(first.runKey);
    const parts = (from: typeof run) => {
      const { commitments } = sent(from, 1, 1);
      return Array.from({ length: commitments.length / 32 }, (__, i) =>
        encodeHex(commitments.subarray(32 * i, 32 * i + 32)),
      );
    };
    expect(parts(repeated).filter((part) => parts(run).includes(part))).toEqual([]);
  });

  it('is another for the same seed and another session, whoever brought that about', () => {
    const changed = runRepair(base, {
      seed: (party) => (party === 1 ? seed : bytesOf('of helper 2, another')),
    });
    expect(sent(changed, 1, 0)).toEqual(sent(run, 1, 0));
    expect(sent(changed, 1, 1).commitments).not.toEqual(sent(run, 1, 1).commitments);
  });
});

describe('V30: a repair is refused before anything is said', () => {
  const { loss, sealingSecret } = stateLoss(held, 3);
  const start = (helpers: readonly number[], me = 1, share = held.shares[me - 1]!.share) =>
    codeOf(() => {
      const repair = { key: held.key, loss, helpers: helpers as PartyIndex[] };
      repairProtocol.start({ role: 'helper', repair, me: me as PartyIndex, share }, seed);
    });

  it('with too few helpers, one twice, none of the roster, at x = 0, or the target among them', () => {
    expect(start([1])).toBe('PARTY_COUNT_INVALID');
    expect(start([1, 1])).toBe('PARTY_DUPLICATE');
    expect(start([1, 5])).toBe('PARTY_UNKNOWN');
    expect(start([0, 1])).toBe('PARTY_INDEX_INVALID');
    expect(start([1, 3])).toBe('REPAIR_HELPERS_INVALID');
    expect(start([1, 2])).toBe('nothing thrown');
  });

  it('by a server that does not help, or whose own share is not the certified one', () => {
    expect(start([1, 2], 4)).toBe('PARTY_MISSING');
    expect(start([1, 2], 1, held.shares[1]!.share)).toBe('SHARE_NOT_CERTIFIED');
    const damaged = reveal(held.shares[0]!.share, 'test').slice();
    damaged[0]! ^= 1;
    expect(start([1, 2], 1, secret(damaged))).toBe('SHARE_NOT_CERTIFIED');
  });

  it('by a target with another secret than the one of its statement, and with a seed that is none', () => {
    const repair = { key: held.key, loss, helpers: [1, 2] as PartyIndex[] };
    const other = stateLoss(held, 3, 'another loss').sealingSecret;
    const startTarget = (own: typeof sealingSecret, from = seed) =>
      codeOf(() => repairProtocol.start({ role: 'target', repair, sealingSecret: own }, from));
    expect(startTarget(other)).toBe('SEALING_SECRET_WRONG');
    expect(startTarget(sealingSecret, new Uint8Array(32))).toBe('SEED_INVALID');
    expect(startTarget(sealingSecret)).toBe('nothing thrown');
  });
});

it('V33: the order in which helpers are named changes nothing', () => {
  const run = runRepair(createRepair(held, 3, [1, 2, 4]));
  const shuffled = runRepair(createRepair(held, 3, [4, 1, 2]));
  expect(verifyRepair(createRepair(held, 3, [4, 1, 2]).repair).helpers).toEqual([1, 2, 4]);
  expect(endings(shuffled)).toEqual(endings(run));
  expect(sent(shuffled, 4, 1)).toEqual(sent(run, 4, 1));
});

it('the state of every party survives its codec in every round, and another is refused', () => {
  const run = runRepair(createRepair(held, 3, [1, 2]));
  const { state: codec } = repairProtocol;
  for (const bytes of [...run.states.values()].flat()) {
    expect(codec.encode(codec.decode(bytes))).toEqual(bytes);
    expect(codeOf(() => codec.decode(bytes.subarray(1)))).toBe('LAYOUT_INVALID');
    expect(codeOf(() => codec.decode(Uint8Array.of(...bytes, 0)))).toBe('LAYOUT_INVALID');
    const asOther = bytes.slice();
    asOther[0]! ^= 1;
    expect(codeOf(() => codec.decode(asOther))).toBe('LAYOUT_INVALID');
    const laterRound = bytes.slice();
    laterRound[1] = 3;
    expect(codeOf(() => codec.decode(laterRound))).toBe('LAYOUT_INVALID');
  }
  expect(run.states.get(3 as PartyIndex)).toHaveLength(3);
  const target = codec.decode(run.states.get(3 as PartyIndex)![0]!);
  expect(codeOf(() => codec.decode(codec.encode({ ...target, me: 1 as PartyIndex })))).toBe('LAYOUT_INVALID');
});
