export { blindInput, type BlindedInput, unblind } from './blind.js';
export { type Answer, combineAnswers, type Combined } from './combine.js';
export { derivedSecret, pointOfLabel } from './derive.js';
export { type Evaluation, EVALUATION_GROUPS, type EvaluationMode, MOST_POINTS } from './evaluation.js';
export { evaluationAt } from './points.js';
export { evaluateShare, openPartial } from './partial.js';
export { decodeX25519, encodeX25519 } from './x25519.js';
