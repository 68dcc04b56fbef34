import { equalBytes } from '@ckm/foundation';
import type { VoteFault } from './faults.js';
import type { VoteMatter, VoteStatement } from './statement.js';

/** What is voted on, as whoever counts knows it by itself: nothing of it comes from a vote. */
export interface Ballot extends Pick<
  VoteStatement,
  'matter' | 'matterId' | 'keyId' | 'termsHash' | 'requester' | 'kind' | 'payloadHash' | 'tasksHash'
> {
  /** XID of the server that counts, or that somebody counts for. */
  readonly serverId: Uint8Array;
  /** UnixSeconds. When the matter itself is over. */
  readonly expiresAt: number;
}

export interface Moment {
  /** UnixSeconds. */
  readonly now: number;
  /** By how much a clock may be ahead of this one. */
  readonly maxSkewSeconds: number;
}

const DAY = 86_400;

/** For how many seconds a vote may count. An order, and an export, waits for up to a week, and is good for another one; a freeze stands for a week at most. */
export const LONGEST_VOTE: Readonly<Record<VoteMatter, number>> = {
  request: DAY,
  export: 14 * DAY,
  thaw: 7 * DAY,
  terms: 14 * DAY,
  order: 14 * DAY,
  case: 14 * DAY,
};

/**
 * Why a statement does not count on this ballot at this moment, whoever proves it; null: it does. What was said is taken back in the whole matter: for whichever
 * servers, under whichever terms, and however late that is shown.
 */
export function faultInStatement(statement: VoteStatement, ballot: Ballot, moment: Moment): VoteFault | null {
  if (statement.verdict === 'takeBack') return faultInMatter(statement, ballot);
  return faultInMeaning(statement, ballot) ?? faultInTime(statement, ballot, moment);
}

/** Whether a statement is about the matter of this ballot, whatever else is wrong with it: serials are counted in one matter. */
export function isInMatter(
  { matter, matterId, keyId }: VoteStatement,
  ballot: Pick<Ballot, 'matter' | 'matterId' | 'keyId'>,
): boolean {
  return matter === ballot.matter && equalBytes(matterId, ballot.matterId) && equalBytes(keyId, ballot.keyId);
}

function faultInMatter(statement: VoteStatement, ballot: Ballot): VoteFault | null {
  if (isInMatter(statement, ballot)) return null;
  return equalBytes(statement.keyId, ballot.keyId) ? 'VOTE_IN_OTHER_MATTER' : 'VOTE_FOR_OTHER_KEY';
}

/** In the order in which a server knows its own: for whom, which key, under which terms, about what. */
function faultInMeaning(statement: VoteStatement, ballot: Ballot): VoteFault | null {
  const isSame = (name: 'keyId' | 'termsHash' | 'payloadHash' | 'tasksHash') =>
    equalBytes(statement[name], ballot[name]);
  if (!statement.audience.some((server) => equalBytes(server, ballot.serverId)))
    return 'VOTE_FOR_OTHER_SERVERS';
  if (!isSame('keyId')) return 'VOTE_FOR_OTHER_KEY';
  if (!isSame('termsHash')) return 'VOTE_UNDER_OTHER_TERMS';
  if (!isInMatter(statement, ballot)) return 'VOTE_IN_OTHER_MATTER';
  if (!isSameRequester(statement.requester, ballot.requester)) return 'VOTE_FOR_OTHER_REQUESTER';
  if (statement.kind !== ballot.kind || !isSame('payloadHash') || !isSame('tasksHash'))
    return 'VOTE_ON_OTHER_CONTENT';
  return null;
}

function isSameRequester(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b);
}

/** A no that lasts longer than what it is about ends with that: it would be worse to hear nothing of it. */
function faultInTime(
  { matter, verdict, issuedAt, expiresAt }: VoteStatement,
  ballot: Ballot,
  { now, maxSkewSeconds }: Moment,
): VoteFault | null {
  if (issuedAt > now + maxSkewSeconds) return 'VOTE_NOT_YET';
  if (expiresAt <= now) return 'VOTE_EXPIRED';
  const isLong = expiresAt > ballot.expiresAt || expiresAt - issuedAt > LONGEST_VOTE[matter];
  if (isLong && verdict === 'yes') return 'VOTE_LASTS_TOO_LONG';
  return null;
}
