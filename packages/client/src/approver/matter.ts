import {
  encodeTerms,
  hashPayload,
  hashTasks,
  holdVotes,
  judgeVote,
  type KeyTerms,
  parseTerms,
  parseVote,
  type Polling,
  policyHash,
  readTermsProposal,
  type ShownMatter,
  takenAway,
  termsChangeSentences,
  rulesSentences,
} from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { encodeData, primitives, xidOf } from '@ckm/gordian';
import { type Description, type KeyContext, REQUEST_FACTS, requestKind } from '@ckm/requests';
import { type CertifiedEpoch, parseCertificate, verifyFirstEpoch } from '@ckm/threshold';
import { approvalFalse, approvalUnread, notAnApprover } from './approver-errors.js';
import type { ApproverKey } from './approver-key.js';
import { readExport, readSettling, readThaw } from './named-matters.js';
import { readOrder } from './order.js';

/** What one content says, as this approver reads it. */
export interface ReadMatter {
  readonly description: Description;
  /** As those in force say it. */
  readonly terms: readonly string[];
  /** Names in the terms of those who say yes or no, as far as they have proved it. */
  readonly yes: readonly string[];
  readonly no: readonly string[];
  /** The key that asks: its owner, or one of the owner's devices. */
  readonly isOwner: boolean;
}

export interface Reading {
  readonly key: ApproverKey;
  /** The first of the key. */
  readonly epoch: CertifiedEpoch;
  /** 32 bytes: the XID of the approver for this key. */
  readonly me: Uint8Array;
  /** 32 bytes: XID of the server. */
  readonly shownBy: Uint8Array;
  /** UnixSeconds */
  readonly now: number;
}

/**
 * Reads what a server shows, out of nothing but its bytes: the sentence of the server is not looked at.
 * @throws StateError `APPROVAL_UNREADABLE`, `APPROVAL_FALSE`; AccessError `APPROVAL_NOT_YOURS`
 */
export function readMatter(shown: ShownMatter, { key, epoch, me, shownBy, now }: Reading): ReadMatter {
  if (!isRead(shown))
    throw approvalUnread(
      'this version reads requests, changes of terms, orders about servers, exports and ends of freezes, and this is none',
    );
  const terms = readTermsShown(shown);
  if (!(terms.approvers ?? []).some(({ xid }) => equalBytes(xid, me))) throw notAnApprover(key.keyName);
  const change = shown.matter === 'terms' ? readChange(shown, terms) : null;
  const description = change?.description ?? describeOther(shown, { key, epoch, now });
  return {
    description,
    terms: rulesSentences(terms, REQUEST_FACTS),
    ...votesIn(shown, terms, { serverId: shownBy, without: change?.without ?? [], now }),
    isOwner: isOwner(shown, terms),
  };
}

function readTermsShown({ terms: bytes, termsHash }: ShownMatter): KeyTerms {
  const terms = orUnread('its terms', () => parseTerms(bytes, REQUEST_FACTS));
  const isSame = equalBytes(policyHash(terms), termsHash) && equalBytes(encodeTerms(terms), bytes);
  if (!isSame) throw approvalFalse('the terms that are shown are not those that are named');
  return terms;
}

function isRead({ matter }: ShownMatter): boolean {
  return matter !== 'case';
}

function describeOther(
  shown: ShownMatter,
  { key, epoch, now }: Pick<Reading, 'key' | 'epoch' | 'now'>,
): Description {
  if (shown.matter === 'order' && shown.kind === 'settle')
    return orFalse('the settlement', () => readSettling(shown, key));
  if (shown.matter === 'order') return orFalse('the order', () => readOrder(shown, key));
  if (shown.matter === 'export') return orFalse('the export', () => readExport(shown, key));
  if (shown.matter === 'thaw') return orFalse('the end of a freeze', () => readThaw(shown, key));
  return describe(shown, contextOf(key, epoch, now));
}

/** A change of the terms, in the sentences that everybody reads of it. */
function readChange(
  shown: ShownMatter,
  terms: KeyTerms,
): { readonly description: Description; readonly without: readonly Uint8Array[] } {
  const { after } = orFalse('the change', () =>
    readTermsProposal(shown.payload, shown, terms, REQUEST_FACTS),
  );
  const [what, how, ...parts] = termsChangeSentences(terms, after, REQUEST_FACTS);
  const rows = parts.map((part) => {
    const [, label, value] = /^(No longer|New): (.*)$/s.exec(part)!;
    return { label: label!, value: value! };
  });
  const description = { sentence: `${what}. ${how}.`, rows, warnings: [], blind: false };
  return { description, without: takenAway(terms, after) };
}

