import { concatBytes } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { groupOfEpoch } from '../../key/certified-epoch.js';
import { SUITE_NAMES } from '../../key/cocktail/suite-name.js';
import type { SecretScalar } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { codeOf } from '../../test/code-of.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import {
  createRepair,
  endings,
  generateKey,
  liar,
  type RepairHooks,
  repairedShare,
  runRepair,
  sent,
} from './fixtures/lost-share.js';
import { findRepairFault, type RepairMessage, repairProtocol } from './index.js';
import { sealScalar } from './sealed-scalar.js';
import { deriveOpening } from './secrets.js';
import { hashView, sessionOf } from './session.js';

const held = generateKey('ed25519', { needed: 2, of: 4 });
const base = createRepair(held, 3, [1, 2, 4]);
const group = groupOfEpoch(held.key);
const one = group.scalars.one as Uint8Array as SecretScalar;
const all = (ending: string, target = ending) => ({ 1: ending, 2: ending, 3: target, 4: ending });
/** What the others say of helper 2, who goes on as if nothing were. */
const others = (ending: string, own = 'finished') => ({ ...all(ending), 2: own });

/** Adds G to one commitment of a split. */
function shifted(commitments: Uint8Array, column: number): Uint8Array {
  const size = group.elementByteLength;
  return concatBytes(
    ...[0, 1, 2].map((i) => {
      const bytes = commitments.subarray(i * size, (i + 1) * size);
      return i === column ? group.encode(group.add(group.decode(bytes), group.generator)) : bytes;
    }),
  );
}

/** The public rounds as they were sent, with helper 2's message of one round changed. */
function shown(round: 0 | 1, lie: (message: RepairMessage) => RepairMessage) {
  const run = runRepair(base);
  return ([0, 1] as const).map((r) =>
    base.repair.helpers.map((helper) => {
      const message = sent(run, helper, r);
      return helper === 2 && r === round ? lie(message) : message;
    }),
  );
}

describe('V29: a helper whose split is not its certified part is blamed by all, and anybody can see it', () => {
  it.each([0, 1, 2])('with one added to the commitment of place %i', (column) => {
    const lie = (message: RepairMessage): RepairMessage =>
      message.round === 1 ? { ...message, commitments: shifted(message.commitments, column) } : message;
    const run = runRepair(base, { deliver: liar(2, 1, lie) });
    expect(endings(run)).toEqual(others('FAULT_SPLIT_WRONG [2]'));
    expect(findRepairFault(base.repair, shown(1, lie))).toEqual({
      code: 'FAULT_SPLIT_WRONG',
      round: 1,
      culprits: [2],
    });
  });

  it('with another weight than its own, with a commitment too few or too many, or with none', () => {
    const run = (lie: (commitments: Uint8Array) => Uint8Array) =>
      endings(
        runRepair(base, {
          deliver: liar(2, 1, (message) => ({ ...message, commitments: lie(message.commitments) })),
        }),
      );
    const asHelper4 = sent(runRepair(base), 4, 1).commitments;
    expect(run(() => asHelper4)).toEqual(others('FAULT_SPLIT_WRONG [2]'));
    expect(run((bytes) => bytes.subarray(32))).toEqual(others('FAULT_MALFORMED [2]'));
    expect(run((bytes) => concatBytes(bytes, bytes.subarray(0, 32)))).toEqual(others('FAULT_MALFORMED [2]'));
    expect(run(() => new Uint8Array())).toEqual(others('FAULT_MALFORMED [2]'));
  });

  it('V5, V6, V7: with a commitment that is no element, the identity, or of small order', () => {
    const identity = Uint8Array.of(1, ...new Uint8Array(31));
    const smallOrder = new Uint8Array(32);
    for (const point of [new Uint8Array(32).fill(0xff), identity, smallOrder]) {
      const deliver = liar(2, 1, (message) => ({
        ...message,
        commitments: concatBytes(point, message.commitments.subarray(32)),
      }));
      expect(endings(runRepair(base, { deliver }))).toEqual(others('FAULT_POINT_INVALID [2]'));
    }
  });

  it('with a sealed part too few or too many', () => {
    for (const change of [
      (bytes: Uint8Array) => bytes.subarray(48),
      (bytes: Uint8Array) => concatBytes(bytes, bytes),
    ]) {
      const deliver = liar(2, 1, (message) => ({ ...message, sealed: change(message.sealed) }));
      expect(endings(runRepair(base, { deliver }))).toEqual(others('FAULT_MALFORMED [2]'));
    }
  });

  it('all culprits are named, not only the first', () => {
    const two = liar(2, 1, (message) => ({ ...message, commitments: shifted(message.commitments, 0) }));
    const four = liar(4, 1, (message) => ({ ...message, commitments: message.commitments.subarray(32) }));
    const run = runRepair(base, {
      deliver: (delivery, earlier) => (delivery.from === 2 ? two : four)(delivery, earlier),
    });
    expect(endings(run)[1]).toBe('FAULT_MALFORMED [2,4]');
    expect(endings(run)[3]).toBe('FAULT_MALFORMED [2,4]');
  });
});

