export * from './fields.js';
export * from './functions.js';
export * from './policy.js';
export * from './sessions.js';
export * from './signing.js';
