export { proveKnowledge } from './prove.js';
export type { KnowledgeStatement } from './statement.js';
export { verifyKnowledge } from './verify.js';
