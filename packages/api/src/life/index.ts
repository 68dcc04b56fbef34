export {
  type FreezePaper,
  MOST_FREEZE_PAPER_CHARACTERS,
  parseFreezePaper,
  writeFreezePaper,
} from './freeze-paper.js';
export { readFreeze, signFreeze, type SignedFreeze, whoFroze } from './freeze-statement.js';
export { type SignedStatement, signedStatement, type Signer, statementForeign } from './signed-statement.js';
