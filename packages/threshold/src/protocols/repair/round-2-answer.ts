import { equalBytes, reveal } from '@ckm/foundation';
import type { Agreement, SecretScalar } from '../../group/group.js';
import type { Incoming } from '../../protocol/contract.js';
import { type AnswerMessage, type RepairMessage, SEALED_LENGTH, type SplitMessage } from './messages.js';
import { aborted, collect, type RepairStep, viewsDiffer } from './output.js';
import { openScalar, sealScalar } from './sealed-scalar.js';
import { type CheckedSplit, checkSplits, hashView, type Session, sessionOf } from './session.js';
import type { SplitState, TargetState } from './state.js';
import { type Part, sumParts } from './sum-parts.js';

/**
 * With all splits there: checks that all saw the same round 0, then what anybody can check, last what was sealed to this
 * helper; adds its parts of all splits up, and seals the sum to the target.
 */
export function answer(
  state: SplitState | (TargetState & { readonly round: 1 }),
  inbox: readonly Incoming<RepairMessage>[],
): RepairStep {
  const round1 = collect(state, inbox, state.role === 'helper' ? state.posted : null);
  if ('kind' in round1) return round1;
  const session = sessionOf(state.repair, state.round0);
  if (!round1.every(({ sessionId }) => equalBytes(sessionId, session.sessionId))) return viewsDiffer(1);
  const splits = checkSplits(state.repair, round1);
  if ('code' in splits) return aborted(splits);
  if (state.role === 'target') return { kind: 'waiting', state: { ...state, round: 2, round1 }, outbox: [] };
  return answerTarget(state, session, round1, splits);
}

function answerTarget(
  state: SplitState,
  session: Session,
  round1: readonly SplitMessage[],
  splits: readonly CheckedSplit[],
): RepairStep {
  const { repair, me } = state;
  const { group } = session.suite;
  const runSecret = group.scalars.parseSecret(reveal(state.runSecret, 'open what the other helpers sealed'));
  const agreement = group.agree(runSecret);
  try {
    const parts = partsFor(state, session, agreement, round1, splits);
    const sum = sumParts(group, parts, group.sum(parts.map(({ commitment }) => commitment)));
    if (!(sum instanceof Uint8Array)) return aborted({ code: 'SUSPECT_SHARE', round: 1, culprits: sum });
    const view = hashView(session, round1);
    const to = repair.loss.slot;
    const sealed = sealScalar({ session, from: me, to, agreement, named: view }, sum);
    sum.fill(0);
    const body: AnswerMessage = { round: 2, view, sealed };
    return { kind: 'finished', output: { role: 'helper' }, outbox: [{ to, round: 2, body }] };
  } finally {
    agreement.end();
    runSecret.fill(0);
  }
}

/** What every helper split off for this one. */
function partsFor(
  { repair, me, kept }: SplitState,
  session: Session,
  agreement: Agreement,
  round1: readonly SplitMessage[],
  splits: readonly CheckedSplit[],
): readonly Part[] {
  const { helpers } = repair;
  const column = helpers.indexOf(me);
  return helpers.map((helper, row) => {
    const commitment = splits[row]![column]!;
    if (helper === me) return { helper, scalar: ownPart(session, kept), commitment };
    // A helper seals nothing to itself, so that the places behind its own move up by one.
    const place = column < row ? column : column - 1;
    const sealed = round1[row]!.sealed.subarray(place * SEALED_LENGTH, (place + 1) * SEALED_LENGTH);
    const channel = { session, from: helper, to: me, agreement, named: session.sessionId };
    return { helper, scalar: openScalar(channel, sealed), commitment };
  });
}

function ownPart({ suite }: Session, kept: SplitState['kept']): SecretScalar {
  return suite.group.scalars.parseSecret(reveal(kept, 'add it to what the other helpers gave'));
}
