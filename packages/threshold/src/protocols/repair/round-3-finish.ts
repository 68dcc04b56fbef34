import { equalBytes, reveal, secret } from '@ckm/foundation';
import { certifiedShare } from '../../key/certified-epoch.js';
import type { Incoming } from '../../protocol/contract.js';
import type { AnswerMessage, RepairMessage } from './messages.js';
import { aborted, collect, type RepairStep, viewsDiffer } from './output.js';
import { openScalar } from './sealed-scalar.js';
import { checkSplits, hashView, sessionOf } from './session.js';
import type { TargetState } from './state.js';
import { type Part, sumParts } from './sum-parts.js';

type AnsweredState = TargetState & { readonly round: 2 };

/**
 * With all answers there: the target adds them up to its share, and believes it only if it is the one that was certified.
 * Where it is not, each answer is compared with the commitments, to suspect whoever sent a wrong one.
 */
export function finish(state: AnsweredState, inbox: readonly Incoming<RepairMessage>[]): RepairStep {
  const round2 = collect(state, inbox, null);
  if ('kind' in round2) return round2;
  const { repair, me, round0, round1 } = state;
  const session = sessionOf(repair, round0);
  const view = hashView(session, round1);
  if (!round2.every((message) => equalBytes(message.view, view))) return viewsDiffer(2);
  const { group } = session.suite;
  const sum = sumParts(group, partsOf(state, view, round2), certifiedShare(repair.key, me));
  if (!(sum instanceof Uint8Array)) return aborted({ code: 'SUSPECT_SHARE', round: 2, culprits: sum });
  const share = { party: me, share: secret<Uint8Array>(sum), public: repair.key.public };
  return { kind: 'finished', output: { role: 'target', share }, outbox: [] };
}

/** What each helper answered, beside Σ Δ of everybody's splits for it. */
function partsOf(state: AnsweredState, view: Uint8Array, round2: readonly AnswerMessage[]): readonly Part[] {
  const { repair, me } = state;
  const session = sessionOf(repair, state.round0);
  const { group } = session.suite;
  const splits = checkSplits(repair, state.round1);
  const scalar = group.scalars.parseSecret(reveal(state.sealingSecret, 'open the answers of the helpers'));
  const agreement = group.agree(scalar);
  try {
    return repair.helpers.map((helper, i) => ({
      helper,
      scalar: openScalar({ session, from: helper, to: me, agreement, named: view }, round2[i]!.sealed),
      commitment: 'code' in splits ? group.identity : group.sum(splits.map((split) => split[i]!)),
    }));
  } finally {
    agreement.end();
    scalar.fill(0);
  }
}
