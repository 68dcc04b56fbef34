export type * from './group/group.js';
export * from './protocol/contract.js';
