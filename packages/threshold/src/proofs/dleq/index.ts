export { proveEqualLogs } from './prove.js';
export { type EqualLogsPair, type EqualLogsStatement, voprfContext } from './statement.js';
export { verifyEqualLogs } from './verify.js';
