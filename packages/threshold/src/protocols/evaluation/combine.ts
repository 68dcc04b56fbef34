import { UsageError } from '@ckm/foundation';
import type { Element } from '../../group/group.js';
import type { PublicKeyPackage } from '../../key/public-package.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { lagrangeAtZero } from '../../sharing/index.js';
import type { Evaluation } from './evaluation.js';
import { groupOf, openPartial } from './partial.js';

/** What one server answered; `partial` is of {@link evaluateShare}, unsealed. */
export interface Answer {
  readonly slot: PartyIndex;
  readonly partial: Uint8Array;
}

export interface Combined {
  /** k·P for each point, in order; undefined while fewer than a quorum have answered well. Secret. */
  readonly results: readonly Element[] | undefined;
  /** Whose answer is not what their certified share gives; another server's takes its place. */
  readonly wrong: readonly PartyIndex[];
}

/**
 * Puts a quorum's answers together; any of them give the same results. Every answer is verified before it is used, and the
 * first quorum of good ones, in the order given, counts.
 * @param answers one of each slot at most, of this very evaluation and epoch
 * @throws UsageError `ANSWER_DOUBLED` · as {@link openPartial} for the question
 * Source: Shamir 1979 in the exponent; RFC 9591 §4.2 for the weights
 */
export function combineAnswers(
  key: PublicKeyPackage,
  evaluation: Evaluation,
  answers: readonly Answer[],
): Combined {
  assertOneEach(answers);
  const wrong: PartyIndex[] = [];
  const good: { readonly slot: PartyIndex; readonly outputs: readonly Element[] }[] = [];
  for (const { slot, partial } of answers) {
    const outputs = openPartial(key, slot, evaluation, partial);
    if (outputs === undefined) wrong.push(slot);
    else good.push({ slot, outputs });
  }
  const { needed } = key.quorum;
  if (good.length < needed) return { results: undefined, wrong };
  return { results: interpolate(key, evaluation, good.slice(0, needed)), wrong };
}

/** Constant-time in the outputs, which are secret; the weights are not. */
function interpolate(
  key: PublicKeyPackage,
  { points }: Evaluation,
  good: readonly { readonly slot: PartyIndex; readonly outputs: readonly Element[] }[],
): readonly Element[] {
  const group = groupOf(key);
  const slots = good.map(({ slot }) => slot);
  const weights = slots.map((slot) => group.scalars.parseSecret(lagrangeAtZero(group, slots, slot)));
  return points.map((_, i) =>
    group.sum(good.map(({ outputs }, at) => group.mulSecret(outputs[i]!, weights[at]!))),
  );
}

function assertOneEach(answers: readonly Answer[]): void {
  if (new Set(answers.map(({ slot }) => slot)).size === answers.length) return;
  throw new UsageError('a server answered twice', {
    code: 'ANSWER_DOUBLED',
    hint: 'keep one answer of each server',
  });
}
