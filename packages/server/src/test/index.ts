export { createKeyDesk } from '../control/desks/key-desk.js';
// What tests of other packages need of this one, as `@ckm/server/test`. Under the condition `ckm-source` only: it is not
// compiled, and never shipped.
export {
  TEST_TIME,
  type BareCaller,
  type BareOptions,
  type BareServer,
  openBareServer,
  removeBareServer,
} from '../sessions/test/bare-server.js';
export { passSilently } from '../life/test/pass-silently.js';
export { openDatabaseFile } from './database-file.js';
export { filesOf, leaks, spellings, storedSecrets } from './stored-secrets.js';
export { type StoredShare, storedShares } from '../sessions/test/stored-shares.js';
export {
  createEchoRoom,
  type EchoOffer,
  type EchoProposal,
  encodeEchoParameters,
} from '../sessions/test/echo-room.js';
export { requesterOf, voteFor } from '../votes/test/asked-people.js';
export { giveTerms } from '../sessions/test/given-terms.js';
export { codeIn, startMailServer, type TestMailServer } from './mail-server.js';
