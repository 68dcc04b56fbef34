import { concatBytes, encodeHex, reveal } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { certifiedShare, groupOfEpoch } from '../../key/certified-epoch.js';
import { SUITE_NAMES } from '../../key/cocktail/suite-name.js';
import type { Element, Group, SecretScalar } from '../../group/group.js';
import { taggedHash64 } from '../../hash/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { proveKnowledge } from '../../proofs/index.js';
import { lagrangeAt } from '../../sharing/index.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { createRepair, generateKey, repairedShare, runRepair, sent } from './fixtures/lost-share.js';
import { type RepairMessage, type RepairParams, repairProtocol } from './index.js';
import type { OpenMessage, SplitMessage } from './messages.js';
import type { RepairStep } from './output.js';
import { hashRepair, verifyRepair } from './repair.js';
import { sealScalar } from './sealed-scalar.js';
import { hashView, runKeyStatement, type Session, sessionOf } from './session.js';

/** Messages of honest helpers, written by somebody who has no share of theirs: from public data and dice alone. */
function simulator(group: Group, repair: ReturnType<typeof verifyRepair>) {
  let thrown = 0;
  const dice = () =>
    group.scalars.reduceSecret(taggedHash64('CKM/schnorr/nonce/v1', bytesOf(`die ${thrown++}`)));
  const runSecrets = new Map(repair.helpers.map((helper) => [helper, dice()]));
  const base = (secret: SecretScalar) => group.mulBase(secret);
  return {
    dice,
    opening(helper: PartyIndex): OpenMessage {
      const runSecret = runSecrets.get(helper)!;
      const nonce = bytesOf(`nonce ${helper}`);
      const statement = runKeyStatement(hashRepair(repair), nonce, helper, base(runSecret));
      const proof = proveKnowledge(group, statement, runSecret, bytesOf('hedge'));
      return { round: 0, nonce, runKey: group.encode(base(runSecret)), proof };
    },
    split(
      session: Session,
      helper: PartyIndex,
      commitments: readonly Element[],
      parts: ReadonlyMap<PartyIndex, SecretScalar>,
    ): SplitMessage {
      const agreement = group.agree(runSecrets.get(helper)!);
      const sealed = repair.helpers
        .filter((to) => to !== helper)
        .map((to) => {
          const channel = { session, from: helper, to, agreement, named: session.sessionId };
          return sealScalar(channel, parts.get(to) ?? dice());
        });
      agreement.end();
      return {
        round: 1,
        sessionId: session.sessionId,
        commitments: concatBytes(...commitments.map((element) => group.encode(element))),
        sealed: concatBytes(...sealed),
      };
    },
    answer(session: Session, helper: PartyIndex, view: Uint8Array, sum: SecretScalar): RepairMessage {
      const agreement = group.agree(runSecrets.get(helper)!);
      const channel = { session, from: helper, to: repair.loss.slot, agreement, named: view };
      const sealed = sealScalar(channel, sum);
      agreement.end();
      return { round: 2, view, sealed };
    },
    /** ζ·Y of a helper: what its split must come to. */
    weighed: (helper: PartyIndex) =>
      group.mulPublic(
        certifiedShare(repair.key, helper),
        lagrangeAt(group, repair.helpers, helper, repair.loss.slot),
      ),
  };
}

function begin(params: RepairParams) {
  const step = repairProtocol.start(params, bytesOf('seed'));
  if (step.kind !== 'waiting') throw new Error(step.kind);
  return step;
}

function hear(step: RepairStep, bodies: readonly (readonly [PartyIndex, RepairMessage])[]): RepairStep {
  if (step.kind !== 'waiting') throw new Error(step.kind);
  const inbox = bodies.map(([from, body]) => ({ from, round: body.round, body }));
  return repairProtocol.advance(step.state, inbox);
}

