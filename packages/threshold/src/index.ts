export type * from './group/group.js';
export * from './protocol/contract.js';

// group
export { groupNamed, nobleGroup } from './group/index.js';
// hash
export { hash, HASH_TAGS, type HashName, type HashTag, taggedHash, taggedHash64 } from './hash/index.js';
// sharing
export {
  evaluatePolynomial,
  feldmanCommit,
  feldmanEvaluate,
  feldmanVerify,
  lagrangeAtZero,
  MOST_PARTIES,
  parsePartyIndex,
  parsePartySet,
  parseQuorum,
  type Quorum,
} from './sharing/index.js';
