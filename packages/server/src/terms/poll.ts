import {
  ballotOfTerms,
  hearVote,
  holdVotes,
  isEnded,
  keptVotes,
  type KeyTerms,
  MAX_VOTES,
  NOTHING_KEPT,
  parseVote,
  type Polling,
  type SignedVote,
  silentIn,
  takenAway,
  type TermsChange,
  votersOf,
  type VotesHeld,
} from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { judgeVotes } from '../votes/judge-vote.js';
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
 * Votes that are kept, and those that came besides: of each approver the last, and a no over it that does not count. A vote that counts nothing is no reason to
 * refuse the others.
 * @param kept as they were kept, and proven when they came
 */
export function takeVotes(
  means: Pick<TermsMeans, 'isAssertion'>,
  polling: Polling,
  kept: readonly Uint8Array[],
  came: readonly Uint8Array[],
): { readonly votes: readonly Uint8Array[]; readonly refused: readonly RefusedVote[] } {
  const held = keptVotes(kept.map(told), polling);
  const judged = judgeVotes(came, polling, means.isAssertion);
  for (const { vote, bytes } of [...judged.votes, ...judged.besides]) {
    const name = nameOf(vote);
    const after = hearVote(held.get(name) ?? NOTHING_KEPT, { ...vote, bytes }, polling);
    if (after !== null) held.set(name, after);
  }
  const all = [...held.values()];
  // A yes that a no has ended needs no place: no more votes than one of each approver fit beside a change.
  const last = all.map(({ counted, besides }) =>
    isEnded({ counted, besides }) ? besides! : (counted ?? besides!),
  );
  const besides = all.flatMap((one) =>
    one.besides === null || last.includes(one.besides) ? [] : [one.besides],
  );
  const votes = [...last, ...besides].slice(0, MAX_VOTES).map(({ bytes }) => bytes);
  return { votes, refused: judged.refused };
}

type Told = SignedVote & { readonly bytes: Uint8Array };

function told(bytes: Uint8Array): Told {
  return { ...parseVote(bytes), bytes };
}

function nameOf({ statement }: Pick<SignedVote, 'statement'>): string {
  return encodeHex(statement.approver);
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

/** Whether as many had agreed as terms asked, by votes that counted when they were kept. Whoever said no besides has not. */
export function haveAgreed(terms: KeyTerms, kept: readonly Uint8Array[]): boolean {
  const { change } = terms;
  if (change === undefined || change.needed === 0) return false;
  const said = kept.map((bytes) => parseVote(bytes).statement);
  const hasAgreed = (xid: Uint8Array) => {
    const its = said.filter(({ approver }) => equalBytes(approver, xid));
    return its.length > 0 && its.every(({ verdict }) => verdict === 'yes');
  };
  const yeses = votersOf(terms).filter(({ name, xid }) => change.of.includes(name) && hasAgreed(xid));
  return yeses.length >= change.needed;
}
