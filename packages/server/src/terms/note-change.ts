import { termsChangeDigest, termsChangeSentences, type VotesHeld } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { Call, ServerContext } from '../context.js';
import type { KeyRow, Transaction } from '../storage/storage.js';
import type { ChangeVerdict } from './judge-change.js';
import type { Step } from './poll.js';

/** What the log holds of one change in words; the terms themselves are stored beside it. */
const MOST_CHARACTERS = 4_000;

const WAYS = {
  tighter: 'provably tighter',
  words: 'by the words',
  people: 'by those who are asked',
  time: 'by its delay',
  others: 'others have it in force',
} as const;

/** Who proposes, stops or brings something, as the audit log names him. */
export function proposerOf({ by }: Pick<Call, 'by'>): string {
  return by.may === null ? 'by the words' : `by device ${encodeHex(by.id).slice(0, 8)}`;
}

/**
 * Writes down what became of a change: its sentences are those that everybody reads, and its operator is told.
 * @param by null: nobody but time
 */
export async function noteChange(
  { audit }: Pick<ServerContext, 'audit'>,
  transaction: Transaction,
  { owner, keyId }: KeyRow,
  step: Step,
  said: { readonly verdict: ChangeVerdict; readonly by: string | null; readonly votes: VotesHeld },
): Promise<void> {
  const { verdict } = said.verdict;
  await audit.append(transaction, {
    deed: DEEDS[verdict],
    who: said.by === null ? null : owner,
    keyId,
    subject: termsChangeDigest(step.change),
    sentence: sentenceOf(step),
    verdict: verdict === 'waits' ? 'asked' : verdict === 'inForce' ? 'done' : 'rejected',
    policy: '',
    detail: detailOf(said),
  });
}

const DEEDS = { waits: 'terms.propose', inForce: 'terms.change', over: 'terms.stop' } as const;

function detailOf({
  verdict,
  by,
  votes,
}: {
  readonly verdict: ChangeVerdict;
  readonly by: string | null;
  readonly votes: VotesHeld;
}): string {
  const named = (what: string, names: ReadonlySet<string>) =>
    names.size === 0 ? [] : [`${what} by ${[...names].toSorted().join(', ')}`];
  const why =
    verdict.verdict === 'inForce'
      ? [WAYS[verdict.way]]
      : verdict.verdict === 'over'
        ? [verdict.reason]
        : [`${verdict.missing} more to say yes`];
  return [...(by === null ? [] : [by]), ...why, ...named('yes', votes.yes), ...named('no', votes.no)].join(
    ', ',
  );
}

/** A change in the sentences that everybody reads, as far as there is room. */
export function sentenceOf({ before, after }: Step): string {
  const whole = `${termsChangeSentences(before, after, REQUEST_FACTS).join('. ')}.`;
  return whole.length <= MOST_CHARACTERS ? whole : `${whole.slice(0, MOST_CHARACTERS)} … (not all of it)`;
}
