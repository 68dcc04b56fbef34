export {
  certificateHash,
  encodeCertificate,
  type KeyCertificate,
  MAX_CERTIFICATE_BYTES,
  parseCertificate,
  recoveryAckStatement,
  verifyCertificate,
} from './certificate/certificate.js';
export { recoverShare } from './certificate/recovery.js';
export {
  encodeKeyParams,
  hashKeyParams,
  type KeyParams,
  MAX_PARAMS_BYTES,
  MAX_URL_LENGTH,
  parseKeyParams,
  type RosterEntry,
} from './params.js';
export type { KeyShare, PublicKeyPackage } from './public-package.js';
export { verifyRoster } from './roster.js';
export {
  createStaticKey,
  type StaticKey,
  staticKeyStatement,
  type StaticKeyStatement,
} from './static-key.js';
export { groupOfSuite, parseSuiteName, SUITE_NAMES, type SuiteName } from './suite-name.js';
