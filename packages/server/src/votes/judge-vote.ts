import {
  isNoBesides,
  type JudgeAssertion,
  judgeVote,
  parseVote,
  type Polling,
  type RefusedVote,
  type SignedVote,
} from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { faultInAssertion } from './webauthn.js';

/** A vote that was judged, and its place among those that came. */
export interface JudgedVote {
  readonly at: number;
  readonly vote: SignedVote;
  readonly bytes: Uint8Array;
}

/** Votes that count by what they say and who says it, and why the others do not. */
export interface JudgedVotes {
  readonly votes: readonly JudgedVote[];
  /** Noes among those that are refused which end a yes of before all the same. */
  readonly besides: readonly JudgedVote[];
  readonly refused: readonly RefusedVote[];
}

const isAssertion: JudgeAssertion = (passkey, digest, assertion) =>
  faultInAssertion(passkey, digest, assertion) === null;

/** Judges votes by whatever way they came, each by itself. Nothing of what they say is believed. */
export function judgeVotes(
  carried: readonly Uint8Array[],
  polling: Polling,
  judgeAssertion: JudgeAssertion = isAssertion,
): JudgedVotes {
  const votes: JudgedVote[] = [];
  const besides: JudgedVote[] = [];
  const refused: RefusedVote[] = [];
  for (const [at, bytes] of carried.entries()) {
    const vote = readVote(bytes);
    const code = typeof vote === 'string' ? vote : judgeVote(vote, polling, judgeAssertion);
    if (code !== null) refused.push({ at, code });
    if (typeof vote === 'string') continue;
    if (code === null) votes.push({ at, vote, bytes });
    else if (isNoBesides(vote, polling, judgeAssertion)) besides.push({ at, vote, bytes });
  }
  return { votes, besides, refused };
}

/** A vote, or the code with which it is refused: whoever brings one can never make this throw. */
export function readVote(bytes: Uint8Array): SignedVote | string {
  try {
    return parseVote(bytes);
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
}
