import { encodeHex, reveal } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { PartyIndex } from '../../protocol/contract.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import {
  createRepair,
  endings,
  generateKey,
  liar,
  repairedShare,
  runRepair,
  sent,
} from './fixtures/lost-share.js';
import { repairProtocol } from './index.js';

const held = generateKey('ed25519', { needed: 2, of: 4 });
const base = createRepair(held, 3, [1, 2, 4]);
const honest = runRepair(base);
const finished = { 1: 'finished', 2: 'finished', 3: 'finished', 4: 'finished' };

describe('V15: a courier who shows different things to different parties', () => {
  const other = runRepair(base, { seed: (party) => bytesOf(`other seed ${party}`) });

  it('in round 0 ends the run for all, before anything secret is added up, and nobody is blamed', () => {
    const run = runRepair(base, { deliver: liar(2, 0, () => sent(other, 2, 0), 1) });
    expect(endings(run)[1]).toBe('RETRY_VIEWS_DIFFER []');
    expect(endings(run)[4]).toBe('RETRY_VIEWS_DIFFER []');
    expect(run.wire.filter(({ round }) => round === 2)).toEqual([]);
    expect(Object.values(endings(run)).join()).not.toMatch(/FAULT|SUSPECT/);
  });

  it('in round 1, of one split that a receiver cannot tell, leaves the target without a share and nobody blamed', () => {
    const deliver = liar(
      2,
      1,
      (message) => ({ ...message, sealed: message.sealed.map((byte, i) => (i < 48 ? byte ^ 1 : byte)) }),
      4,
    );
    const run = runRepair(base, { deliver });
    expect(endings(run)).toEqual({ ...finished, 3: 'RETRY_VIEWS_DIFFER []' });
  });

  it('V19: with rounds of an earlier repair of the same loss brings nothing about', () => {
    for (const round of [0, 1, 2] as const) {
      const run = runRepair(base, {
        deliver: (delivery) =>
          delivery.round === round && delivery.to === 3
            ? [{ ...delivery, body: sent(other, delivery.from, round) }]
            : [delivery],
      });
      expect(endings(run)[3]).toBe('RETRY_VIEWS_DIFFER []');
    }
  });

  it('V17: with a repair of another slot, or by other helpers, brings nothing about', () => {
    const foreign = [createRepair(held, 3, [1, 2]), createRepair(held, 4, [1, 2, 3])].map((one) =>
      runRepair(one),
    );
    for (const run of foreign) {
      const mixed = runRepair(base, { deliver: liar(2, 0, () => sent(run, 2, 0)) });
      expect(endings(mixed)[1]).toBe('FAULT_PROOF_INVALID [2]');
    }
  });
});

describe('V18: the sender is the one whom the transport authenticated', () => {
  it('so that a split under the name of another counts as that other one', () => {
    const run = runRepair(base, {
      deliver: (delivery) =>
        delivery.round === 1 && delivery.to === 1
          ? [{ ...delivery, from: (6 - delivery.from) as PartyIndex }]
          : [delivery],
    });
    expect(endings(run)[1]).toBe('FAULT_SPLIT_WRONG [2,4]');
  });

  it('and one who does not help, the target among them, is not heard', () => {
    const run = runRepair(base, {
      deliver: (delivery) => [
        ...[0, 3, 5, -1, Number.NaN].map((from) => ({ ...delivery, from: from as PartyIndex })),
        delivery,
      ],
    });
    expect(endings(run)).toEqual(finished);
  });
});

it('messages in any order, twice, and those of earlier rounds again change nothing', () => {
  const run = runRepair(base, {
    deliver: (delivery, earlier) => [delivery, delivery, ...earlier.filter(({ to }) => to === delivery.to)],
    arrange: (inbox) => [...inbox].reverse(),
  });
  expect(endings(run)).toEqual(finished);
  const opened = (of: typeof run) => encodeHex(reveal(repairedShare(of, 3).share, 'test'));
  expect(opened(run)).toBe(opened(honest));
});

it('a silent helper stops the run without a fault, and the run goes on when it speaks', () => {
  const run = runRepair(base, {
    deliver: (delivery) => (delivery.from === 2 && delivery.round === 1 ? [] : [delivery]),
  });
  expect(endings(run)).toEqual({ 1: 'waiting', 2: 'finished', 3: 'waiting', 4: 'waiting' });
  const waiting = run.outcomes.get(1 as PartyIndex)!;
  if (waiting.kind !== 'waiting') throw new Error('does not wait');
  const inbox = [2, 4].map((from) => ({ from: from as PartyIndex, round: 1, body: sent(honest, from, 1) }));
  expect(repairProtocol.advance(waiting.state, inbox.slice(1)).kind).toBe('waiting');
  expect(repairProtocol.advance(waiting.state, inbox).kind).toBe('finished');
});

it('V32e: no key of a cipher serves for two sums, even for a helper set back that is told other splits', () => {
  const [opened] = honest.states.get(1 as PartyIndex)!.slice(-1);
  const state = repairProtocol.state.decode(opened!);
  const inbox = (changed: boolean) =>
    [2, 4].map((from) => {
      const body = sent(honest, from, 1);
      // What helper 2 sealed to helper 4: nothing of this helper's, but another view.
      const other = body.sealed.map((byte, i) => (changed && from === 2 && i >= 48 ? byte ^ 1 : byte));
      return { from: from as PartyIndex, round: 1, body: { ...body, sealed: other } };
    });
  const [first, second] = [false, true].map((changed) => {
    const step = repairProtocol.advance(state, inbox(changed));
    if (step.kind !== 'finished') throw new Error(step.kind);
    return step.outbox[0]!.body;
  });
  // The same sum in both: with the same key and nonce the ciphertexts would be the same.
  expect(first).not.toEqual(second);
  expect((first as { sealed: Uint8Array }).sealed).not.toEqual((second as { sealed: Uint8Array }).sealed);
});
