import { type CarriedVote, MOST_VOTES_CHARACTERS, parseVotes } from '@ckm/api';
import { encodeHex, equalBytes, UsageError } from '@ckm/foundation';
import { readCarried } from '../picture/read-carried.js';

/** So many go with one request. */
const MOST_VOTES = 16;

/** Votes out of the files of those who gave them. @throws EncodingError `VOTE_INVALID`, `CBOR_…`; UsageError `VOTES_TOO_MANY` */
export async function readVotes(paths: readonly string[]): Promise<readonly CarriedVote[]> {
  const votes: CarriedVote[] = [];
  for (const path of paths) {
    const text = await readCarried(path, MOST_VOTES_CHARACTERS, 'name the right file: no votes are so long');
    votes.push(...parseVotes(text));
  }
  if (votes.length <= MOST_VOTES) return votes;
  throw new UsageError(`these are ${votes.length} votes, and ${MOST_VOTES} go with one request`, {
    code: 'VOTES_TOO_MANY',
    hint: 'bring some of them, and then the others',
  });
}

/** @throws UsageError `VOTES_OF_ANOTHER` */
export function assertVotesOn(votes: readonly CarriedVote[], requestId: Uint8Array): void {
  const other = votes.find(
    ({ statement: { matter, matterId } }) => matter !== 'request' || !equalBytes(matterId, requestId),
  );
  if (other === undefined) return;
  const id = encodeHex(other.statement.matterId).slice(0, 8);
  throw new UsageError(`a vote is about ${id}, and not about this request`, {
    code: 'VOTES_OF_ANOTHER',
    hint: 'name the request that it is about, or the right file',
  });
}
