import { encodeHex, EncodingError, equalBytes } from '@ckm/foundation';
import { MAJOR } from '../cbor/dcbor.js';
import { assertion, knownValue, leaf, node, type Envelope } from '../envelope/envelope.js';
import { KNOWN } from '../envelope/known-values.js';
import { assertionsOf, bareAssertion, leafValue, subjectOf, unwrap } from '../envelope/queries.js';
import { isSignedBy, signEnvelope } from '../envelope/signature.js';
import type { Identity } from '../identity/identity.js';
import {
  encodePublicKeys,
  publicKeysCbor,
  usablePublicKeysFrom,
  xidOfKey,
  type PublicKeys,
  type Xid,
} from '../identity/public-keys.js';
import { PRIVILEGES, privilegeOf, type Privilege } from './privileges.js';
import { uriFrom, uriLeaf } from './uri.js';
import { xidCbor, xidFrom } from './xid.js';

/**
 * One key in an XID document. `others`: assertions kept as they came, without a meaning here, or with a note on what they say.
 * `notes`: what is asserted about the listing of the key.
 */
export interface XidKey {
  readonly publicKeys: PublicKeys;
  readonly nickname: string;
  readonly endpoints: readonly string[];
  readonly allow: readonly Privilege[];
  readonly deny: readonly Privilege[];
  readonly others: readonly Envelope[];
  readonly notes: readonly Envelope[];
}

/**
 * Who somebody is: an XID, the keys it has today, and where to find the newest document.
 * Delegates, services, provenance marks and attachments are kept in `others`, uninterpreted; so are keys of a kind that we
 * cannot use (post-quantum, SSH), and, beside what they say, addresses with a note.
 * Source: BCR-2024-010 and bc-xid-rust, src/xid_document.rs.
 */
export interface XidDocument {
  readonly xid: Xid;
  readonly keys: readonly XidKey[];
  /** URIs under which this document can be fetched. */
  readonly dereferenceVia: readonly string[];
  readonly others: readonly Envelope[];
}

/**
 * A document whose first key may do everything; its XID is the hash of that key. `dereferenceVia`: URIs, or the document
 * cannot be written.
 */
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
    notes: [],
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

/**
 * The document as an envelope: the XID, and an assertion for each thing known about it.
 * @throws EncodingError `XID_DOCUMENT_INVALID` for an address that is not a URI.
 */
export function xidDocumentEnvelope(document: XidDocument): Envelope {
  const addresses = document.dereferenceVia.map((uri) => about(KNOWN.dereferenceVia, addressLeaf(uri)));
  const subject = leaf(xidCbor(document.xid));
  return withAssertions(subject, document.others, [...addresses, ...document.keys.map(listedKey)]);
}

function listedKey(key: XidKey): Envelope {
  const listed = about(KNOWN.key, keyEnvelope(key));
  return key.notes.length === 0 ? listed : node(listed, key.notes);
}

function keyEnvelope(key: XidKey): Envelope {
  const said: Envelope[] = [];
  if (key.nickname !== '') said.push(about(KNOWN.nickname, leaf(key.nickname)));
  for (const uri of key.endpoints) said.push(about(KNOWN.endpoint, addressLeaf(uri)));
  for (const name of key.allow) said.push(about(KNOWN.allow, knownValue(PRIVILEGES[name])));
  for (const name of key.deny) said.push(about(KNOWN.deny, knownValue(PRIVILEGES[name])));
  return withAssertions(leaf(publicKeysCbor(key.publicKeys)), key.others, said);
}

function about(predicate: number, object: Envelope): Envelope {
  return assertion(knownValue(predicate), object);
}

function addressLeaf(uri: string): Envelope {
  const address = uriLeaf(uri);
  if (address === null)
    throw invalid('an address is not a URI', 'write an address with its scheme, such as https://');
  return address;
}

/** `others` as they came, and whatever of `said` none of them says already, with a note. */
function withAssertions(subject: Envelope, others: readonly Envelope[], said: readonly Envelope[]): Envelope {
  const noted = new Map<string, number>();
  for (const digest of others.map(digestWithoutNotes)) noted.set(digest, (noted.get(digest) ?? 0) + 1);
  const unsaid = said.filter((one) => {
    const digest = encodeHex(one.digest);
    const left = noted.get(digest) ?? 0;
    noted.set(digest, left - 1);
    return left <= 0;
  });
  const assertions = [...others, ...unsaid];
  return assertions.length === 0 ? subject : node(subject, assertions);
}

function digestWithoutNotes(envelope: Envelope): string {
  const pair = bareAssertion(envelope);
  const bare = pair === null ? envelope : assertion(pair.predicate, subjectOf(pair.object));
  return encodeHex(bare.digest);
}

