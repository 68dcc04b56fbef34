export { aggregate, type Aggregate, type SignatureShare, verifySignatureShare } from './aggregate.js';
export { type Commitment, commitNonces, discardNonces, type SigningNonces } from './round-1-commit.js';
export { signShare } from './round-2-sign.js';
export { parseCommitment, type SigningPackage } from './signing-package.js';
export { type FrostSuite, frostSuite } from './suite.js';
export { verifySignature } from './verify-signature.js';
export * from './roast/index.js';
