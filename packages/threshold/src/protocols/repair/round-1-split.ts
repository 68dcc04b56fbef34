import { concatBytes, reveal, secret } from '@ckm/foundation';
import type { SecretScalar } from '../../group/group.js';
import type { Incoming } from '../../protocol/contract.js';
import { lagrangeAt } from '../../sharing/index.js';
import type { OpenMessage, RepairMessage, SplitMessage } from './messages.js';
import { aborted, collect, type RepairStep } from './output.js';
import { sealScalar } from './sealed-scalar.js';
import { deriveOpening, splitShare } from './secrets.js';
import { checkOpenings, type Session, sessionOf } from './session.js';
import type { OpenedState, TargetState } from './state.js';

/**
 * With all keys of the run there: a helper weighs its share for the lost slot and splits it among all helpers, so that
 * none of them sees another's. Its own part never leaves it. The state that comes out is stored before the split is sent,
 * and sent again as it is or dropped with the whole run: a split is never made twice in one session.
 * Source: Stinson and Wei, eprint 2017/1155, enrolment protocol; the commitments Δ are ours
 */
export function split(
  state: OpenedState | (TargetState & { readonly round: 0 }),
  inbox: readonly Incoming<RepairMessage>[],
): RepairStep {
  const round0 = collect(state, inbox, state.role === 'helper' ? state.posted : null);
  if ('kind' in round0) return round0;
  const fault = checkOpenings(state.repair, round0);
  if (fault !== null) return aborted(fault);
  if (state.role === 'target') return { kind: 'waiting', state: { ...state, round: 1, round0 }, outbox: [] };
  return splitOwn(state, round0);
}

function splitOwn(state: OpenedState, round0: readonly OpenMessage[]): RepairStep {
  const { repair, me } = state;
  const { helpers } = repair;
  const session = sessionOf(repair, round0);
  const { group } = session.suite;
  const share = group.scalars.parseSecret(reveal(state.share, 'split it among the helpers of a repair'));
  const weight = lagrangeAt(group, helpers, me, repair.loss.slot);
  const { sessionId } = session;
  const parts = splitShare(group, state.root, { sessionId, helpers, me, weight, share });
  share.fill(0);
  const { runSecret, hedge } = deriveOpening(group, state.root);
  hedge.fill(0);
  const posted = splitMessage(session, state, parts, runSecret);
  const own = helpers.indexOf(me);
  parts.forEach((part, i) => {
    if (i !== own) part.fill(0);
  });
  return {
    kind: 'waiting',
    state: {
      role: 'helper',
      round: 1,
      repair,
      me,
      runSecret: secret<Uint8Array>(runSecret),
      kept: secret<Uint8Array>(parts[own]!),
      round0,
      posted,
    },
    outbox: [{ to: 'everyone', round: 1, body: posted }],
  };
}

function splitMessage(
  session: Session,
  { repair, me }: OpenedState,
  parts: readonly SecretScalar[],
  runSecret: SecretScalar,
): SplitMessage {
  const { sessionId, suite } = session;
  const { group } = suite;
  const agreement = group.agree(runSecret);
  try {
    const sealed = repair.helpers.flatMap((to, i) => {
      if (to === me) return [];
      return [sealScalar({ session, from: me, to, agreement, named: sessionId }, parts[i]!)];
    });
    const commitments = parts.map((part) => group.encode(group.mulBase(part)));
    return {
      round: 1,
      sessionId,
      commitments: concatBytes(...commitments),
      sealed: concatBytes(...sealed),
    };
  } finally {
    agreement.end();
  }
}
