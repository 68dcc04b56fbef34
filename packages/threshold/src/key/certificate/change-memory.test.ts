import { describe, expect, it, vi } from 'vitest';
import { codeOf } from '../../test/code-of.js';
import { generate, propose } from '../../protocols/reshare/fixtures/changes.js';
import { approve, next } from '../../protocols/reshare/fixtures/next-epoch.js';
import {
  encodeChange,
  parseChange,
  reshareProtocol,
  verifyChangeParams,
} from '../../protocols/reshare/index.js';
import {
  type ChangeCertificate,
  checkSignedChange,
  encodeChangeCertificate,
  parseChangeCertificate,
  verifyChange,
  verifySignedChange,
} from './change.js';
import { type ChangeMemory, createChangeMemory } from './change-memory.js';

const epoch = generate('ed25519', { needed: 2, of: 3 });
const refresh = { dealers: ['alpha', 'charlie'], members: ['alpha', 'bravo', 'charlie'], needed: 2 };
const changed = next(epoch, refresh);
const other = next(epoch, { ...refresh, label: 'other' });
const certificate = changed.changes[0] as ChangeCertificate;
const bytes = encodeChangeCertificate(certificate);
const again = () => parseChangeCertificate(Uint8Array.from(bytes));

/** How often it is checked anew, of changes that are asked for one after the other. */
function checksOf(
  memory: ReturnType<typeof createChangeMemory>,
  asked: readonly ChangeCertificate[],
): number {
  const check = vi.fn((one: ChangeCertificate) => checkSignedChange(epoch.certified, one));
  for (const one of asked) memory.recall(epoch.certified, one, () => check(one));
  return check.mock.calls.length;
}

describe('what was checked of a change', () => {
  it('is not checked again where every byte is the same, votes aside, and those are judged each time', () => {
    const memory = createChangeMemory();
    const unvoted = { ...again(), promises: new Uint8Array(), yields: new Uint8Array() };
    expect(checksOf(memory, [certificate, again(), unvoted])).toBe(1);
    expect(verifySignedChange(epoch.certified, again(), memory)).toEqual(changed.certified);
    expect(verifyChange(epoch.certified, again(), approve, memory)).toEqual(changed.certified);
    expect(() => verifyChange(epoch.certified, unvoted, approve, memory)).toThrow('not enough votes');
  });

  it(
    'is checked anew where any byte is another one: what did not hold does not, whatever was asked before',
    { tags: 'slow' },
    () => {
      const memory = createChangeMemory();
      verifySignedChange(epoch.certified, certificate, memory);
      const votes = new Set<number>();
      const yieldsAt = bytes.length - certificate.yields.length;
      for (let i = 0; i < certificate.yields.length; i++) votes.add(yieldsAt + i);
      const accepted: number[] = [];
      for (let i = 0; i < bytes.length; i += 11) {
        const altered = bytes.map((byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte));
        const outcome = (known?: typeof memory) =>
          codeOf(() => verifySignedChange(epoch.certified, parseChangeCertificate(altered), known));
        const anew = outcome();
        expect(outcome(memory)).toBe(anew);
        expect(outcome(memory)).toBe(anew);
        if (anew === 'nothing thrown') accepted.push(i);
      }
      expect(accepted.length).toBeLessThanOrEqual(
        (certificate.promises.length + certificate.yields.length) / 11 + 2,
      );
    },
  );

  it('is of the epoch that it was checked against, and of no other', () => {
    const memory = createChangeMemory();
    verifySignedChange(epoch.certified, certificate, memory);
    const { public: half, transcriptHash } = epoch.certified;
    const flipped = (one: Uint8Array) => one.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
    const others = [
      { ...epoch.certified, transcriptHash: flipped(transcriptHash) },
      { ...epoch.certified, public: { ...half, chainCode: flipped(half.chainCode) } },
      { ...epoch.certified, public: { ...half, groupKey: half.verifyingShares[0]! } },
      { ...epoch.certified, public: { ...half, verifyingShares: half.verifyingShares.toReversed() } },
    ];
    for (const before of others) {
      const anew = codeOf(() => verifySignedChange(before, certificate));
      expect(anew).not.toBe('nothing thrown');
      expect(codeOf(() => verifySignedChange(before, certificate, memory))).toBe(anew);
    }
  });

  it('is not kept where it did not hold', () => {
    const memory = createChangeMemory();
    const signatures = certificate.signatures.map((one, i) => (i === 1 ? one.map((byte) => byte ^ 1) : one));
    const wrong = { ...certificate, signatures };
    for (const _ of [1, 2])
      expect(codeOf(() => verifySignedChange(epoch.certified, wrong, memory))).toBe(
        'FAULT_SIGNATURE_INVALID',
      );
    expect(codeOf(() => verifySignedChange(epoch.certified, { ...certificate, deals: [] }, memory))).toBe(
      'CERTIFICATE_INVALID',
    );
  });

  it('is forgotten when there is more of it than it may take, the one asked for longest ago first', () => {
    const rival = other.changes[0] as ChangeCertificate;
    const third = next(epoch, { ...refresh, label: 'third' }).changes[0] as ChangeCertificate;
    expect(checksOf(createChangeMemory(2), [certificate, rival, certificate, third, certificate])).toBe(3);
    expect(checksOf(createChangeMemory(2), [certificate, rival, third, certificate])).toBe(4);
    expect(checksOf(createChangeMemory(64, bytes.length), [certificate, certificate])).toBe(2);
    expect(checksOf(createChangeMemory(64, 4 * bytes.length), [certificate, rival, certificate])).toBe(2);
  });
});

