import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  isSettling,
  type KeyTerms,
  parseTerms,
  parseTermsChange,
  partsLoosened,
  policyHash,
  takenAway,
  termsChangeDigest,
  termsChangeSentences,
  type TermsLink,
  type TermsPart,
  type TermsView,
  versionOf,
} from '@ckm/api';
import { equalBytes, StateError, UsageError } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { ClientContext } from '../../context/context.js';
import { answeredApprovers, readInvited } from '../../invitations/invited.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import { keyOwnerKey } from '../drafts/new-key-terms.js';
import { asksPeople, certifiedTerms } from '../file/certified-terms.js';
import type { WrittenTerms } from '../file/terms-file.js';
import { leadsOn } from './leads-on.js';
import { type HeardStandings, readStandings, type TermsStandings } from './standing.js';
import { comesFrom, type KnownTerms } from './terms-graph.js';
import { readTermsNote } from './terms-note.js';

/** How long other terms wait where those in force say nothing of it. Seconds. */
const USUAL_DELAY = 259_200;
/** What the words alone put in force at once: rules for people where there were none. */
const FIRST: readonly TermsPart[] = ['approvals', 'change', 'silence', 'ownerKey', 'approvers'];

/** What a change of terms will ask of whom: nothing has been sent or written. */
export interface TermsChangePlan {
  readonly name: string;
  readonly standings: TermsStandings;
  readonly before: KeyTerms;
  readonly after: KeyTerms;
  /** What changes, for a person. */
  readonly sentences: readonly string[];
  /** Parts that are not provably as tight or tighter; empty: it works at once, and asks nobody. */
  readonly loosened: readonly TermsPart[];
  /** `atOnce`: at each server that it reaches. `waits`: by the rule of the terms in force. */
  readonly way: 'atOnce' | 'waits';
  /** So many have to say yes … */
  readonly needed: number;
  /** … of these. */
  readonly of: readonly string[];
  /** How long each server waits, from when it first sees it. */
  readonly delaySeconds: number;
  /** After how long the words alone do it; null: they do not, or do not speak here. */
  readonly wordsSeconds: number | null;
  /** Whether the same change was proposed here before, and is not over: then it goes on. */
  readonly goesOn: boolean;
}

export interface ReadyChange {
  readonly plan: TermsChangePlan;
  readonly heard: HeardStandings;
  readonly link: TermsLink;
}

/**
 * What proposing other terms would do, or going on with it.
 * @param written null: what was proposed here last; where nothing was, the newest change is brought to whoever has missed it
 * @throws EncodingError `TERMS_…`; StateError `TERMS_APPROVER_ABSENT`, `TERMS_NOT_PROPOSED`, `WORDS_NEEDED`; UsageError `TERMS_SAME`
 */