/** The public half of a key stays the same through all its epochs, so that the certificate of the first describes what all of them sign. */
function contextOf(
  { keyName }: ApproverKey,
  { params, public: own }: CertifiedEpoch,
  now: number,
): KeyContext {
  return { name: keyName, suite: own.suite, purpose: params.purpose, public: own, now };
}

function describe({ kind, payload, payloadHash, tasksHash }: ShownMatter, context: KeyContext): Description {
  if (!equalBytes(hashPayload(kind, payload), payloadHash))
    throw approvalFalse('the content that is shown is not the one that is named');
  return orUnread('its content', () => {
    if (payload.length > requestKind(kind).maxBytes) throw approvalUnread('it is too long');
    const parsed = requestKind(kind).parse(payload);
    const description = parsed.describe(context);
    if (!equalBytes(hashTasks(parsed.tasks(context)), tasksHash))
      throw approvalFalse('something else would be signed than what it says');
    if (description.blind) throw approvalUnread('it says nothing that a person could read');
    return { ...description, warnings: [...description.warnings, ...parsed.doubts(context)] };
  });
}

function orUnread<T>(what: string, read: () => T): T {
  return orAs(approvalUnread, what, read);
}

/** Where the id of a matter is the hash of what is asked: it is that, or it is false. */
function orFalse<T>(what: string, read: () => T): T {
  return orAs(approvalFalse, what, read);
}

function orAs<T>(refusal: (why: string) => CkmError, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    throw error.code === 'APPROVAL_UNREADABLE' || error.code === 'APPROVAL_FALSE'
      ? error
      : refusal(`${what}: ${error.message}`);
  }
}

/** Of passkeys nothing is said here: what verifies them is on servers. */
function votesIn(
  shown: ShownMatter,
  { approvers = [] }: KeyTerms,
  {
    serverId,
    without,
    now,
  }: { readonly serverId: Uint8Array; readonly without: readonly Uint8Array[]; readonly now: number },
): Pick<ReadMatter, 'yes' | 'no'> {
  const votes = shown.votes.flatMap((bytes) => {
    try {
      return [parseVote(bytes)];
    } catch (error) {
      if (error instanceof CkmError) return [];
      throw error;
    }
  });
  const polling: Polling = {
    ballot: { ...shown, serverId },
    approvers,
    without,
    moment: { now, maxSkewSeconds: SKEW_SECONDS },
  };
  const proven = votes.filter((vote) => judgeVote(vote, polling, () => false) === null);
  const { yes, no } = holdVotes(proven, polling);
  return { yes: [...yes].toSorted(), no: [...no].toSorted() };
}

/** How far the clock of another approver may be ahead. */
const SKEW_SECONDS = 300;

function isOwner({ requester }: ShownMatter, { ownerKey }: KeyTerms): boolean {
  return (
    requester !== null &&
    ownerKey !== undefined &&
    equalBytes(xidOf({ signing: { scheme: 'ed25519', bytes: ownerKey } }), requester)
  );
}

/** 32 bytes over what was read: recorded in a vote. */
export function descriptionHash(description: Description | null): Uint8Array {
  const read =
    description === null
      ? null
      : [description.sentence, ...description.rows.map(({ label, value }) => [label, value])];
  return primitives.sha256(encodeData(read));
}

/**
 * The first epoch of a key, by its certificate.
 * @param shownBy whether a server showed it: then those who signed it have to be just the servers that the approver was invited to
 * @returns null: it is none of this key, or of others
 */
export function firstEpoch(
  certificate: Uint8Array,
  { keyId, servers }: Pick<ApproverKey, 'keyId' | 'servers'>,
  shownBy: 'owner' | 'server',
): CertifiedEpoch | null {
  let epoch: CertifiedEpoch;
  try {
    epoch = verifyFirstEpoch(parseCertificate(certificate));
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
  const { roster } = epoch.params;
  const isInvited =
    roster.length === servers.length &&
    roster.every(({ serverId, identityKey }) =>
      servers.some(
        ({ xid, publicKeys }) =>
          equalBytes(xid, serverId) && equalBytes(publicKeys.signing.bytes, identityKey),
      ),
    );
  return equalBytes(epoch.params.keyId, keyId) && (isInvited || shownBy === 'owner') ? epoch : null;
}

/** Which of several contents it is: what two servers that are honest show alike. When it ends may differ, where servers heard of it at different times. */
export function contentOf(shown: ShownMatter): string {
  const { matter, matterId, keyId, kind, payloadHash, tasksHash, termsHash, requester } = shown;
  const named = { matter, matterId, keyId, kind, payloadHash, tasksHash, termsHash, requester };
  // Whoever shows other bytes under the names of the true ones makes nobody else's unreadable.
  const read = [primitives.sha256(shown.payload), primitives.sha256(shown.terms)];
  return encodeHex(encodeData({ ...named, read }));
}