/**
 * Reads a document, signed or not, without checking a signature.
 * Anybody can write one that names any XID: trust its keys only after {@link verifyXidDocument}, or when the message
 * around it is signed with {@link inceptionKeyOf} it.
 * @throws EncodingError `XID_INVALID`, `XID_DOCUMENT_INVALID`, `PUBLIC_KEYS_INVALID`, `ENVELOPE_…`.
 */
export function parseXidDocument(envelope: Envelope): XidDocument {
  const content = subjectOf(envelope).kind === 'wrapped' ? unwrap(envelope) : envelope;
  const listed = sortAssertions(content, [KNOWN.key, KNOWN.dereferenceVia]);
  const keys: XidKey[] = [];
  const foreign: Envelope[] = [];
  for (const one of listed.known(KNOWN.key)) {
    const key = keyFrom(one);
    if (key === null) foreign.push(one.whole);
    else keys.push(key);
  }
  const encodings = new Set(keys.map((key) => encodeHex(encodePublicKeys(key.publicKeys))));
  if (encodings.size < keys.length) throw invalid('a key is listed twice');
  return {
    xid: xidFrom(leafValue(content)),
    keys,
    dereferenceVia: listed.known(KNOWN.dereferenceVia).map(addressFrom),
    others: [...foreign, ...listed.noted(KNOWN.dereferenceVia), ...listed.others],
  };
}

/** `null` for a key of a kind that we cannot use. */
function keyFrom({ object, notes }: Listed): XidKey | null {
  const publicKeys = usablePublicKeysFrom(leafValue(object));
  if (publicKeys === null) return null;
  const listed = sortAssertions(object, KEY_PREDICATES);
  const nicknames = listed.known(KNOWN.nickname).map(textFrom);
  if (nicknames.length > 1) throw invalid('a key has two nicknames');
  return {
    publicKeys,
    nickname: nicknames[0] ?? '',
    endpoints: listed.known(KNOWN.endpoint).map(addressFrom),
    allow: listed.known(KNOWN.allow).map(privilegeFrom),
    deny: listed.known(KNOWN.deny).map(privilegeFrom),
    others: [...KEY_PREDICATES.flatMap((predicate) => listed.noted(predicate)), ...listed.others],
    notes,
  };
}

const KEY_PREDICATES = [KNOWN.nickname, KNOWN.endpoint, KNOWN.allow, KNOWN.deny];

/** An assertion that is understood here: what it says, and what is noted about it. */
interface Listed {
  readonly whole: Envelope;
  readonly object: Envelope;
  readonly notes: readonly Envelope[];
}

interface SortedAssertions {
  known(predicate: number): readonly Listed[];
  /** Those of {@link known} with a note on the assertion or on its object. */
  noted(predicate: number): readonly Envelope[];
  readonly others: readonly Envelope[];
}

/** By predicate; whatever is hidden or unknown goes to `others` untouched. */
function sortAssertions(envelope: Envelope, predicates: readonly number[]): SortedAssertions {
  const known = new Map<number, Listed[]>(predicates.map((predicate) => [predicate, []]));
  const others: Envelope[] = [];
  for (const whole of assertionsOf(envelope)) {
    const pair = bareAssertion(whole);
    const list = pair?.predicate.kind === 'knownValue' ? known.get(Number(pair.predicate.value)) : undefined;
    if (pair === null || list === undefined) others.push(whole);
    else list.push({ whole, object: pair.object, notes: assertionsOf(whole) });
  }
  const listed = (predicate: number) => known.get(predicate) ?? [];
  return {
    known: listed,
    noted: (predicate) =>
      listed(predicate)
        .filter(isNoted)
        .map((one) => one.whole),
    others,
  };
}

function isNoted({ object, notes }: Listed): boolean {
  return notes.length > 0 || object.kind === 'node';
}

function addressFrom({ object }: Listed): string {
  const address = uriFrom(object);
  if (address === null) throw invalid('an address is not a URI');
  return address;
}

function textFrom({ object }: Listed): string {
  const value = leafValue(object);
  if (value.type !== MAJOR.text) throw invalid('a nickname is not text');
  return value.value;
}

function privilegeFrom({ object }: Listed): Privilege {
  const subject = subjectOf(object);
  const privilege = subject.kind === 'knownValue' ? privilegeOf(subject.value) : null;
  if (privilege === null) throw invalid('a key has an unknown privilege');
  return privilege;
}

function invalid(why: string, hint = 'ask for the document again'): EncodingError {
  return new EncodingError(`not an XID document: ${why}`, { code: 'XID_DOCUMENT_INVALID', hint });
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
