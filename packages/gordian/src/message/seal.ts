import { BugError, concatBytes, encodeUtf8, equalBytes, reveal } from '@ckm/foundation';
import { encodeByteString, encodeList, encodeTagged, encodeUnsigned } from '../cbor/writer.js';
import { encodeEnvelope } from '../envelope/encode.js';
import { encryptSubjectWithNonce } from '../envelope/encrypt.js';
import {
  withAssertion,
  assertion,
  knownValue,
  leafOfEncoding,
  node,
  wrap,
  type Envelope,
} from '../envelope/envelope.js';
import { KNOWN } from '../envelope/known-values.js';
import { encodeSealedKey, sealContentKey } from '../envelope/permits/recipient.js';
import { TAG } from '../cbor/tags.js';
import type { Identity } from '../identity/identity.js';
import { CHACHA_KEY_BYTES, CHACHA_NONCE_BYTES, X25519_KEY_BYTES } from '../primitives/contract.js';
import { drawRandom, type RandomBytes } from '../primitives/random.js';
import { primitives } from '../primitives/runtime.js';
import { createXidDocument, type XidDocument } from '../xid/document.js';
import { xidOf } from '../xid/xid.js';
import { contentEnvelope, documentNaming, isFunctionName } from './content.js';
import { MESSAGE_ID_BYTES, type Correspondent, type MessageHeader } from './message.js';

export interface SealMessageArgs {
  readonly sender: Identity;
  readonly recipient: Correspondent;
  /** 32 random bytes from {@link createMessageId}. */
  readonly id: Uint8Array;
  /** Unix seconds. */
  readonly date: number;
  /** Unix seconds. */
  readonly expiresAt: number;
  readonly inReplyTo?: Uint8Array;
  readonly function: string;
  /** Deterministic CBOR. */
  readonly body: Uint8Array;
  /** Whether the sender shows its keys, as a stranger must; only possible with the inception key. Default: no. */
  readonly introduce?: boolean;
  /** Whether the message says which key of its sender it is signed with, as one must that is not the first. Default: no. */
  readonly namesKey?: boolean;
  readonly random: RandomBytes;
}

/** A fresh id for a message. */
export function createMessageId(random: RandomBytes): Uint8Array {
  return drawRandom(random, MESSAGE_ID_BYTES);
}

/**
 * A message as bytes: a Gordian Envelope signed by the sender, wrapped and sealed to the recipient.
 * Secrecy: outside stand an ephemeral key, ciphertext and a digest; neither sender nor recipient nor function.
 * The length shows.
 * @throws BugError `MESSAGE_ARGUMENTS`; EncodingError `AGREEMENT_KEY_INVALID`.
 */
export function sealMessage(args: SealMessageArgs): Uint8Array {
  const content = contentEnvelope(checkedHeader(args), args.function, args.body, shownBy(args));
  const signed = signContent(content, args.sender);
  return encodeEnvelope(sealSigned(signed, args));
}

function shownBy({ sender, introduce, namesKey }: SealMessageArgs): XidDocument | undefined {
  if (introduce === true) return introductionOf(sender);
  if (namesKey !== true) return undefined;
  if (equalBytes(xidOf(sender.publicKeys), sender.xid)) throw misuse('the first key of an XID is not named');
  return documentNaming(sender.xid, sender.publicKeys);
}

function introductionOf(sender: Identity): XidDocument {
  const document = createXidDocument(sender.publicKeys);
  if (document.xid.every((byte, i) => byte === sender.xid[i])) return document;
  throw misuse('only the holder of the inception key can introduce itself');
}

function checkedHeader(args: SealMessageArgs): MessageHeader {
  const { id, date, expiresAt, inReplyTo } = args;
  const isTime =
    Number.isSafeInteger(date) && Number.isSafeInteger(expiresAt) && date >= 0 && date < expiresAt;
  if (!isTime) throw misuse('dates are whole seconds and a message expires after it was written');
  if (id.length !== MESSAGE_ID_BYTES || (inReplyTo ?? id).length !== MESSAGE_ID_BYTES)
    throw misuse('an id has 32 bytes');
  if (!isFunctionName(args.function))
    throw misuse('a function name has up to 64 letters, digits, dots and dashes');
  const header = { sender: args.sender.xid, recipient: args.recipient.xid, id, date, expiresAt };
  return inReplyTo === undefined ? header : { ...header, inReplyTo };
}

function misuse(why: string): BugError {
  return new BugError(`a message cannot be written: ${why}`, {
    code: 'MESSAGE_ARGUMENTS',
    hint: 'report this: the caller gave impossible arguments',
  });
}

/** The scheme's number in a signature. Source: bc-components-rust, src/signing/signature.rs. */
const ED25519 = 2;

function signContent(content: Envelope, sender: Identity): Envelope {
  const wrapped = wrap(content);
  const signature = primitives.ed25519Sign(wrapped.digest, reveal(sender.signingKey, 'sign a message'));
  const object = leafOfEncoding(
    encodeTagged([TAG.signature], encodeList([encodeUnsigned(ED25519), encodeByteString(signature)])),
  );
  return node(wrapped, [assertion(knownValue(KNOWN.signed), object)]);
}

const HEDGE_SALT = encodeUtf8('ckm message sealing v1');

/**
 * All one-time secrets come from fresh randomness, the sender's hedge key and the signed digest together: two different
 * messages never share a key and nonce, even when the random source repeats itself (V66).
 */
function sealSigned(signed: Envelope, args: SealMessageArgs): Envelope {
  const material = concatBytes(drawRandom(args.random, 32), reveal(args.sender.hedgeKey, 'hedge a sealing'));
  const info = concatBytes(signed.digest, args.recipient.publicKeys.agreement);
  const secrets = primitives.hkdfSha256(material, HEDGE_SALT, info, 64 + 2 * CHACHA_NONCE_BYTES);
  const contentKey = secrets.subarray(0, CHACHA_KEY_BYTES);
  const ephemeralSecret = secrets.subarray(CHACHA_KEY_BYTES, CHACHA_KEY_BYTES + X25519_KEY_BYTES);
  const hidden = encryptSubjectWithNonce(
    wrap(signed),
    contentKey,
    secrets.slice(64, 64 + CHACHA_NONCE_BYTES),
  );
  const permit = sealContentKey(
    contentKey,
    args.recipient.publicKeys.agreement,
    ephemeralSecret,
    secrets.slice(64 + CHACHA_NONCE_BYTES),
  );
  secrets.fill(0);
  material.fill(0);
  return withAssertion(hidden, knownValue(KNOWN.hasRecipient), leafOfEncoding(encodeSealedKey(permit)));
}
