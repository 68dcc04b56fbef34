import { describe, expect, it } from 'vitest';
import type { Decision } from '../../protocols/change/index.js';
import { bytesOf } from '../../protocols/dkg/fixtures/parties.js';
import { generate, type Wish } from '../../protocols/reshare/fixtures/changes.js';
import { next } from '../../protocols/reshare/fixtures/next-epoch.js';
import { codeOf } from '../../test/code-of.js';
import { verifyChain } from './chain.js';
import {
  type ChangeCertificate,
  encodeChangeCertificate,
  parseChangeCertificate,
  verifyChange,
} from './change.js';
import { decide, decided, signerOf } from './fixtures/decided.js';
import { encodeVotes, judgeVotes, parseVotes } from './votes.js';

const born = generate('ed25519', { needed: 2, of: 3 });
const refresh: Wish = { dealers: ['alpha', 'bravo'], members: ['alpha', 'bravo', 'charlie'], needed: 2 };
const first = decided(born, refresh, [1, 3]);
const verdictOf = (votes: Partial<ChangeCertificate>) =>
  codeOf(() => verifyChange(born.certified, { ...first.certificate, ...votes }, judgeVotes));
const withDecision = (altered: Partial<Decision>) =>
  verdictOf(encodeVotes({ ...first.decision, ...altered }));

