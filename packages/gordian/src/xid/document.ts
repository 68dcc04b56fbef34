import { EncodingError, equalBytes } from '@ckm/foundation';
import { MAJOR, taggedValue } from '../cbor/dcbor.js';
import { assertion, knownValue, leaf, node, type Envelope } from '../envelope/envelope.js';
import { KNOWN } from '../envelope/known-values.js';
import { assertionsOf, leafValue, subjectOf, taggedLeafContent, unwrap } from '../envelope/queries.js';
import { isSignedBy, signEnvelope } from '../envelope/signature.js';
import { TAG } from '../cbor/tags.js';
import type { Identity } from '../identity/identity.js';
import {
  encodePublicKeys,
  publicKeysCbor,
  publicKeysFrom,
  xidOfKey,
  type PublicKeys,
  type Xid,
} from '../identity/public-keys.js';
import { PRIVILEGES, privilegeOf, type Privilege } from './privileges.js';
import { xidCbor, xidFrom } from './xid.js';

/** One key in an XID document. `others`: assertions kept as they came, without a meaning here. */
export interface XidKey {
  readonly publicKeys: PublicKeys;
  readonly nickname: string;
  readonly endpoints: readonly string[];
  readonly allow: readonly Privilege[];
  readonly deny: readonly Privilege[];
  readonly others: readonly Envelope[];
}

/**
 * Who somebody is: an XID, the keys it has today, and where to find the newest document.
 * Delegates, services, provenance marks and attachments are kept in `others`, uninterpreted.
 * Source: BCR-2024-010 and bc-xid-rust, src/xid_document.rs.
 */
export interface XidDocument {
  readonly xid: Xid;
  readonly keys: readonly XidKey[];
  /** URIs under which this document can be fetched. */
  readonly dereferenceVia: readonly string[];
  readonly others: readonly Envelope[];
}

/** A document whose first key may do everything; its XID is the hash of that key. */
export function createXidDocument(
  inceptionKeys: PublicKeys,
  options: { readonly nickname?: string; readonly dereferenceVia?: readonly string[] } = {},
): XidDocument {
  const key = {
    publicKeys: inceptionKeys,
    nickname: options.nickname ?? '',
    endpoints: [],
    deny: [],
    others: [],
  };
  return {
    xid: xidOfKey(inceptionKeys.signing),
    keys: [{ ...key, allow: ['all'] }],
    dereferenceVia: options.dereferenceVia ?? [],
    others: [],
  };
}

/** The key that the XID is the hash of, or `null` when it was rotated away. */
export function inceptionKeyOf(document: XidDocument): XidKey | null {
  return document.keys.find((key) => equalBytes(xidOfKey(key.publicKeys.signing), document.xid)) ?? null;
}

/** The document as an envelope: the XID, and an assertion for each thing known about it. */
export function xidDocumentEnvelope(document: XidDocument): Envelope {
  const assertions: Envelope[] = [...document.others];
  for (const uri of document.dereferenceVia) assertions.push(about(KNOWN.dereferenceVia, uriLeaf(uri)));
  for (const key of document.keys) assertions.push(about(KNOWN.key, keyEnvelope(key)));
  return withAssertions(leaf(xidCbor(document.xid)), assertions);
}

function keyEnvelope(key: XidKey): Envelope {
  const assertions: Envelope[] = [...key.others];
  if (key.nickname !== '') assertions.push(about(KNOWN.nickname, leaf(key.nickname)));
  for (const uri of key.endpoints) assertions.push(about(KNOWN.endpoint, uriLeaf(uri)));
  for (const name of key.allow) assertions.push(about(KNOWN.allow, knownValue(PRIVILEGES[name])));
  for (const name of key.deny) assertions.push(about(KNOWN.deny, knownValue(PRIVILEGES[name])));
  return withAssertions(leaf(publicKeysCbor(key.publicKeys)), assertions);
}

function about(predicate: number, object: Envelope): Envelope {
  return assertion(knownValue(predicate), object);
}

function uriLeaf(uri: string): Envelope {
  return leaf(taggedValue(TAG.uri, uri));
}

function withAssertions(subject: Envelope, assertions: readonly Envelope[]): Envelope {
  return assertions.length === 0 ? subject : node(subject, assertions);
}

