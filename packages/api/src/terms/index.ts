export { ballotOfTerms, takenAway, votersOf } from './ballot.js';
export { termsChangeSentences } from './change-sentence.js';
export { partsLoosened, type TermsPart } from './compare.js';
export type { Comparison, Condition } from './condition.js';
export { encodeTerms, parseTerms, readTerms } from './encode.js';
export { TERMS_ERRORS, type TermsErrorCode, termsRefusal } from './errors.js';
export type { FactTable, TotalAsked } from './facts.js';
export type { LimitedTotal } from './judge.js';
export {
  MAX_TERMS_LINKS,
  type TermsLink,
  termsLearn,
  termsPropose,
  termsShow,
  type TermsStanding,
  termsStanding,
  termsVeto,
  type TermsView,
  type WaitingTerms,
} from './functions.js';
export {
  type Awaited,
  countVotes,
  createTermsJudge,
  rejectsEndOf,
  type JudgedRequest,
  type TermsJudge,
  type TermsVerdict,
  type VotesCounted,
} from './judge.js';
export {
  type Approver,
  approverName,
  keyTerms,
  type KeyTerms,
  type PeopleRule,
  type UseRule,
} from './schema.js';
export { rulesSentences, termsSentences } from './sentence.js';
export { encodeTermsProposal, readTermsProposal, type TermsProposal } from './proposal.js';
export {
  assertChangeOfTerms,
  changeOfTerms,
  encodeTermsChange,
  isSettling,
  MAX_TERMS_CHANGE_BYTES,
  MOST_TERMS_AHEAD,
  parseTermsChange,
  type TermsChange,
  termsChangeDigest,
  versionOf,
} from './statement.js';
