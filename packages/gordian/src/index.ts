export type { RandomBytes } from './primitives/random.js';
export { primitives } from './primitives/runtime.js';
export type { Primitives } from './primitives/contract.js';

export { DEFAULT_LIMITS, type DecodeLimits } from './cbor/dcbor.js';
export { decodeData, encodeData, type Data } from './cbor/data.js';

export { combineSecret, shareFacts, splitSecret, type ShareFacts, type SplitPlan } from './cbor/sskr.js';
export { isShareText, sharesInText, shareToUr, shareToWords } from './cbor/share-text.js';
export {
  createUrCollector,
  createUrParts,
  formatUr,
  parseUr,
  type UniformResource,
  type UrCollector,
  type UrParts,
} from './cbor/ur.js';

export type { Envelope } from './envelope/envelope.js';
export {
  addAssertion,
  withAssertion,
  assertion,
  elided,
  isObscured,
  knownValue,
  leaf,
  node,
  wrap,
} from './envelope/envelope.js';
export { KNOWN } from './envelope/known-values.js';
export { TAG } from './cbor/tags.js';
export { encodeEnvelope, encodeUntaggedEnvelope } from './envelope/encode.js';
export { decodeEnvelope, decodeUntaggedEnvelope } from './envelope/decode.js';
export { formatEnvelopeUr, parseEnvelopeUr } from './envelope/ur.js';
export {
  compressEnvelope,
  compressSubject,
  decompressEnvelope,
  decompressSubject,
} from './envelope/compress.js';
export { decryptEnvelope, decryptSubject, encryptEnvelope, encryptSubject } from './envelope/encrypt.js';
export {
  isEquivalent,
  isSignedBy,
  signEnvelope,
  signSubject,
  verifiedContent,
} from './envelope/signature.js';
export {
  addRecipient,
  decryptSubjectAsRecipient,
  openAsRecipient,
  sealToRecipients,
} from './envelope/permits/recipient.js';
export { addPassword, decryptSubjectWithPassword, type PasswordMethod } from './envelope/permits/password.js';
export { joinEnvelopes, splitEnvelope } from './envelope/permits/sskr.js';
export { formatSeedUr, seedInEnvelope, seedInUr, seedLeaf } from './envelope/seed.js';
export { digestSet, digestsWithin, hideParts, showOnly, unhide, type DigestSet } from './envelope/elide.js';
export { formatEnvelope, formatEnvelopeFlat } from './envelope/format/notation.js';
export { formatTree } from './envelope/format/tree.js';
export { escapeControls } from './envelope/format/summary.js';
export {
  assertionsOf,
  leafText,
  leafValue,
  objectFor,
  objectsFor,
  subjectOf,
  unwrap,
} from './envelope/queries.js';

export {
  asXid,
  decodePublicKeys,
  encodePublicKeys,
  type PublicKeys,
  type SigningPublicKey,
  type Xid,
} from './identity/public-keys.js';
export {
  createIdentity,
  IDENTITY_SEED_BYTES,
  signBytes,
  verifyBytes,
  wipeIdentity,
  type Identity,
} from './identity/identity.js';

export { parseXid, xidHex, xidOf } from './xid/xid.js';
export {
  createXidDocument,
  inceptionKeyOf,
  parseXidDocument,
  signXidDocument,
  verifyXidDocument,
  xidDocumentEnvelope,
  type XidDocument,
  type XidKey,
} from './xid/document.js';
export { formatXid, formatXidDocument, parseXidUr } from './xid/ur.js';
export type { Privilege } from './xid/privileges.js';

export {
  MESSAGE_FORMAT,
  MESSAGE_ID_BYTES,
  type Correspondent,
  type Message,
  type MessageHeader,
  type UnauthenticatedMessage,
} from './message/message.js';
export { createMessageId, sealMessage, type SealMessageArgs } from './message/seal.js';
export {
  authenticateMessage,
  openMessage,
  unknownSender,
  unsealMessage,
  type MessageRules,
  type ResolveSender,
} from './message/open.js';

export { formatWords, isLikenessOf, likenessOf, type Likeness } from './likeness/likeness.js';
export {
  type ColourDepth,
  pictureSvg,
  pictureText,
  type LikenessPicture,
  type Tone,
} from './likeness/picture.js';