describe.each(SUITE_NAMES)('what a repair tells in suite %s', (suite) => {
  const held = generateKey(suite, { needed: 2, of: 4 });
  const base = createRepair(held, 3, [1, 2, 4]);
  const repair = verifyRepair(base.repair);
  const group = groupOfEpoch(held.key);
  const [one, two, four] = repair.helpers as [PartyIndex, PartyIndex, PartyIndex];
  const less = (whole: Element, ...parts: Element[]) => group.subtract(whole, group.sum(parts));

  it('a helper takes part alike with messages that were written without any secret of the others', () => {
    const fake = simulator(group, repair);
    const started = begin(base.paramsOf(two));
    const own = started.outbox[0]!.body as OpenMessage;
    const round0 = [fake.opening(one), own, fake.opening(four)];
    const dealt = hear(started, [
      [one, round0[0]!],
      [four, round0[2]!],
    ]);
    const session = sessionOf(repair, round0);
    const round1 = ([one, four] as const).map((helper) => {
      const [part, free] = [fake.dice(), group.mulBase(fake.dice())];
      const toMe = group.mulBase(part);
      const commitments = [free, toMe, less(fake.weighed(helper), free, toMe)];
      return [helper, fake.split(session, helper, commitments, new Map([[two, part]]))] as const;
    });
    const ended = hear(dealt, round1);
    expect(ended.kind).toBe('finished');
  });

  it('the target gets its share alike from messages that were written with that share and nothing else', () => {
    const fake = simulator(group, repair);
    const { scalars } = group;
    const target = 3 as PartyIndex;
    const share = scalars.parseSecret(reveal(held.shares[2]!.share, 'simulate'));
    const round0 = repair.helpers.map((helper) => fake.opening(helper));
    const session = sessionOf(repair, round0);
    const sums = [fake.dice(), fake.dice()];
    sums.push(scalars.subtract(share, scalars.add(sums[0]!, sums[1]!)));
    // Rows add up to ζ·Y, columns to the answers; the last row and column take what is left.
    const rows = [one, two].map((helper) => {
      const [a, b] = [group.mulBase(fake.dice()), group.mulBase(fake.dice())];
      return [a, b, less(fake.weighed(helper), a, b)];
    });
    rows.push(sums.map((sum, i) => less(group.mulBase(sum), rows[0]![i]!, rows[1]![i]!)));
    const round1 = repair.helpers.map((helper, i) => fake.split(session, helper, rows[i]!, new Map()));
    const view = hashView(session, round1);
    const named = <M>(messages: readonly M[]) => messages.map((m, i) => [repair.helpers[i]!, m] as const);
    const answers = sums.map((sum, i) => fake.answer(session, repair.helpers[i]!, view, sum));
    const listened = hear(hear(begin(base.paramsOf(target)), named(round0)), named(round1));
    const ended = hear(listened, named(answers));
    if (ended.kind !== 'finished' || ended.output.role !== 'target') throw new Error(JSON.stringify(ended));
    expect(encodeHex(reveal(ended.output.share.share, 'test'))).toBe(encodeHex(share));
  });

  it('V24: no share and no part of one crosses the wire in the open, and none outlives the round that needs it', () => {
    const run = runRepair(base);
    const shares = held.shares.map(({ share }) => encodeHex(reveal(share, 'test')));
    const wire = run.wire.map(({ bytes }) => encodeHex(bytes)).join();
    for (const share of shares) expect(wire).not.toContain(share);
    const [opened, split] = run.states.get(two)!.map((bytes) => encodeHex(bytes));
    expect(opened).toContain(shares[1]);
    expect(split).not.toContain(shares[1]);
    const kept = repairProtocol.state.decode(run.states.get(two)![1]!);
    if (kept.role !== 'helper' || kept.round !== 1) throw new Error('not split');
    // What a helper keeps for itself is in no message: the other helpers together do not have its part.
    expect(wire).not.toContain(encodeHex(reveal(kept.kept, 'test')));
    for (const state of run.states.get(3 as PartyIndex)!) {
      expect(encodeHex(state)).not.toContain(encodeHex(reveal(repairedShare(run, 3).share, 'test')));
    }
    expect(sent(run, 1, 1).sealed).toHaveLength(2 * 48);
  });
});
