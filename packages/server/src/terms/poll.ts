import {
  ballotOfTerms,
  holdVotes,
  judgeVote,
  type KeyTerms,
  parseVote,
  type Polling,
  type SignedVote,
  silentIn,
  supersedes,
  takenAway,
  type TermsChange,
  votersOf,
  type VotesHeld,
} from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { TermsMeans } from './means.js';

/** A change of terms, from those in force to those to be. */
export interface Step {
  readonly change: TermsChange;
  readonly before: KeyTerms;
  readonly after: KeyTerms;
}

/** A vote among those that came which counts nothing here, by its place among them. */
export interface RefusedVote {
  readonly at: number;
  readonly code: string;
}

/** A vote on a change that is over is one for nothing: the change is named by what was drawn for it, so that no time needs to end it. */
const NEVER = 253_402_300_799;

/** By what votes on a change are judged and counted here, now. */
export function pollingOf(
  { context }: Pick<TermsMeans, 'context'>,
  { change, before, after }: Step,
): Polling {
  const { clock, config, identity } = context;
  return {
    ballot: ballotOfTerms(change, { serverId: identity.xid, expiresAt: NEVER }),
    approvers: votersOf(before),
    without: takenAway(before, after),
    moment: { now: clock(), maxSkewSeconds: config.limits.clockSkewSeconds },
  };
}

/**
 * Votes that are kept, and those that came besides: of each approver the last. A vote that counts nothing is no reason to refuse the others.
 * @param kept as they were kept, and proven when they came
 */
export function takeVotes(
  means: Pick<TermsMeans, 'isAssertion'>,
  polling: Polling,
  kept: readonly Uint8Array[],
  came: readonly Uint8Array[],
): { readonly votes: readonly Uint8Array[]; readonly refused: readonly RefusedVote[] } {
  const refused: RefusedVote[] = [];
  let votes = kept.map((bytes) => ({ bytes, vote: parseVote(bytes) }));
  for (const [at, bytes] of came.entries()) {
    const vote = readVote(bytes);
    const code = typeof vote === 'string' ? vote : judgeVote(vote, polling, means.isAssertion);
    if (typeof vote === 'string' || code !== null) {
      refused.push({ at, code: code ?? 'VOTE_INVALID' });
      continue;
    }
    const { approver } = vote.statement;
    const before = votes.find((one) => equalBytes(one.vote.statement.approver, approver));
    if (before !== undefined && !supersedes(vote, before.vote)) continue;
    votes = [...votes.filter((one) => one !== before), { bytes, vote }];
  }
  return { votes: votes.map(({ bytes }) => bytes), refused };
}

/** The vote, or the code of what is wrong with its form. */
function readVote(bytes: Uint8Array): SignedVote | string {
  try {
    return parseVote(bytes);
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
}

/** Who says what by the votes that are kept, and who has no say. */
export function countKept(
  polling: Polling,
  kept: readonly Uint8Array[],
): { readonly votes: VotesHeld; readonly without: ReadonlySet<string> } {
  return { votes: holdVotes(kept.map(parseVote), polling), without: silentIn(polling) };
}

/** Whether people whom the terms in force ask have agreed, whatever time it still needs. */
export function isAgreed({ change }: KeyTerms, { votes, without }: ReturnType<typeof countKept>): boolean {
  if (change === undefined || change.needed === 0) return false;
  const has = (name: string) => votes.yes.has(name) && !without.has(name);
  return change.of.filter(has).length >= change.needed;
}