describe('a helper is blamed for its opening', () => {
  it('V12, V13: when the key of the run is not proved, or is the one of another helper with its proof', () => {
    const unproved = liar(2, 0, (message) => ({ ...message, runKey: held.key.public.groupKey }));
    expect(endings(runRepair(base, { deliver: unproved }))).toEqual(
      others('FAULT_PROOF_INVALID [2]', 'waiting'),
    );
    const copied = sent(runRepair(base), 1, 0);
    const copy = liar(2, 0, () => copied);
    expect(endings(runRepair(base, { deliver: copy }))).toEqual(others('FAULT_PROOF_INVALID [2]', 'waiting'));
    expect(
      findRepairFault(
        base.repair,
        shown(0, () => copied),
      )?.culprits,
    ).toEqual([2]);
  });

  it('when the key is no element, or the message is not of its form', () => {
    const noElement = liar(2, 0, (message) => ({ ...message, runKey: new Uint8Array(32).fill(0xff) }));
    expect(endings(runRepair(base, { deliver: noElement }))).toEqual(
      others('FAULT_POINT_INVALID [2]', 'waiting'),
    );
    const malformed = liar(2, 0, () => ({ round: 0 }) as never);
    expect(endings(runRepair(base, { deliver: malformed }))).toEqual(
      others('FAULT_MALFORMED [2]', 'waiting'),
    );
    expect(
      findRepairFault(
        base.repair,
        shown(0, () => ({ round: 1 }) as never),
      ),
    ).toEqual({
      code: 'FAULT_MALFORMED',
      round: 0,
      culprits: [2],
    });
  });

  it('when it says two things in one round: both are signed', () => {
    for (const round of [0, 1] as const) {
      const twice: RepairHooks['deliver'] = (delivery) => {
        const { body } = delivery;
        if (delivery.from !== 2 || body.round !== round) return [delivery];
        const other =
          body.round === 0 ? { ...body, nonce: bytesOf('other') } : { ...body, sessionId: bytesOf('other') };
        return [delivery, { ...delivery, body: other as RepairMessage }];
      };
      const ending = endings(runRepair(base, { deliver: twice }));
      expect([ending[1], ending[3], ending[4]]).toEqual(
        Array.from({ length: 3 }, () => 'FAULT_EQUIVOCATION [2]'),
      );
    }
  });
});

