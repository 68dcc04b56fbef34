import { encodeHex, PeerFaultError } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../../protocols/dkg/fixtures/parties.js';
import { generate, outputAt, propose, runChange } from '../../protocols/reshare/fixtures/changes.js';
import { approve, next } from '../../protocols/reshare/fixtures/next-epoch.js';
import { parseCertificate, SUITE_NAMES } from '../index.js';
import { verifyChain } from './chain.js';
import {
  type ChangeCertificate,
  encodeChangeCertificate,
  type DecidedChange,
  parseChangeCertificate,
  verifyChange,
  verifySignedChange,
} from './change.js';
import { FROZEN_CHANGES } from './fixtures/frozen-changes.js';

const epoch = generate('ed25519', { needed: 2, of: 3 });
const refresh = { dealers: ['alpha', 'charlie'], members: ['alpha', 'bravo', 'charlie'], needed: 2 };
const changed = next(epoch, refresh);
const again = next(changed, { dealers: ['alpha', 'bravo'], members: ['bravo', 'alpha', 'delta'], needed: 2 });
const [first, second] = again.changes as [ChangeCertificate, ChangeCertificate];
const bytes = encodeChangeCertificate(first);

describe('the certificate of a change', () => {
  it('proves the epoch that its parties hold', () => {
    expect(verifyChange(epoch.certified, first, approve)).toEqual(changed.certified);
  });

  it('has one encoding, of a kind of its own, which parses back to it', () => {
    expect(parseChangeCertificate(bytes)).toEqual(first);
    expect(encodeChangeCertificate(parseChangeCertificate(bytes))).toEqual(bytes);
    expect([...bytes.subarray(0, 2)]).toEqual([1, 1]);
  });

  it('is taken for no certificate of a new key, nor one of those for it', () => {
    expect(codeOf(() => parseCertificate(bytes))).toBe('CERTIFICATE_KIND_UNKNOWN');
    const other = bytes.map((byte, i) => (i === 1 ? 0 : byte));
    expect(codeOf(() => parseChangeCertificate(other))).toBe('CERTIFICATE_KIND_UNKNOWN');
    expect(codeOf(() => parseCertificate(other))).not.toBe('nothing thrown');
  });

  it(
    'V23, V32: with a bit flipped in any seventh byte, one at a time, is refused with a typed error',
    { tags: 'slow' },
    () => {
      const votes = first.promises.length + first.yields.length;
      const accepted: number[] = [];
      for (let i = 0; i < bytes.length; i += 7) {
        const altered = bytes.map((byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte));
        const verify = () => verifyChange(epoch.certified, parseChangeCertificate(altered), approve);
        if (codeOf(verify) === 'nothing thrown') accepted.push(i);
      }
      // What the promises say is for those to judge who read the votes; `approve` looks at the yields alone.
      expect(accepted.length).toBeLessThanOrEqual(votes / 7);
      const promisesAt = bytes.length - encodeTail(first) - first.promises.length;
      expect(accepted.every((i) => i >= promisesAt && i < promisesAt + first.promises.length)).toBe(true);
    },
  );

  it('V32: cut short anywhere, or longer, is refused', () => {
    for (let length = 0; length < bytes.length; length += 29) {
      expect(codeOf(() => parseChangeCertificate(bytes.subarray(0, length)))).not.toBe('nothing thrown');
    }
    expect(codeOf(() => parseChangeCertificate(Uint8Array.of(...bytes, 0)))).toBe('LAYOUT_INVALID');
    expect(codeOf(() => parseChangeCertificate(new Uint8Array(1 << 21)))).toBe('LAYOUT_TOO_LONG');
  });

  it.each(['deals', 'signatures'] as const)(
    'V4: with a list of %s that is empty, short or long is refused',
    (field) => {
      const list = first[field] as readonly unknown[];
      for (const wrong of [[], list.slice(1), [...list, list[0]]]) {
        const altered = { ...first, [field]: wrong } as ChangeCertificate;
        expect(codeOf(() => verifyChange(epoch.certified, altered, approve))).toBe('CERTIFICATE_INVALID');
      }
    },
  );

  it('that the whole next roster signed is refused without the votes of old members', () => {
    const unvoted = { ...first, yields: bytesOf('too few') };
    expect(() => verifyChange(epoch.certified, unvoted, approve)).toThrow('not enough votes');
    expect(verifySignedChange(epoch.certified, unvoted)).toEqual(changed.certified);
    const seen: DecidedChange[] = [];
    verifyChange(epoch.certified, first, (_, decided) => seen.push(decided));
    expect(seen).toEqual([
      {
        before: epoch.certified,
        order: first.change.order,
        transcriptHash: changed.certified.transcriptHash,
      },
    ]);
  });

  it('names whose signature does not hold, and is no error of encoding', () => {
    const signatures = first.signatures.map((signature, i) =>
      i === 1 ? signature.map((b) => b ^ 1) : signature,
    );
    const verify = () => verifyChange(epoch.certified, { ...first, signatures }, approve);
    expect(verify).toThrow(PeerFaultError);
    expect(verify).toThrow(
      expect.objectContaining({ code: 'FAULT_SIGNATURE_INVALID', facts: { culprits: [2] } }),
    );
  });

  it('V32b: with the encrypted shares of another dealing of the same polynomial is refused', () => {
    const deals = first.deals.map((deal, i) =>
      i === 0 ? { ...deal, dealing: deal.dealing.map((byte, at) => (at === 200 ? byte ^ 1 : byte)) } : deal,
    );
    expect(codeOf(() => verifyChange(epoch.certified, { ...first, deals }, approve))).toBe(
      'FAULT_SIGNATURE_INVALID',
    );
  });

  it('L13: names its epoch by the transcript: with another valid signature it proves the same epoch', () => {
    const change = propose(epoch, refresh);
    const seed = (seat: PartyIndex) =>
      change.nameAt(seat) === 'bravo' ? bytesOf('another seed') : change.seedOf(seat);
    const { signed } = outputAt(runChange(change, { seed }), 1);
    expect(signed.signatures[1]).not.toEqual(first.signatures[1]);
    expect(verifyChange(epoch.certified, { ...first, ...signed }, approve)).toEqual(changed.certified);
  });
});

