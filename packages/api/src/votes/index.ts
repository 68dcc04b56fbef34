export { type Ballot, LONGEST_VOTE, type Moment } from './ballot.js';
export * from './functions.js';
export {
  hearVote,
  holdVotes,
  isEnded,
  type KeptVotes,
  keptVotes,
  noesInWords,
  NOTHING_KEPT,
  type ProvenVote,
  silentIn,
  supersedes,
  type VotesHeld,
} from './count.js';
export { type VoteFault, voteRefused } from './faults.js';
export { isNoBesides, judgeVote, type Polling } from './judge.js';
export {
  encodeVote,
  isProvenBy,
  type JudgeAssertion,
  MAX_ASSERTION_SIGNATURE_BYTES,
  MAX_AUTHENTICATOR_DATA_BYTES,
  MAX_CLIENT_DATA_BYTES,
  MAX_VOTE_BYTES,
  parseVote,
  type PasskeyAssertion,
  type SignedVote,
  signVote,
  type VoteProof,
} from './proof.js';
export type { NamedAs } from './named-ballot.js';
export { isRequester, type RequestNamed, signRequester } from './requester.js';
export { voteSentence } from './sentence.js';
export {
  encodeVoteStatement,
  hashVote,
  MAX_VOTE_STATEMENT_BYTES,
  type VoteMatter,
  voteMatter,
  type VoteStatement,
  voteStatement,
} from './statement.js';
export { type Passkey, type Voter, type VoterKey, xidOfKey } from './voter.js';