describe('what only its receiver can see makes a suspect and no culprit', () => {
  const broken = (sealed: Uint8Array, place: number) =>
    sealed.map((byte, i) => (i === 48 * place ? byte ^ 1 : byte));

  it('a part that does not open: its receiver suspects the sender, the others wait, and nothing can be shown', () => {
    const deliver = liar(2, 1, (message) => ({ ...message, sealed: broken(message.sealed, 1) }));
    const run = runRepair(base, { deliver });
    expect(endings(run)[4]).toBe('SUSPECT_SHARE [2]');
    expect(run.wire.some(({ from, round }) => from === 4 && round === 2)).toBe(false);
    const lie = (message: RepairMessage): RepairMessage =>
      message.round === 1 ? { ...message, sealed: broken(message.sealed, 1) } : message;
    expect(findRepairFault(base.repair, shown(1, lie))).toBeNull();
  });

  it('V29: a part with one added, well sealed: its receiver sees that it does not fit and answers nothing', () => {
    const run = runRepair(base, { deliver: resealed() });
    expect(endings(run)[1]).toBe('SUSPECT_SHARE [2]');
    expect(endings(run)[3]).not.toBe('finished');
  });

  it('an answer that does not open: the target suspects its sender and has no share', () => {
    const deliver = liar(2, 2, (message) => ({ ...message, sealed: broken(message.sealed, 0) }));
    expect(endings(runRepair(base, { deliver }))).toEqual(all('finished', 'SUSPECT_SHARE [2]'));
  });

  it('V29: an answer with one added, well sealed: the target compares and suspects its sender', () => {
    const run = runRepair(base);
    const session = sessionOf({ ...base.repair }, openings(run));
    const view = hashView(
      session,
      base.repair.helpers.map((helper) => sent(run, helper, 1)),
    );
    const agreement = group.agree(runSecretOf(run, 2));
    const channel = { session, from: 2 as PartyIndex, to: 3 as PartyIndex, agreement, named: view };
    const lie = liar(2, 2, (message) => ({ ...message, sealed: sealScalar(channel, one) }));
    expect(endings(runRepair(base, { deliver: lie }))).toEqual(all('finished', 'SUSPECT_SHARE [2]'));
  });

  /** Helper 2 seals 1 to helper 1, under the right key and in the right place. */
  function resealed(): NonNullable<RepairHooks['deliver']> {
    const run = runRepair(base);
    const session = sessionOf(base.repair, openings(run));
    const agreement = group.agree(runSecretOf(run, 2));
    const channel = {
      session,
      from: 2 as PartyIndex,
      to: 1 as PartyIndex,
      agreement,
      named: session.sessionId,
    };
    const part = sealScalar(channel, one);
    return liar(2, 1, (message) => ({ ...message, sealed: concatBytes(part, message.sealed.subarray(48)) }));
  }
});

function openings(run: ReturnType<typeof runRepair>) {
  return base.repair.helpers.map((helper) => sent(run, helper, 0));
}

/** The secret of a helper's key in a run, from the first state that it stored. */
function runSecretOf(run: ReturnType<typeof runRepair>, helper: number): SecretScalar {
  const [first] = run.states.get(helper as PartyIndex)!;
  const state = repairProtocol.state.decode(first!);
  if (state.role !== 'helper' || state.round !== 0) throw new Error('not an opening');
  return deriveOpening(group, state.root).runSecret;
}

describe.each(SUITE_NAMES)('V29: in suite %s', (suite) => {
  it('a split with one added to a commitment is blamed, and an answer changed in any part is suspected', () => {
    const other = createRepair(generateKey(suite, { needed: 2, of: 3 }), 2, [1, 3]);
    const g = groupOfEpoch(other.held.key);
    const size = g.elementByteLength;
    const shift = liar(3, 1, (message) => {
      const first = g.add(g.decode(message.commitments.subarray(0, size)), g.generator);
      return { ...message, commitments: concatBytes(g.encode(first), message.commitments.subarray(size)) };
    });
    expect(endings(runRepair(other, { deliver: shift }))).toMatchObject({
      1: 'FAULT_SPLIT_WRONG [3]',
      2: 'FAULT_SPLIT_WRONG [3]',
    });
    const answers = liar(3, 2, (message) => ({ ...message, sealed: message.sealed.map((byte) => byte ^ 1) }));
    expect(endings(runRepair(other, { deliver: answers }))[2]).toBe('SUSPECT_SHARE [3]');
  });
});

it('V29: a target whose certificate is contradictory believes no share, whoever is right', () => {
  const { verifyingShares } = held.key.public;
  const wrong = [verifyingShares[0]!, verifyingShares[1]!, held.key.public.groupKey, verifyingShares[3]!];
  const key = { ...held.key, public: { ...held.key.public, verifyingShares: wrong } };
  const params = (party: PartyIndex) => {
    const own = base.paramsOf(party);
    return party === 3 ? { ...own, repair: { ...own.repair, key } } : own;
  };
  expect(codeOf(() => runRepair(base, { params }))).toBe('REPAIR_SUM_INCONSISTENT');
  expect(repairedShare(runRepair(base), 3).party).toBe(3);
});
