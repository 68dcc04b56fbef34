import { encodeHex, equalBytes } from '@ckm/foundation';
import { type Ballot, faultInStatement, isInMatter, type Moment } from './ballot.js';
import type { VoteFault } from './faults.js';
import { isProvenBy, type JudgeAssertion, type SignedVote } from './proof.js';
import { isAmong, type Voter } from './voter.js';

/** By what votes in one matter are judged and counted. */
export interface Polling {
  readonly ballot: Ballot;
  /** As the terms of the key certify them. */
  readonly approvers: readonly Voter[];
  /**
   * XIDs that have no say in this matter: other ones of who asks, and in a change of terms whoever it takes away. The requester of
   * the ballot need not stand here.
   */
  readonly without: readonly Uint8Array[];
  readonly moment: Moment;
}

/** What is wrong with a vote, by whatever way it came; null: it may be counted. Nothing but its bytes is believed. */
export function judgeVote(vote: SignedVote, polling: Polling, isAssertion: JudgeAssertion): VoteFault | null {
  const fault = faultInStatement(vote.statement, polling.ballot, polling.moment);
  return fault ?? faultInVoter(vote, polling, isAssertion);
}

/**
 * Whether a vote that does not count ({@link judgeVote}) is a no of an approver in this matter all the same: under other terms, on other content, or shown too late.
 * It is no no here, and an earlier yes of the same approver counts no more.
 */
export function isNoBesides(vote: SignedVote, polling: Polling, isAssertion: JudgeAssertion): boolean {
  const { statement } = vote;
  if (statement.verdict !== 'no' || !isInMatter(statement, polling.ballot)) return false;
  return faultInVoter(vote, polling, isAssertion) === null;
}

function faultInVoter(vote: SignedVote, polling: Polling, isAssertion: JudgeAssertion): VoteFault | null {
  const voter = polling.approvers.find(({ xid }) => equalBytes(xid, vote.statement.approver));
  if (voter === undefined) return 'VOTE_NOT_BY_APPROVER';
  if (!hasSay(voter, polling)) return 'VOTE_BY_REQUESTER';
  return isProvenBy(vote, voter, isAssertion) ? null : 'VOTE_NOT_PROVEN';
}

/** Whether an approver neither asks himself nor is taken away by the matter. */
export function hasSay(voter: Voter, { ballot: { requester }, without }: Polling): boolean {
  const silent = requester === null ? without : [...without, requester];
  return !isAmong(voter, new Set(silent.map(encodeHex)));
}
