export type * from './group/group.js';
export * from './protocol/contract.js';

// group
export { groupNamed, nobleGroup, prepareBackends } from './group/index.js';
// hash
export { hash, HASH_TAGS, type HashName, type HashTag, taggedHash, taggedHash64 } from './hash/index.js';
// proofs
export {
  type EqualLogsPair,
  type EqualLogsStatement,
  type KnowledgeStatement,
  proveEqualLogs,
  proveKnowledge,
  verifyEqualLogs,
  verifyKnowledge,
  voprfContext,
} from './proofs/index.js';
// sharing
export {
  evaluatePolynomial,
  feldmanCommit,
  feldmanEvaluate,
  feldmanEvaluateAll,
  feldmanVerify,
  lagrangeAtZero,
  MOST_PARTIES,
  parsePartyIndex,
  parsePartySet,
  parseQuorum,
  type Quorum,
} from './sharing/index.js';
// suites
export { type SuiteBackend, suiteBackends } from './key/suite-backends.js';
// hd
export {
  DEEPEST_PATH,
  type DerivationPath,
  type DerivedKey,
  deriveChildren,
  deriveKey,
  encodeExtendedPublicKey,
  EXTENDED_KEY_VERSIONS,
  type ExtendedKeyNetwork,
  formatPath,
  NO_TWEAK,
  parsePath,
  type TaprootCommitment,
  type Tweak,
} from './hd/index.js';
// frost
export {
  aggregate,
  type Aggregate,
  type Commitment,
  commitNonces,
  discardNonces,
  type FrostSuite,
  frostSuite,
  type NoncePair,
  parseCommitment,
  type RoastAction,
  type RoastEvent,
  type RoastFaultCode,
  roastReceive,
  type RoastState,
  type RoastStep,
  type RoastTask,
  roastWanting,
  type SignatureShare,
  signShare,
  type SigningNonces,
  type SigningPackage,
  startRoast,
  verifySignature,
  verifySignatureShare,
} from './protocols/frost/index.js';
// key
export {
  type Acknowledged,
  CERTIFICATE_KINDS,
  type ChangeCertificate,
  type ChangeVotes,
  type DecidedChange,
  encodeChangeCertificate,
  MAX_CHANGE_CERTIFICATE_BYTES,
  parseChangeCertificate,
  receiverKeyStatement,
  type ReceiverKeyStatement,
  recoverChangedShare,
  verifyChain,
  verifyChange,
  verifyFirstEpoch,
  verifySignedChange,
  type VoteJudge,
  type CertificateKind,
  type CertifiedEpoch,
  createStaticKey,
  encodeCertificate,
  encodeKeyParams,
  firstEpoch,
  groupOfSuite,
  hashKeyParams,
  isFirstEpoch,
  type KeyCertificate,
  type KeyCheckQuestion,
  type KeyFlags,
  type KeyParams,
  type KeyShare,
  MAX_CERTIFICATE_BYTES,
  MAX_PARAMS_BYTES,
  MAX_URL_LENGTH,
  parseCertificate,
  parseKeyParams,
  parseSuiteName,
  proveShare,
  type PublicKeyPackage,
  recoverShare,
  recoveryAckStatement,
  type RosterEntry,
  type StaticKey,
  type StaticKeyScope,
  staticKeyStatement,
  type StaticKeyStatement,
  SUITE_NAMES,
  type SuiteName,
  type VerifiedKey,
  verifyCertificate,
  verifyRoster,
  verifyShareProof,
} from './key/index.js';
// dkg
export {
  type CertifyMessage,
  type CommitMessage,
  type DkgMessage,
  type DkgOutput,
  type DkgParams,
  dkgProtocol,
  type DkgState,
  findPublicFault,
  type ShareMessage,
} from './protocols/dkg/index.js';
// reshare
export {
  type ChangeParams,
  type Dealer,
  type DealingSecrets,
  type DealMessage,
  encodeChange,
  findReshareFault,
  MAX_CHANGE_BYTES,
  parseChange,
  type PrepareMessage,
  type ReceivingSecrets,
  type ReshareMessage,
  type ReshareOutput,
  type ReshareParams,
  reshareProtocol,
  type ReshareState,
  type Seat,
  seatsOf,
  type SignedChange,
  verifyChangeParams,
} from './protocols/reshare/index.js';
// repair
export {
  createLoss,
  encodeLoss,
  findRepairFault,
  type Loss,
  type LossStatement,
  lossStatement,
  MAX_LOSS_BYTES,
  parseLoss,
  type Repair,
  type RepairMessage,
  type RepairOutput,
  type RepairParams,
  repairProtocol,
  type RepairState,
  verifyLoss,
  verifyRepair,
} from './protocols/repair/index.js';
// protocol
export { block, type LayoutReader, readLayout } from './protocol/layout.js';
export { type RoundInbox, sortInbox } from './protocol/inbox.js';
export {
  type Delivery,
  type Outcome,
  simulate,
  type Simulation,
  type SimulationResult,
} from './protocol/simulate.js';
