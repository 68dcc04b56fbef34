// contract
export {
  type BitcoinNetwork,
  type Description,
  type DescriptionRow,
  type DescriptionWarning,
  type KeyContext,
  MAX_SENTENCE,
  type RequestKind,
  type ParsedRequest,
  type PublicForm,
  type RequestDetails,
  type RequestKindFacts,
  type ShownArtefact,
  type Spending,
} from './kind.js';
export { REQUEST_ERRORS, type RequestErrorCode } from './errors.js';
export type { Facts, FactType, FactTypes, FactValue } from './facts.js';
export type { RequestField, RequestForm } from './form.js';
export { REQUEST_FIELDS } from './registry/fields.js';
export { createRegistry, type KindRegistry, knownKind, type KnownKind } from './registry/create-registry.js';
export {
  publicForm,
  purposeGivesSecrets,
  purposeKinds,
  purposeUsesChildren,
  purposeSuite,
  REQUEST_FACTS,
  REQUEST_KIND_NAMES,
  requestKind,
} from './registry/registry.js';
export {
  type CraftName,
  type EvaluationResult,
  type EvaluationTask,
  type FrostResult,
  frostResults,
  type FrostTask,
  frostTask,
  frostTasks,
  type Task,
  type TaskResult,
} from './task.js';
export { verifySignature } from '@ckm/threshold';
export { escapeText, quoteText } from './text/quote.js';

// message
export { messageKind } from './message/index.js';
export { buildMessageRequest } from './message/build.js';
export { messageToSign } from './message/domain.js';
export type { MessageRequest } from './message/parse.js';

// drill
export { buildDrillRequest, DRILL } from './drill/index.js';

// derive
export { buildDeriveRequest } from './derive/build.js';
export { DERIVE } from './derive/index.js';
export {
  decodeLabel,
  DERIVED_FOR,
  type DerivedFor,
  encodeLabel,
  formatLabel,
  type Label,
  parseLabel,
} from './derive/label.js';

// bitcoin
export { bitcoinKind } from './bitcoin/index.js';
export { readWif, type SinglePrivateKey } from './bitcoin/wallet/wif.js';
export { buildBitcoinRequest } from './bitcoin/psbt/build.js';
export { scriptHashOf } from './bitcoin/script/address.js';
export { transactionIn } from './bitcoin/signing/artefact.js';
export {
  type FinalTransaction,
  finalizeTransaction,
  inputsLeftToOthers,
  type OpenInput,
  refusalOfOpen,
  type TransactionState,
  transactionState,
} from './bitcoin/signing/finalize.js';
export { MAX_SIGNATURES } from './bitcoin/ownership/ownership.js';
export type { BitcoinRequest } from './bitcoin/psbt/parse.js';
export {
  bitcoinAddress,
  bitcoinDescriptor,
  bitcoinXpub,
  isSingleKey,
  keyFingerprint,
  type WalletAddress,
  type WalletChain,
} from './bitcoin/wallet/wallet.js';

// ssh
export { sshKind } from './ssh/index.js';
export {
  buildSshAgentRequest,
  buildSshAuthRequest,
  buildSshSigRequest,
  type SshAgentRequest,
  type SshsigSubject,
} from './ssh/build.js';
export { sshFingerprint, sshPublicKeyBlob, sshPublicKeyLine, sshSignatureBlob } from './ssh/blob.js';
export { type SshsigHash, sshSignatureBlobOf } from './ssh/sshsig.js';
export type { SshRequest } from './ssh/parse.js';

// git
export { gitKind } from './git/index.js';
export { buildGitRequest, embedGitSignature, splitGitSignature } from './git/build.js';
export type { GitRequest } from './git/parse.js';