describe('a chain of certificates', () => {
  it('leads from the first epoch to the newest', () => {
    expect(verifyChain(again.first, [], approve)).toEqual([epoch.certified]);
    expect(verifyChain(again.first, [first, second], approve)).toEqual([
      epoch.certified,
      changed.certified,
      again.certified,
    ]);
  });

  it('with a link missing, twice, in another order, or of another key is refused', () => {
    const foreign = next(generate('ed25519', { needed: 2, of: 3 }, 'foreign'), refresh).changes[0]!;
    for (const links of [[second], [first, first], [second, first], [first, second, second], [foreign]]) {
      expect(codeOf(() => verifyChain(again.first, links, approve))).toBe('CHANGE_INVALID');
    }
  });

  it('does not go on from a change that another change has overtaken', () => {
    const rival = next(epoch, { ...refresh, label: 'rival' });
    expect(codeOf(() => verifyChain(again.first, [rival.changes[0]!, second], approve))).toBe(
      'CHANGE_INVALID',
    );
  });

  it('with a server that left and comes back under another identity is refused', () => {
    const without = next(epoch, { dealers: ['alpha', 'bravo'], members: ['bravo', 'charlie'], needed: 2 });
    const back = { dealers: ['bravo', 'charlie'], members: ['bravo', 'alpha'], needed: 2 };
    const asMallory = (name: string) => (name === 'alpha' ? 'mallory' : name);
    const taken = next(without, { ...back, identityOf: asMallory });
    expect(verifyChange(without.certified, taken.changes[1]!, approve)).toEqual(taken.certified);
    expect(codeOf(() => verifyChain(epoch.first, taken.changes, approve))).toBe('CHANGE_INVALID');
    expect(codeOf(() => verifyChain(epoch.first, next(without, back).changes, approve))).toBe(
      'nothing thrown',
    );
  });

  it('judges the votes of every link', () => {
    const unvoted = { ...second, yields: bytesOf('too few') };
    expect(() => verifyChain(again.first, [first, unvoted], approve)).toThrow('not enough votes');
  });
});

describe('what this version writes', () => {
  it.each(SUITE_NAMES)('of a change is frozen for suite %s', (suite) => {
    const born = generate(suite, { needed: 2, of: 2 }, 'frozen');
    const later = next(born, { dealers: ['alpha', 'bravo'], members: ['bravo', 'delta'], needed: 2 });
    expect({
      certificate: encodeHex(sha256(encodeChangeCertificate(later.changes[0]!))),
      transcriptHash: encodeHex(later.certified.transcriptHash),
    }).toEqual(FROZEN_CHANGES[suite]);
  });
});

/** Length of what stands behind the promises. */
function encodeTail({ deals, signatures, yields }: ChangeCertificate): number {
  const frames = deals.reduce((sum, { dealing }) => sum + 4 + 1 + 32 + 4 + dealing.length, 0);
  return frames + signatures.reduce((sum, { length }) => sum + length, 0) + 4 + yields.length;
}
