// What tests of other packages need of this one, as `@ckm/threshold/test`. Under the condition `ckm-source` only: it is
// not compiled, and never shipped.
export { signCocktail } from '../key/cocktail/signature.js';
export { cocktailSuite } from '../key/cocktail/suite.js';
export { isOfRound } from '../protocols/dkg/messages.js';
export { resultOf } from '../protocols/dkg/run.js';
export { decided } from '../key/certificate/fixtures/decided.js';
export { generate } from '../protocols/reshare/fixtures/changes.js';
export { nextInOnePlace } from '../protocols/reshare/fixtures/next-epoch.js';
