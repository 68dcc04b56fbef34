export {
  encodeCertificate,
  type KeyCertificate,
  type KeyOutput,
  MAX_CERTIFICATE_BYTES,
  parseCertificate,
  type VerifiedKey,
  verifyCertificate,
} from './certificate/certificate.js';
export {
  type Acknowledged,
  readinessStatement,
  recoveryAckStatement,
} from './certificate/acknowledgement.js';
export { verifyChain, verifyFirstEpoch, verifyLink } from './certificate/chain.js';
export { hasChildren } from './chain-code.js';
export {
  type ChangeCertificate,
  type ChangeVotes,
  type DecidedChange,
  encodeChangeCertificate,
  MAX_CHANGE_CERTIFICATE_BYTES,
  parseChangeCertificate,
  verifyChange,
  verifySignedChange,
  type VoteJudge,
} from './certificate/change.js';
export { encodeVotes, isByWords, judgeSettlement, judgeVotes, parseVotes } from './certificate/votes.js';
export { CERTIFICATE_KINDS, type CertificateKind, kindOfCertificate } from './certificate/kind.js';
export type { CertifiedEpoch, PublicEpoch } from './certified-epoch.js';
export {
  combineShares,
  type ExportedEpoch,
  type ExportedShare,
  type ExportOrder,
  exportStatement,
  type ExportYes,
  hashExport,
  isCertifiedShare,
  verifyExportYeses,
} from './export.js';
export type { KeyFlags } from './flags.js';
export { recoverChangedShare } from './certificate/recover-change.js';
export { type ChangeMemory, createChangeMemory } from './certificate/change-memory.js';
export { recoverShare } from './certificate/recovery.js';
export { type KeyCheckQuestion, proveShare, verifyShareProof } from './key-check.js';
export {
  encodeKeyParams,
  firstEpoch,
  hashKeyParams,
  isFirstEpoch,
  type KeyParams,
  type MadeAs,
  MAX_PARAMS_BYTES,
  MAX_URL_LENGTH,
  parseKeyParams,
  type RosterEntry,
} from './params.js';
export type { KeyShare, PublicKeyPackage } from './public-package.js';
export { verifyRoster } from './roster.js';
export {
  createStaticKey,
  receiverKeyStatement,
  type ReceiverKeyStatement,
  type StaticKey,
  type StaticKeyScope,
  staticKeyStatement,
  type StaticKeyStatement,
} from './static-key.js';
export { groupOfSuite, parseSuiteName, SUITE_NAMES, type SuiteName } from './cocktail/suite-name.js';