describe('the votes in the certificate of a change', () => {
  it('are the decision of the old members, whether they dealt or not, and survive its bytes', () => {
    const parsed = parseChangeCertificate(encodeChangeCertificate(first.certificate));
    expect(verifyChange(born.certified, parsed, judgeVotes)).toEqual(first.epoch.certified);
    expect(parseVotes(parsed, first.decision.next)).toEqual(first.decision);
  });

  it('lead along a chain of epochs with other members', () => {
    const wish = { dealers: ['alpha', 'charlie'], members: ['charlie', 'delta', 'echo', 'alpha'], needed: 2 };
    const second = decided(first.epoch, wish, [1, 2]);
    const third = decided(
      second.epoch,
      { dealers: ['delta', 'echo'], members: ['delta', 'echo'], needed: 2 },
      [1, 2, 4],
    );
    const { changes } = third.epoch;
    expect(verifyChain(born.first, changes, judgeVotes).at(-1)).toEqual(third.epoch.certified);
    // Two of four are no majority: the other two could decide otherwise.
    const few = encodeVotes(decide(second.epoch, third.certificate, [1, 2], third.epoch));
    const links = [changes[0]!, changes[1]!, { ...changes[2]!, ...few }];
    expect(codeOf(() => verifyChain(born.first, links, judgeVotes))).toBe('CHANGE_NOT_DECIDED');
  });

  it('L1: of a strict key are of so many that fewer liars than the quorum cannot fork it, in every epoch of it', () => {
    const strict = generate('ed25519', { needed: 2, of: 3 }, 'strict', { strict: true });
    const whole = decided(strict, refresh, [1, 2, 3]);
    const isDecidedBy = (slots: readonly number[]) => {
      const votes = encodeVotes(decide(strict, whole.certificate, slots, whole.epoch));
      return codeOf(() => verifyChange(strict.certified, { ...whole.certificate, ...votes }, judgeVotes));
    };
    expect(isDecidedBy([1, 2, 3])).toBe('nothing thrown');
    for (const slots of [
      [1, 2],
      [1, 3],
      [2, 3],
    ])
      expect(isDecidedBy(slots)).toBe('CHANGE_NOT_DECIDED');
    const wider: Wish = {
      dealers: ['alpha', 'bravo'],
      members: ['alpha', 'bravo', 'charlie', 'delta', 'echo'],
      needed: 3,
    };
    const second = decided(whole.epoch, wider, [1, 2, 3]);
    const third: Wish = { ...refresh, dealers: ['alpha', 'bravo', 'charlie'], needed: 2 };
    const chain = (slots: readonly number[]) => decided(second.epoch, third, slots).epoch.changes;
    expect(verifyChain(strict.first, chain([1, 2, 3, 5]), judgeVotes).at(-1)!.params.flags.strict).toBe(true);
    expect(codeOf(() => verifyChain(strict.first, chain([1, 2, 3]), judgeVotes))).toBe('CHANGE_NOT_DECIDED');
  });

  it.each(['promises', 'locks', 'yields'] as const)('V33c: with too few %s decide nothing', (part) => {
    expect(withDecision({ [part]: first.decision[part].slice(1) })).toBe('CHANGE_NOT_DECIDED');
    const [one, other] = first.decision[part];
    const forged = [one!, { ...other!, signature: one!.signature }];
    expect(withDecision({ [part]: forged })).toBe('CHANGE_NOT_DECIDED');
  });

  it('V33d: that bind the attempt to another transcript decide nothing', () => {
    const sign = signerOf(born);
    const promises = first.decision.promises.map(({ signature: _signature, ...one }) =>
      sign({ ...one, attempt: 2, highest: { attempt: 1, next: bytesOf('other') } }),
    );
    const locks = first.decision.locks.map(({ signature: _signature, ...one }) =>
      sign({ ...one, attempt: 2 }),
    );
    const yields = first.decision.yields.map(({ signature: _signature, ...one }) =>
      sign({ ...one, attempt: 2 }),
    );
    expect(withDecision({ attempt: 2, promises, locks, yields })).toBe('CHANGE_NOT_DECIDED');
  });

  it('of another change, or of members of another key, decide nothing', () => {
    const rival = next(born, { ...refresh, label: 'rival' });
    const foreign = decided(generate('ed25519', { needed: 2, of: 3 }, 'foreign'), refresh, [1, 3]);
    expect(
      codeOf(() =>
        verifyChange(born.certified, { ...rival.changes[0]!, ...encodeVotes(first.decision) }, judgeVotes),
      ),
    ).toBe('CHANGE_NOT_DECIDED');
    expect(verdictOf(encodeVotes(foreign.decision))).toBe('CHANGE_NOT_DECIDED');
  });

  it('V33e: marked as released by words that nobody has checked decide nothing', () => {
    const sign = signerOf(born);
    const marked = first.decision.yields.map(({ signature: _signature, ...one }) =>
      sign({ ...one, mayFork: true }),
    );
    expect(withDecision({ yields: marked })).toBe('CHANGE_NOT_DECIDED');
  });

  it('L14: of a quorum that the words released hold, whatever one liar in the lowest slot marks beside them', () => {
    const epoch = generate('ed25519', { needed: 2, of: 4 }, 'four');
    const two: Wish = { dealers: ['bravo', 'charlie'], members: ['bravo', 'charlie'], needed: 2 };
    const whole = decided(epoch, two, [1, 2, 3]);
    const sign = signerOf(epoch);
    const isDecidedBy = (order: (slot: number) => string | null) => {
      const { attempt, next: name, promises, locks, yields } = whole.decision;
      const votes = encodeVotes({
        attempt,
        next: name,
        promises: promises.map(({ signature: _signature, ...one }) =>
          sign({ ...one, mayFork: true, orderHash: bytesOrder(order(one.slot)) ?? one.orderHash }),
        ),
        locks: locks.map(({ signature: _signature, ...one }) => sign({ ...one, mayFork: true })),
        yields: yields.map(({ signature: _signature, ...one }) => sign({ ...one, mayFork: true })),
      });
      return codeOf(() => verifyChange(epoch.certified, { ...whole.certificate, ...votes }, judgeVotes));
    };
    const bytesOrder = (label: string | null) => (label === null ? null : bytesOf(label));
    expect(isDecidedBy(() => null)).toBe('nothing thrown');
    expect(isDecidedBy((slot) => (slot === 1 ? 'of a liar' : null))).toBe('nothing thrown');
    expect(isDecidedBy((slot) => (slot === 2 ? null : `of liar ${slot}`))).toBe('CHANGE_NOT_DECIDED');
  });

  it('V32: cut anywhere, longer, or of two attempts are refused', () => {
    const { promises, yields } = first.certificate;
    for (const [field, bytes] of Object.entries({ promises, yields })) {
      for (let length = 0; length < bytes.length; length += 3)
        expect(verdictOf({ [field]: bytes.subarray(0, length) })).toMatch(/^(LAYOUT|PARTY_INDEX)_INVALID$/);
      expect(verdictOf({ [field]: Uint8Array.of(...bytes, 0) })).toBe('LAYOUT_INVALID');
    }
    expect(verdictOf({ yields: yields.map((byte, i) => (i === 4 ? 2 : byte)) })).toBe('LAYOUT_INVALID');
    expect(verdictOf({ promises: new Uint8Array(1 << 16) })).toBe('LAYOUT_TOO_LONG');
  });
});
