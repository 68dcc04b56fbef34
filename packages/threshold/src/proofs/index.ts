export * from './dleq/index.js';
export * from './schnorr/index.js';
