import { EncodingError, equalBytes } from '@ckm/foundation';
import { MAJOR, taggedValue, type Cbor } from '../cbor/dcbor.js';
import { encodeByteString, encodeTagged, encodeText, encodeUnsigned } from '../cbor/writer.js';
import { encodeEnvelope } from '../envelope/encode.js';
import {
  assertion,
  knownValue,
  leaf,
  leafOfEncoding,
  node,
  type Envelope,
  type NodeEnvelope,
} from '../envelope/envelope.js';
import { KNOWN } from '../envelope/known-values.js';
import { bytesFrom, leafItem } from '../envelope/queries.js';
import { TAG } from '../cbor/tags.js';
import type { PublicKeys, Xid } from '../identity/public-keys.js';
import {
  createXidDocument,
  inceptionKeyOf,
  parseXidDocument,
  xidDocumentEnvelope,
  type XidDocument,
} from '../xid/document.js';
import { xidFrom } from '../xid/xid.js';
import { MESSAGE_FORMAT, MESSAGE_ID_BYTES, type MessageHeader } from './message.js';

/** The signed part of a message, read but not yet believed. */
export interface MessageContent {
  readonly header: MessageHeader;
  readonly function: string;
  readonly body: Uint8Array;
  readonly introduction: PublicKeys | null;
  readonly claimedKey: PublicKeys | null;
}

const FORMAT = assertion(knownValue(KNOWN.conformsTo), leaf(MESSAGE_FORMAT));
/** No known value names the recipient of a message. */
const RECIPIENT = leaf('recipient');
const BODY = knownValue(KNOWN.body);
const RESULT = knownValue(KNOWN.result);
/** The nameless parameter of a function that has only one. Source: bc-envelope-rust, parameters.rs. */
const ONLY_PARAMETER = leaf(taggedValue(TAG.parameter, 1));
const MAX_DATE = 253_402_300_799;
const FUNCTION_NAME = /^[a-z][a-z0-9]*([.-][a-z0-9]+)*$/;

/**
 * The envelope that is signed:
 *
 *     request(ARID) [ 'body': «"name"» [ ❰_❱: encoded-cbor(…) ], 'sender': XID, "recipient": XID,
 *                     'date': …, 'validUntil': …, 'conformsTo': "ckm/message/v1" ]
 *
 * An answer has the subject `response(ARID of the request)`, 'result' in place of 'body', and its own 'id'.
 * @param shown the document that stands for the XID of the sender: an introduction, or a {@link documentNaming} a key
 */
export function contentEnvelope(
  header: MessageHeader,
  functionName: string,
  body: Uint8Array,
  shown?: XidDocument,
): NodeEnvelope {
  const isReply = header.inReplyTo !== undefined;
  const call = node(tagged([TAG.function], encodeText(functionName)), [
    assertion(ONLY_PARAMETER, tagged([TAG.encodedCbor], encodeByteString(body))),
  ]);
  const sender = shown === undefined ? xidLeaf(header.sender) : xidDocumentEnvelope(shown);
  const assertions: Envelope[] = [
    FORMAT,
    assertion(isReply ? RESULT : BODY, call),
    assertion(knownValue(KNOWN.sender), sender),
    assertion(RECIPIENT, xidLeaf(header.recipient)),
    assertion(knownValue(KNOWN.date), tagged([TAG.date], encodeUnsigned(header.date))),
    assertion(knownValue(KNOWN.validUntil), tagged([TAG.date], encodeUnsigned(header.expiresAt))),
  ];
  if (isReply) assertions.push(assertion(knownValue(KNOWN.id), aridLeaf([], header.id)));
  const subject = isReply ? aridLeaf([TAG.response], header.inReplyTo) : aridLeaf([TAG.request], header.id);
  return node(subject, assertions);
}

function tagged(tags: readonly number[], content: Uint8Array): Envelope {
  return leafOfEncoding(encodeTagged(tags, content));
}

function aridLeaf(tags: readonly number[], bytes: Uint8Array): Envelope {
  return tagged([...tags, TAG.arid], encodeByteString(bytes));
}

function xidLeaf(xid: Xid): Envelope {
  return tagged([TAG.xid], encodeByteString(xid));
}

/**
 * Reads what {@link contentEnvelope} wrote, and nothing else: a missing, repeated, unknown or annotated part is an error.
 * @throws EncodingError `MESSAGE_INVALID`, or the error of the part that is wrong.
 */
export function parseContent(envelope: Envelope): MessageContent {
  if (envelope.kind !== 'node') throw invalid('it says nothing');
  const parts = contentParts(envelope);
  parts.take(FORMAT.predicate, assertFormat);
  const subject = parseSubject(envelope.subject);
  const call = parts.take(subject.isReply ? RESULT : BODY, parseCall);
  const { sender, introduction, claimedKey } = parts.take(knownValue(KNOWN.sender), parseSender);
  if (subject.isReply && claimedKey !== null) throw invalid('a reply names no key');
  const times = {
    sender,
    recipient: parts.take(RECIPIENT, (object) => xidFrom(valueIn(object))),
    date: parts.take(knownValue(KNOWN.date), parseDate),
    expiresAt: parts.take(knownValue(KNOWN.validUntil), parseDate),
  };
  const header = subject.isReply
    ? {
        ...times,
        id: parts.take(knownValue(KNOWN.id), (object) => aridFrom(valueIn(object))),
        inReplyTo: subject.id,
      }
    : { ...times, id: subject.id };
  parts.expectNothingElse();
  return { header, ...call, introduction, claimedKey };
}

interface ContentParts {
  /** Hands out the object of this predicate, once. @throws EncodingError `MESSAGE_INVALID` when there is none. */
  take<T>(predicate: Envelope, parse: (object: Envelope) => T): T;
  expectNothingElse(): void;
}

