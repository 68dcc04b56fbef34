import {
  type JudgeAssertion,
  judgeVote,
  parseVote,
  type Polling,
  type RefusedVote,
  type SignedVote,
} from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { faultInAssertion } from './webauthn.js';

/** Votes that count by what they say and who says it, and why the others do not. */
export interface JudgedVotes {
  readonly votes: readonly { readonly at: number; readonly vote: SignedVote; readonly bytes: Uint8Array }[];
  readonly refused: readonly RefusedVote[];
}

const isAssertion: JudgeAssertion = (passkey, digest, assertion) =>
  faultInAssertion(passkey, digest, assertion) === null;

/** Judges votes by whatever way they came, each by itself. Nothing of what they say is believed. */
export function judgeVotes(carried: readonly Uint8Array[], polling: Polling): JudgedVotes {
  const votes: { at: number; vote: SignedVote; bytes: Uint8Array }[] = [];
  const refused: RefusedVote[] = [];
  for (const [at, bytes] of carried.entries()) {
    const vote = readVote(bytes);
    const code = typeof vote === 'string' ? vote : judgeVote(vote, polling, isAssertion);
    if (code !== null) refused.push({ at, code });
    else if (typeof vote !== 'string') votes.push({ at, vote, bytes });
  }
  return { votes, refused };
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