export async function prepareTermsChange(
  context: ClientContext,
  key: CertifiedKey,
  written: WrittenTerms | null,
): Promise<ReadyChange> {
  const heard = await readStandings(context, key);
  const { proposed } = await readTermsNote(context.store, key.keyId);
  if (written === null) {
    const link = proposed ?? missedLink(heard);
    if (link === null) throw notProposed(key.record.name);
    return ready(context, key, heard, link, true);
  }
  const { before: known, version, isStill } = leadsOn(heard);
  const before = known.terms;
  const next = certifiedTerms(written, await peopleOf(context, key, before, written), before);
  const after = { ...next, version };
  if (isSameContent(before, after)) throw sameTerms(key.record.name);
  const isSuch = ({ statement, terms }: TermsLink) =>
    equalBytes(terms, encodeTerms({ ...after, version: parseTermsChange(statement).version }));
  if (proposed !== null && isSuch(proposed) && isStill(proposed) && !isOver(heard, proposed))
    return ready(context, key, heard, proposed, true);
  const change = changeOfTerms({ keyId: key.keyId, id: context.random(32) }, before, after);
  const link = { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
  return ready(context, key, heard, link, false);
}

/** A change that is to be proposed, or goes on, with what it asks of whom. @throws StateError `TERMS_NOT_PROPOSED`: it follows nothing that is known */
export async function ready(
  context: ClientContext,
  key: CertifiedKey,
  heard: HeardStandings,
  link: TermsLink,
  goesOn: boolean,
): Promise<ReadyChange> {
  const { version, previous } = parseTermsChange(link.statement);
  const before = [...heard.graph.values()].find(({ hash }) => equalBytes(hash, previous));
  if (before === undefined) throw notProposed(key.record.name);
  const after = parseTerms(link.terms, REQUEST_FACTS);
  const { words } = await context.owner();
  const rules = rulesFor(before, after, { byWords: words !== null, inForce: takenBack(heard, link, before) });
  const { name } = key.record;
  const sentences = termsChangeSentences(before.terms, after, REQUEST_FACTS);
  const plan: TermsChangePlan = {
    name,
    standings: heard,
    before: before.terms,
    after,
    sentences,
    goesOn,
    ...rules,
  };
  if (version !== versionOf(after)) throw notProposed(name);
  return { plan, heard, link };
}

/** What servers have in force that a change would take back, or leave as it is; where it takes back nothing, the terms before it. */
function takenBack(
  { heard, termsAt }: HeardStandings,
  { statement }: TermsLink,
  before: KnownTerms,
): readonly KeyTerms[] {
  if (!isSettling(parseTermsChange(statement), before.terms)) return [before.terms];
  const held = heard.flatMap((one) => termsAt(one) ?? []);
  const since = held.filter((one) => comesFrom(one, before)).map(({ terms }) => terms);
  return since.length === 0 ? [before.terms] : since;
}

/** By the rule of the terms before it, as servers judge it that have some terms in force. */
function rulesFor(
  { terms: before }: KnownTerms,
  after: KeyTerms,
  { byWords, inForce }: { readonly byWords: boolean; readonly inForce: readonly KeyTerms[] },
) {
  const loosened = [...new Set(inForce.flatMap((one) => partsLoosened(one, after, REQUEST_FACTS)))];
  const { change } = before;
  const isFirst = change === undefined && loosened.every((part) => FIRST.includes(part));
  const nobody = { needed: 0, of: [], wordsSeconds: null };
  if (loosened.length === 0 || (byWords && isFirst))
    return { loosened, way: 'atOnce' as const, ...nobody, delaySeconds: 0 };
  if (change === undefined) return { loosened, way: 'waits' as const, ...nobody, delaySeconds: USUAL_DELAY };
  const gone = takenAway(before, after);
  const isGone = (name: string) =>
    before.approvers?.some((one) => one.name === name && gone.some((xid) => equalBytes(xid, one.xid))) ===
    true;
  return {
    loosened,
    way: 'waits' as const,
    needed: change.needed,
    of: change.of.filter((one) => !isGone(one)),
    // What was in force before comes back as soon as those have said yes.
    delaySeconds: isSameContent(before, after) && change.needed > 0 ? 0 : change.delaySeconds,
    wordsSeconds: byWords ? change.words : null,
  };
}

/** The change to the newest terms, where some server that answers has not got them. */
function missedLink({ heard, newest, termsAt }: HeardStandings): TermsLink | null {
  const isMissed = heard.some((one) => {
    const has = termsAt(one);
    return has !== undefined && !comesFrom(has, newest);
  });
  return isMissed ? newest.link : null;
}

/** Those whom the terms have already, unless they answered anew, and those who have answered since. */
export async function peopleOf(
  context: ClientContext,
  key: CertifiedKey,
  before: KeyTerms,
  written: WrittenTerms,
) {
  const invited = await readInvited(context.store, key.record.name);
  const isOfKey = invited !== null && equalBytes(invited.keyId, key.keyId);
  const answered = isOfKey ? answeredApprovers(invited) : [];
  const kept = (before.approvers ?? []).filter(({ name }) => !answered.some((one) => one.name === name));
  const ownerKey = before.ownerKey ?? (asksPeople(written) ? await keyOwnerKey(context, key.keyId) : null);
  return { ownerKey, approvers: [...kept, ...answered] };
}

export function isSameContent(before: KeyTerms, after: KeyTerms): boolean {
  const contentOf = ({ version: _version, previous: _previous, ...content }: KeyTerms) => policyHash(content);
  return equalBytes(contentOf(before), contentOf(after));
}

export function isOver({ heard }: HeardStandings, { statement }: TermsLink): boolean {
  const digest = termsChangeDigest(parseTermsChange(statement));
  return heard.some(({ view }) => isOverBy(view, digest));
}

function isOverBy(view: TermsView | null, digest: Uint8Array): boolean {
  const over = view?.over ?? null;
  return over !== null && equalBytes(over.change, digest);
}

function sameTerms(name: string): UsageError {
  return new UsageError(`key ${name} has just these terms`, {
    code: 'TERMS_SAME',
    hint: 'change something in the file',
  });
}

export function notProposed(name: string): StateError {
  return new StateError(`no other terms of key ${name} were proposed here that could go on`, {
    code: 'TERMS_NOT_PROPOSED',
    hint: 'name a file with the terms that the key is to have',
    retryable: false,
  });
}