function contentParts(envelope: NodeEnvelope): ContentParts {
  const left = [...envelope.assertions];
  return {
    take(predicate, parse) {
      const at = left.findIndex(
        (one) => one.kind === 'assertion' && equalBytes(one.predicate.digest, predicate.digest),
      );
      const found = left[at];
      if (found?.kind !== 'assertion' || !isSpelled(found.predicate, predicate))
        throw invalid('a part is missing');
      left.splice(at, 1);
      return parse(found.object);
    },
    expectNothingElse() {
      if (left.length > 0) throw invalid('a part is unknown or given twice');
    },
  };
}

/**
 * Whether an envelope is written as `wanted` is, neither hidden nor in another way: a known value has the digest of the
 * leaf that holds its tag and number, and every part has the digest of what is left of it when it is elided.
 */
function isSpelled(envelope: Envelope, wanted: Envelope): boolean {
  return envelope.kind === wanted.kind && equalBytes(envelope.digest, wanted.digest);
}

function assertFormat(object: Envelope): void {
  if (!isSpelled(object, FORMAT.object)) throw invalid('it is of another format or version');
}

function valueIn(envelope: Envelope): Cbor {
  if (envelope.kind !== 'leaf') throw invalid('a plain value expected');
  return leafItem(envelope);
}

function parseSubject(envelope: Envelope): { isReply: boolean; id: Uint8Array } {
  const item = valueIn(envelope);
  if (item.type !== MAJOR.tag) throw invalid('neither a request nor a response');
  if (item.tag !== TAG.request && item.tag !== TAG.response)
    throw invalid('neither a request nor a response');
  return { isReply: item.tag === TAG.response, id: aridFrom(item.value) };
}

function aridFrom(item: Cbor): Uint8Array {
  if (item.type !== MAJOR.tag || item.tag !== TAG.arid) throw invalid('an id expected');
  return bytesFrom(item.value, MESSAGE_ID_BYTES);
}

function parseDate(envelope: Envelope): number {
  const item = valueIn(envelope);
  const isDate = item.type === MAJOR.tag && item.tag === TAG.date && item.value.type === MAJOR.unsigned;
  const seconds = isDate ? Number(item.value.value) : Number.NaN;
  if (!(seconds <= MAX_DATE)) throw invalid('a date is not a whole number of seconds since 1970');
  return seconds;
}

function parseCall(envelope: Envelope): { function: string; body: Uint8Array } {
  if (envelope.kind !== 'node' || envelope.assertions.length !== 1)
    throw invalid('one function with one parameter expected');
  const name = valueIn(envelope.subject);
  if (name.type !== MAJOR.tag || name.tag !== TAG.function || name.value.type !== MAJOR.text) {
    throw invalid('a function name expected');
  }
  if (!isFunctionName(name.value.value))
    throw invalid('a function name has up to 64 letters, digits, dots and dashes');
  const parameter = envelope.assertions[0]!;
  if (parameter.kind !== 'assertion' || !isSpelled(parameter.predicate, ONLY_PARAMETER)) {
    throw invalid('one function with one parameter expected');
  }
  const item = valueIn(parameter.object);
  if (item.type !== MAJOR.tag || item.tag !== TAG.encodedCbor) throw invalid('encoded CBOR expected');
  return { function: name.value.value, body: bytesFrom(item.value) };
}

/** Whether a text can name a function: lower-case words joined by dots or dashes, at most 64 characters. */
export function isFunctionName(text: string): boolean {
  return text.length <= 64 && FUNCTION_NAME.test(text);
}

type ClaimedSender = Pick<MessageContent, 'introduction' | 'claimedKey'> & { readonly sender: Xid };

/**
 * A bare XID; the plainest document there is for it: one key, allowed everything, that the XID is the hash of; or a document that names one key that it is not
 * the hash of, and nothing else.
 */
function parseSender(envelope: Envelope): ClaimedSender {
  if (envelope.kind === 'leaf') {
    return { sender: xidFrom(valueIn(envelope)), introduction: null, claimedKey: null };
  }
  const isPlain = envelope.kind === 'node' && envelope.subject.kind === 'leaf';
  const document = isPlain ? parseXidDocument(envelope) : null;
  const [key, another] = document?.keys ?? [];
  if (document === null || key === undefined || another !== undefined) {
    throw invalid('a sender shows one key and nothing else');
  }
  const { xid: sender } = document;
  const { publicKeys } = key;
  const isFirst = inceptionKeyOf(document) !== null;
  const plainest = isFirst ? createXidDocument(publicKeys) : documentNaming(sender, publicKeys);
  // The bytes, not the digests: those stay the same when a part is hidden.
  if (!equalBytes(encodeEnvelope(xidDocumentEnvelope(plainest)), encodeEnvelope(envelope))) {
    throw invalid('a sender shows one key and nothing else');
  }
  return isFirst
    ? { sender, introduction: publicKeys, claimedKey: null }
    : { sender, introduction: null, claimedKey: publicKeys };
}

/** Says which key of an XID a message is signed with, where it is not the first; what that key may do is not said. */
export function documentNaming(xid: Xid, publicKeys: PublicKeys): XidDocument {
  const document = createXidDocument(publicKeys);
  return { ...document, xid, keys: document.keys.map((key) => ({ ...key, allow: [] })) };
}

/** An {@link EncodingError} for anything that is not a message. */
export function invalid(why: string): EncodingError {
  return new EncodingError(`not a message: ${why}`, {
    code: 'MESSAGE_INVALID',
    hint: 'use a client that speaks this version',
  });
}
