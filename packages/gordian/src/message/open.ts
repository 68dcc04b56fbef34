import { AccessError, CkmError, EncodingError, equalBytes, StateError } from '@ckm/foundation';
import { decodeCanonical, MAJOR, type DecodeLimits } from '../cbor/dcbor.js';
import { nestsDeeperThan } from '../cbor/nesting.js';
import { decodeEnvelope } from '../envelope/decode.js';
import { decryptSubject } from '../envelope/encrypt.js';
import type { Envelope } from '../envelope/envelope.js';
import { KNOWN } from '../envelope/known-values.js';
import { openContentKey, sealedKeyFrom } from '../envelope/permits/recipient.js';
import { bytesFrom } from '../envelope/queries.js';
import { TAG } from '../cbor/tags.js';
import type { Identity } from '../identity/identity.js';
import type { PublicKeys, Xid } from '../identity/public-keys.js';
import { primitives } from '../primitives/runtime.js';
import { invalid, parseContent } from './content.js';
import type { Message, MessageHeader, UnauthenticatedMessage } from './message.js';

/** When and how much a receiver accepts. */
export interface MessageRules {
  /** Unix seconds, from the receiver's clock. */
  readonly now: number;
  /** How far `expiresAt` may lie after `date`: how long ids must be remembered. Default 300. */
  readonly maxAgeSeconds?: number;
  /** How far the sender's clock may be ahead of ours. Default 60. */
  readonly maxSkewSeconds?: number;
  /** Length of the sealed message. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Nesting of the body. Default 32. */
  readonly maxDepth?: number;
  /** What this receiver is waiting for; one is never taken for the other. Default: a request. */
  readonly accept?: 'request' | 'reply';
}

const DEFAULT_MAX_AGE = 300;
const DEFAULT_MAX_SKEW = 60;
const DEFAULT_MAX_BYTES = 1_048_576;
const DEFAULT_MAX_DEPTH = 32;
/** What our own layers need, an introduction included, is less; the body is one item to them. */
const LAYERS = { maxDepth: 32, maxItems: 512 } as const;

/**
 * Opens a sealed message as far as its claims: whom it says it is from, and what it says it wants.
 * Cheap checks come first: size, recipient, expiry. The signature is checked by {@link authenticateMessage}, with keys
 * that the receiver looks up for `claimed.sender`, never with keys from the message alone.
 * @throws EncodingError `MESSAGE_TOO_LONG`, `MESSAGE_INVALID`, `MESSAGE_DAMAGED`, `CBOR_…`, `ENVELOPE_…`, `XID_…`,
 * `PUBLIC_KEYS_INVALID`; AccessError `MESSAGE_NOT_FOR_ME`; StateError `MESSAGE_UNEXPECTED`, `MESSAGE_EXPIRED`,
 * `MESSAGE_FROM_FUTURE`, `MESSAGE_LIVES_TOO_LONG`.
 */
export function unsealMessage(
  args: MessageRules & { readonly recipient: Identity; readonly bytes: Uint8Array },
): UnauthenticatedMessage {
  const maxBytes = args.maxBytes ?? DEFAULT_MAX_BYTES;
  if (args.bytes.length > maxBytes) {
    throw new EncodingError(`a message of ${args.bytes.length} bytes is longer than ${maxBytes}`, {
      code: 'MESSAGE_TOO_LONG',
      hint: 'send less at once',
      httpStatus: 413,
    });
  }
  const signed = openSeal(args.bytes, args.recipient, { maxBytes, ...LAYERS });
  const { content, signature, digest } = splitSigned(signed);
  const parsed = parseContent(content);
  if (!equalBytes(parsed.header.recipient, args.recipient.xid)) throw notForMe();
  if ((parsed.header.inReplyTo === undefined) !== ((args.accept ?? 'request') === 'request'))
    throw unexpectedKind();
  checkTimes(parsed.header, args);
  return {
    claimed: parsed.header,
    claimedFunction: parsed.function,
    introduction: parsed.introduction,
    claimedKey: parsed.claimedKey,
    sealed: { digest, signature, body: parsed.body, maxDepth: args.maxDepth ?? DEFAULT_MAX_DEPTH },
  };
}

/** Exactly an encrypted subject and one recipient permit; anything else could be changed by whoever carries it. */
function openSeal(bytes: Uint8Array, recipient: Identity, limits: DecodeLimits): Envelope {
  const outer = decodeEnvelope(bytes, limits);
  const permit = outer.kind === 'node' && outer.assertions.length === 1 ? outer.assertions[0]! : null;
  const isSeal = outer.kind === 'node' && outer.subject.kind === 'encrypted' && permit?.kind === 'assertion';
  if (!isSeal || !isKnown(permit.predicate, KNOWN.hasRecipient) || permit.object.kind !== 'leaf') {
    throw invalid('a sealed envelope with one recipient expected');
  }
  const sealedKey = sealedKeyFrom(decodeCanonical(permit.object.bytes));
  const contentKey = sealedKey === null ? null : openContentKey(sealedKey, recipient.agreementKey);
  if (contentKey === null) throw notForMe();
  try {
    return decryptSubject(outer.subject, contentKey, limits);
  } catch (cause) {
    if (!(cause instanceof CkmError) || cause.code !== 'ENVELOPE_KEY_WRONG') throw cause;
    throw new EncodingError('a message was changed on its way', {
      code: 'MESSAGE_DAMAGED',
      hint: 'send the message again',
      cause,
    });
  } finally {
    contentKey.fill(0);
  }
}