describe('what was checked of the parameters of a change', () => {
  const proposed = propose(epoch, refresh);
  const encoded = encodeChange(proposed.params);

  /** A memory that counts what is checked anew. */
  function counting(most?: number) {
    const known = createChangeMemory(most);
    const anew = vi.fn();
    const memory: ChangeMemory = {
      ...known,
      recallParams: (before, change, check) => {
        known.recallParams(before, change, () => {
          anew();
          check();
        });
      },
    };
    return { memory, anew };
  }

  it('is not checked again by whoever joins with them, deals, and is shown the whole change', () => {
    const { memory, anew } = counting();
    verifyChangeParams(epoch.certified, parseChange(encoded), memory);
    const me = proposed.seatOf('alpha');
    const step = reshareProtocol.start({ ...proposed.paramsOf(me), memory }, proposed.seedOf(me));
    expect(step).toMatchObject({ kind: 'waiting', state: { me } });
    expect(verifySignedChange(epoch.certified, again(), memory)).toEqual(changed.certified);
    expect(anew).toHaveBeenCalledTimes(1);
  });

  it('is checked anew where any byte is another one', { tags: 'slow' }, () => {
    const { memory, anew } = counting();
    verifyChangeParams(epoch.certified, proposed.params, memory);
    const outcomes = new Set<string>();
    for (let i = 0; i < encoded.length; i += 23) {
      const altered = encoded.map((byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte));
      if (codeOf(() => parseChange(altered)) !== 'nothing thrown') continue;
      const outcome = (known?: ChangeMemory) =>
        codeOf(() => {
          verifyChangeParams(epoch.certified, parseChange(altered), known);
        });
      anew.mockClear();
      expect(outcome(memory)).toBe(outcome());
      expect(anew).toHaveBeenCalledTimes(1);
      outcomes.add(outcome(memory));
    }
    expect([...outcomes]).toContain('FAULT_ROSTER');
    expect([...outcomes]).toContain('CHANGE_INVALID');
  });

  it('is of the epoch that they were checked against, and not kept where they did not hold', () => {
    const { memory, anew } = counting();
    verifyChangeParams(epoch.certified, proposed.params, memory);
    const before = { ...epoch.certified, transcriptHash: new Uint8Array(32) };
    const wrong = { ...proposed.params, nonces: proposed.params.nonces.toReversed() };
    for (const _ of [1, 2]) {
      expect(codeOf(() => verifyChangeParams(before, proposed.params, memory))).toBe('CHANGE_INVALID');
      expect(codeOf(() => verifyChangeParams(epoch.certified, wrong, memory))).toBe('FAULT_ROSTER');
    }
    expect(anew).toHaveBeenCalledTimes(5);
  });

  it('is forgotten when there is more of it than it may take', () => {
    const { memory, anew } = counting(1);
    const rival = propose(epoch, { ...refresh, label: 'rival' });
    for (const { params } of [proposed, rival, proposed]) verifyChangeParams(epoch.certified, params, memory);
    expect(anew).toHaveBeenCalledTimes(3);
  });
});
