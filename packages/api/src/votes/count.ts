import { compareBytes, encodeHex, equalBytes } from '@ckm/foundation';
import { faultInStatement } from './ballot.js';
import { hasSay, type Polling } from './judge.js';
import type { SignedVote } from './proof.js';
import type { VoteStatement } from './statement.js';

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
 * Where that one does not count, because it has expired or was given under other terms, an older one does not come back.
 */
export function holdVotes(votes: readonly ProvenVote[], polling: Polling): VotesHeld {
  const last = lastOfEach(votes.filter(({ statement }) => isIn(statement, polling)));
  const held = { yes: new Set<string>(), no: new Set<string>() };
  const reasons = new Map<string, string>();
  for (const voter of polling.approvers) {
    const statement = last.get(encodeHex(voter.xid))?.statement;
    if (statement === undefined || statement.verdict === 'takeBack' || !hasSay(voter, polling)) continue;
    if (faultInStatement(statement, polling.ballot, polling.moment) !== null) continue;
    held[statement.verdict].add(voter.name);
    if (statement.reason !== null) reasons.set(voter.name, statement.reason);
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

/** Serials are counted in one matter: what was said in another one takes the place of nothing here. */
function isIn({ matter, matterId, keyId }: VoteStatement, { ballot }: Polling): boolean {
  return matter === ballot.matter && equalBytes(matterId, ballot.matterId) && equalBytes(keyId, ballot.keyId);
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
