export { type Alive, assertAlive, readAlive, signAlive } from './alive-statement.js';
export {
  type FreezePaper,
  MOST_FREEZE_PAPER_CHARACTERS,
  parseFreezePaper,
  writeFreezePaper,
} from './freeze-paper.js';
export { readFreeze, signFreeze, type SignedFreeze, whoFroze } from './freeze-statement.js';
export { type SignedStatement, signedStatement, type Signer, statementForeign } from './signed-statement.js';
export {
  isGranted,
  isRipe,
  JUST_HEARD,
  LEAST_NOTICE_SECONDS,
  noticeSent,
  type Silence,
  type SilenceCase,
  type SilenceRule,
  silentFor,
  warnedOf,
  warningDue,
  withCase,
} from './silence.js';
