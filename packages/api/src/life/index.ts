export { type Alive, assertAlive, readAlive, signAlive } from './alive-statement.js';
export {
  type FreezePaper,
  MOST_FREEZE_PAPER_CHARACTERS,
  parseFreezePaper,
  writeFreezePaper,
} from './freeze-paper.js';
export { type Heard, isHeardBy, readHeard, signHeard } from './heard-statement.js';
export {
  HEIR_CALLS,
  type HeirCallName,
  type HeirMay,
  neededOfHeir,
  type SilenceView,
} from './heir-functions.js';
export { readFreeze, signFreeze, type SignedFreeze, whoFroze } from './freeze-statement.js';
export { type SignedStatement, signedStatement, type Signer, statementForeign } from './signed-statement.js';
export {
  caseDoubted,
  caseTold,
  fewestToGoOn,
  isGranted,
  isRipe,
  JUST_HEARD,
  LEAST_NOTICE_SECONDS,
  noticeSent,
  ripeIn,
  type Silence,
  type SilenceCase,
  type SilenceRule,
  type SilenceSaid,
  silentFor,
  warnedOf,
  warningDue,
  withCase,
} from './silence.js';