function isKnown(envelope: Envelope, value: number): boolean {
  return envelope.kind === 'knownValue' && envelope.value === value;
}

function splitSigned(opened: Envelope): { content: Envelope; signature: Uint8Array; digest: Uint8Array } {
  const signed = opened.kind === 'wrapped' ? opened.envelope : null;
  if (signed?.kind !== 'node' || signed.subject.kind !== 'wrapped' || signed.assertions.length !== 1) {
    throw invalid('a signed envelope with one signature expected');
  }
  const [one] = signed.assertions;
  if (one?.kind !== 'assertion' || !isKnown(one.predicate, KNOWN.signed) || one.object.kind !== 'leaf') {
    throw invalid('a signed envelope with one signature expected');
  }
  const item = decodeCanonical(one.object.bytes);
  const pair = item.type === MAJOR.tag && item.tag === TAG.signature ? item.value : null;
  const isPair = pair?.type === MAJOR.array && pair.value.length === 2;
  if (!isPair || pair.value[0]!.type !== MAJOR.unsigned || pair.value[0]!.value !== 2) {
    throw invalid('an Ed25519 signature expected');
  }
  const signature = bytesFrom(pair.value[1]!, 64);
  return { content: signed.subject.envelope, signature, digest: signed.subject.digest };
}

function checkTimes(header: MessageHeader, rules: MessageRules): void {
  const { now } = rules;
  if (header.expiresAt <= now) {
    throw new StateError(`a message expired ${now - header.expiresAt} s ago`, {
      code: 'MESSAGE_EXPIRED',
      hint: 'send the request again',
      httpStatus: 410,
      facts: { receivedAt: now },
    });
  }
  if (header.date > now + (rules.maxSkewSeconds ?? DEFAULT_MAX_SKEW)) {
    throw new StateError(`a message is dated ${header.date - now} s in the future`, {
      code: 'MESSAGE_FROM_FUTURE',
      hint: 'set the clocks of both machines',
      facts: { receivedAt: now },
    });
  }
  const age = header.expiresAt - header.date;
  const maxAge = rules.maxAgeSeconds ?? DEFAULT_MAX_AGE;
  if (age <= 0 || age > maxAge) {
    throw new StateError(`a message may be valid for at most ${maxAge} s, not ${age}`, {
      code: 'MESSAGE_LIVES_TOO_LONG',
      hint: 'let the request expire sooner',
      retryable: false,
    });
  }
}

function unexpectedKind(): StateError {
  return new StateError('a reply came where a request is expected, or the other way round', {
    code: 'MESSAGE_UNEXPECTED',
    hint: 'send requests to servers and replies to who asked',
    retryable: false,
  });
}

function notForMe(): AccessError {
  return new AccessError('a message is addressed to somebody else', {
    code: 'MESSAGE_NOT_FOR_ME',
    hint: 'send it to the server it was sealed for',
  });
}

/**
 * Checks the signature with keys trusted for `message.claimed.sender`.
 * @throws AccessError `MESSAGE_SIGNATURE_INVALID`; EncodingError `CBOR_TOO_DEEP`.
 */
export function authenticateMessage(message: UnauthenticatedMessage, senderKeys: PublicKeys): Message {
  const { digest, signature, body, maxDepth } = message.sealed;
  if (!isSignature(digest, signature, senderKeys)) {
    throw new AccessError('a message is not signed by the sender it names', {
      code: 'MESSAGE_SIGNATURE_INVALID',
      hint: 'sign with the key this account was opened with',
      httpStatus: 401,
    });
  }
  if (nestsDeeperThan(body, maxDepth)) {
    throw new EncodingError(`the body of a message nests deeper than ${maxDepth} levels`, {
      code: 'CBOR_TOO_DEEP',
      hint: 'send a flatter structure',
    });
  }
  return { header: message.claimed, function: message.claimedFunction, body };
}

function isSignature(digest: Uint8Array, signature: Uint8Array, keys: PublicKeys): boolean {
  return keys.signing.scheme === 'ed25519' && primitives.ed25519Verify(signature, digest, keys.signing.bytes);
}

/** Looks up the keys of a sender; `introduction` is what a stranger shows (see {@link UnauthenticatedMessage}). */
export type ResolveSender = (sender: Xid, introduction: PublicKeys | null) => PublicKeys | null;

/**
 * Opens and authenticates a message at once, where keys can be looked up without waiting.
 * @throws as {@link unsealMessage} and {@link authenticateMessage}; AccessError `MESSAGE_SENDER_UNKNOWN`.
 */
export function openMessage(
  args: MessageRules & {
    readonly recipient: Identity;
    readonly bytes: Uint8Array;
    readonly resolveSender: ResolveSender;
  },
): Message {
  const message = unsealMessage(args);
  // Whoever is looked up by his XID alone has one key.
  if (message.claimedKey !== null) throw unknownSender();
  const keys = args.resolveSender(message.claimed.sender, message.introduction);
  if (keys === null) throw unknownSender();
  return authenticateMessage(message, keys);
}

/** For receivers that look senders up themselves. */
export function unknownSender(): AccessError {
  return new AccessError('a message comes from somebody without an account here', {
    code: 'MESSAGE_SENDER_UNKNOWN',
    hint: 'open an account first',
    httpStatus: 401,
  });
}
