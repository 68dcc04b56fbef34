import { compareBytes, encodeHex } from '@ckm/foundation';
import { faultInStatement, isInMatter } from './ballot.js';
import { hasSay, type Polling } from './judge.js';
import type { SignedVote } from './proof.js';

/** A vote whose proof was judged when it came (`judgeVote`). */
export type ProvenVote = Pick<SignedVote, 'statement' | 'digest'>;

/** Who says yes and who says no, by the names in the terms; nobody is in both. */
export interface VotesHeld {
  readonly yes: ReadonlySet<string>;
  readonly no: ReadonlySet<string>;
  /** Why, by the names of those who say no and say that too. */
  readonly reasons?: ReadonlyMap<string, string>;
}

/** Of one reason, and of all that is said in one line: the whole of each stands beside it. */
const [MOST_OF_ONE, MOST_OF_ALL] = [80, 200];

/** As in "bob (“call me first”), carol said no". @param noes names of some of those who say no */
export function noesInWords(noes: readonly string[], { reasons }: Pick<VotesHeld, 'reasons'>): string {
  const each = noes.map((name) => {
    const reason = reasons?.get(name);
    return reason === undefined ? name : `${name} (“${cut(reason)}”)`;
  });
  const whole = `${each.join(', ')} said no`;
  return whole.length <= MOST_OF_ALL ? whole : `${noes.join(', ')} said no`;
}

function cut(reason: string): string {
  const characters = Array.from(reason);
  return characters.length <= MOST_OF_ONE ? reason : `${characters.slice(0, MOST_OF_ONE).join('')}…`;
}

/**
 * What holds at this moment: of each approver who has a say the statement with the highest serial, whatever way and order they came in.
 * Where that one does not count, because it has expired or was given under other terms, an older one does not come back: but for a no under a no that
 * does not count here.
 */
export function holdVotes(votes: readonly ProvenVote[], polling: Polling): VotesHeld {
  const counts = ({ statement }: ProvenVote) =>
    faultInStatement(statement, polling.ballot, polling.moment) === null;
  const isBesides = (vote: ProvenVote) => vote.statement.verdict === 'no' && !counts(vote);
  const said = votes.filter(({ statement }) => isInMatter(statement, polling.ballot));
  const last = lastOfEach(said.filter((vote) => !isBesides(vote)));
  const besides = lastOfEach(said.filter(isBesides));
  const held = { yes: new Set<string>(), no: new Set<string>() };
  const reasons = new Map<string, string>();
  for (const voter of polling.approvers) {
    const vote = last.get(encodeHex(voter.xid));
    if (vote === undefined || !hasSay(voter, polling) || !counts(vote)) continue;
    const { verdict, reason } = vote.statement;
    if (verdict === 'takeBack') continue;
    if (verdict === 'yes' && isOver(vote, besides.get(encodeHex(voter.xid)) ?? null)) continue;
    held[verdict].add(voter.name);
    if (reason !== null) reasons.set(voter.name, reason);
  }
  return reasons.size === 0 ? held : { ...held, reasons };
}

/**
 * Names of approvers who have no say in one matter: rules ask only the others of those whom they name (`countVotes`, and `without` of what terms
 * judge).
 */
export function silentIn(polling: Polling): ReadonlySet<string> {
  return new Set(polling.approvers.filter((voter) => !hasSay(voter, polling)).map(({ name }) => name));
}

function lastOfEach(votes: readonly ProvenVote[]): ReadonlyMap<string, ProvenVote> {
  const last = new Map<string, ProvenVote>();
  for (const vote of votes) {
    const xid = encodeHex(vote.statement.approver);
    const before = last.get(xid);
    if (before === undefined || supersedes(vote, before)) last.set(xid, vote);
  }
  return last;
}

/** Of two statements with one serial the more careful one holds: whoever stole a key runs no serial up to where its owner cannot say no. */
const CARE = { yes: 0, takeBack: 1, no: 2 } as const;

/** Whether a vote takes the place of another one by the same approver in the same matter. Every server comes to the same answer. */
export function supersedes(vote: ProvenVote, before: ProvenVote): boolean {
  const [a, b] = [vote.statement, before.statement];
  if (a.serial !== b.serial) return a.serial > b.serial;
  if (a.verdict !== b.verdict) return CARE[a.verdict] > CARE[b.verdict];
  return compareBytes(vote.digest, before.digest) > 0;
}

/** What is kept of what one approver said in one matter: one of the two at least. */
export interface KeptVotes<V extends ProvenVote = ProvenVote> {
  /** The last of those that counted when they came. */
  readonly counted: V | null;
  /** The last no that did not: under other terms, on other content, too late. It is none here, and no yes before it counts. */
  readonly besides: V | null;
}

/**
 * What is kept once a vote of the same approver in the same matter was heard: the same in whatever order they come.
 * @param vote one that counts (`judgeVote`), or a no besides (`isNoBesides`)
 * @returns null: a newer word of his stands over it, or it is here already
 */
export function hearVote<V extends ProvenVote>(
  before: KeptVotes<V>,
  vote: V,
  { ballot, moment }: Pick<Polling, 'ballot' | 'moment'>,
): KeptVotes<V> | null {
  const counts = faultInStatement(vote.statement, ballot, moment) === null;
  const place = counts ? 'counted' : 'besides';
  return isOver(vote, before[place]) ? null : { ...before, [place]: vote };
}

/** Whether the last vote that counted is a yes, and a no besides ends it: it is kept, so that nothing older comes back. */
export function isEnded({ counted, besides }: KeptVotes): boolean {
  return counted?.statement.verdict === 'yes' && isOver(counted, besides);
}

/** Votes in one matter that were kept, and are not told apart any more, by the hex XIDs of who gave them. */
export function keptVotes<V extends ProvenVote>(
  votes: readonly V[],
  { ballot, moment }: Pick<Polling, 'ballot' | 'moment'>,
): Map<string, KeptVotes<V>> {
  const kept = new Map<string, KeptVotes<V>>();
  for (const vote of votes) {
    const name = encodeHex(vote.statement.approver);
    const before = kept.get(name) ?? NOTHING_KEPT;
    const isNo = vote.statement.verdict === 'no';
    const place = isNo && faultInStatement(vote.statement, ballot, moment) !== null ? 'besides' : 'counted';
    if (!isOver(vote, before[place])) kept.set(name, { ...before, [place]: vote });
  }
  return kept;
}

/** Of whoever has said nothing. */
export const NOTHING_KEPT = { counted: null, besides: null } as const;

function isOver(vote: ProvenVote, before: ProvenVote | null): boolean {
  return before !== null && !supersedes(vote, before);
}