/**
 * Reads a document, signed or not, without checking a signature.
 * Anybody can write one that names any XID: trust its keys only after {@link verifyXidDocument}, or when the message
 * around it is signed with {@link inceptionKeyOf} it.
 * @throws EncodingError `XID_INVALID`, `XID_DOCUMENT_INVALID`, `PUBLIC_KEYS_INVALID`, `ENVELOPE_…`.
 */
export function parseXidDocument(envelope: Envelope): XidDocument {
  const content = subjectOf(envelope).kind === 'wrapped' ? unwrap(envelope) : envelope;
  const parts = sortAssertions(content, [KNOWN.key, KNOWN.dereferenceVia]);
  const keys = parts.known(KNOWN.key).map(keyFrom);
  const encodings = keys.map((key) => encodePublicKeys(key.publicKeys));
  if (encodings.some((one, i) => encodings.slice(0, i).some((earlier) => equalBytes(one, earlier)))) {
    throw invalid('a key is listed twice');
  }
  return {
    xid: xidFrom(leafValue(content)),
    keys,
    dereferenceVia: parts.known(KNOWN.dereferenceVia).map(uriFrom),
    others: parts.others,
  };
}

function keyFrom(envelope: Envelope): XidKey {
  const parts = sortAssertions(envelope, [KNOWN.nickname, KNOWN.endpoint, KNOWN.allow, KNOWN.deny]);
  const nicknames = parts.known(KNOWN.nickname).map(textFrom);
  if (nicknames.length > 1) throw invalid('a key has two nicknames');
  return {
    publicKeys: publicKeysFrom(leafValue(envelope)),
    nickname: nicknames[0] ?? '',
    endpoints: parts.known(KNOWN.endpoint).map(uriFrom),
    allow: parts.known(KNOWN.allow).map(privilegeFrom),
    deny: parts.known(KNOWN.deny).map(privilegeFrom),
    others: parts.others,
  };
}

interface SortedAssertions {
  known(predicate: number): readonly Envelope[];
  readonly others: readonly Envelope[];
}

/** Objects by predicate; whatever is hidden, annotated or unknown goes to `others` untouched. */
function sortAssertions(envelope: Envelope, predicates: readonly number[]): SortedAssertions {
  const known = new Map<number, Envelope[]>(predicates.map((predicate) => [predicate, []]));
  const others: Envelope[] = [];
  for (const one of assertionsOf(envelope)) {
    const isPlain = one.kind === 'assertion' && one.predicate.kind === 'knownValue';
    const list = isPlain ? known.get(Number(one.predicate.value)) : undefined;
    if (isPlain && list !== undefined) list.push(one.object);
    else others.push(one);
  }
  return { known: (predicate) => known.get(predicate) ?? [], others };
}

function uriFrom(envelope: Envelope): string {
  const content = taggedLeafContent(envelope, TAG.uri);
  if (content.type !== MAJOR.text) throw invalid('an address is not text');
  return content.value;
}

function textFrom(envelope: Envelope): string {
  const value = leafValue(envelope);
  if (value.type !== MAJOR.text) throw invalid('a nickname is not text');
  return value.value;
}

function privilegeFrom(envelope: Envelope): Privilege {
  const privilege = envelope.kind === 'knownValue' ? privilegeOf(envelope.value) : null;
  if (privilege === null) throw invalid('a key has an unknown privilege');
  return privilege;
}

function invalid(why: string): EncodingError {
  return new EncodingError(`not an XID document: ${why}`, {
    code: 'XID_DOCUMENT_INVALID',
    hint: 'ask for the document again',
  });
}

/** The document signed by `signer`, who should hold its inception key. */
export function signXidDocument(document: XidDocument, signer: Identity): Envelope {
  return signEnvelope(xidDocumentEnvelope(document), signer);
}

/**
 * The document, if its own inception key is in it and signed all of it; else `null`.
 * @throws EncodingError as {@link parseXidDocument}.
 */
export function verifyXidDocument(envelope: Envelope): XidDocument | null {
  if (subjectOf(envelope).kind !== 'wrapped') return null;
  const document = parseXidDocument(envelope);
  const key = inceptionKeyOf(document);
  return key !== null && isSignedBy(envelope, key.publicKeys.signing) ? document : null;
}
