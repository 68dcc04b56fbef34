import { z } from 'zod';
import { bytesUpTo } from '../fields/fields.js';
import { MAX_VOTE_BYTES, parseVote, type SignedVote } from '../votes/proof.js';
import { voteInvalid } from '../votes/statement.js';
import { type Paper, readPaper, writePaper } from './paper.js';

/** Votes on one paper: as many as one message brings. */
const MOST_VOTES = 16;
/** Of the file, in characters: so many of the longest votes have less. */
export const MOST_VOTES_CHARACTERS = 300_000;
const LIMITS = { maxBytes: 150_000, maxDepth: 2, maxItems: 64 } as const;

const paperOfVotes = z.strictObject({
  v: z.literal(1),
  kind: z.literal('votes'),
  votes: z.array(bytesUpTo(MAX_VOTE_BYTES)).min(1).max(MOST_VOTES),
});

/** A vote as it was brought, and as it was read. */
export interface CarriedVote extends SignedVote {
  readonly bytes: Uint8Array;
}

/** Votes to be carried by whoever has them, as `ur:envelope/…`. @param votes as `signVote` gives them, 16 at most */
export function writeVotes(votes: readonly Uint8Array[]): Paper {
  return writePaper({ v: 1, kind: 'votes', votes: [...votes] });
}

/** Reads them. Whether they count, servers judge. @throws EncodingError `VOTE_INVALID`, `CBOR_…` */
export function parseVotes(text: string): readonly CarriedVote[] {
  const paper = text.length > MOST_VOTES_CHARACTERS ? null : readPaper(text, LIMITS);
  const parsed = paperOfVotes.safeParse(paper?.content);
  if (!parsed.success) throw voteInvalid();
  return parsed.data.votes.map((bytes) => ({ ...parseVote(bytes), bytes }));
}
