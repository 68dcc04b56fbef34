export { feldmanCommit, feldmanEvaluate, feldmanEvaluateAll, feldmanVerify } from './feldman.js';
export { lagrangeAt, lagrangeAtZero } from './lagrange.js';
export { parsePartyIndex, parsePartySet } from './party-index.js';
export { evaluatePolynomial } from './polynomial.js';
export { MOST_PARTIES, parseQuorum, type Quorum } from './quorum.js';
