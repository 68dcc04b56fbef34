import {
  parseTermsChange,
  policyHash,
  termsChangeDigest,
  type TermsLink,
  type TermsStanding,
  versionOf,
} from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import type { HeardTerms } from './ask-terms.js';
import { bringLinks, type HeadsAt } from './bring-links.js';
import { prepareTermsChange, type ReadyChange } from './plan-change.js';
import { comesFrom, type KnownTerms, lastCommon, linksBetween, termsBetween } from './terms-graph.js';
import { saveTermsNote } from './terms-note.js';
import { headsOf } from './vouching.js';
import type { WrittenTerms } from '../file/terms-file.js';

/** What became of a change at one server. `behind`: terms before it have to come into force there first. */
export interface ProposedAt {
  /** The owner's name of the server. */
  readonly server: string;
  readonly slot: number;
  readonly verdict: 'inForce' | 'waits' | 'behind' | 'refused' | 'silent' | 'unknown';
  /** So many more have to say yes. */
  readonly missing: number;
  /** UnixSeconds, by the server's clock; null: time alone does not do it, or nobody knows. */
  readonly readyAt: number | null;
  /** One line for a person, where it was not taken. */
  readonly text: string;
  readonly code: string | null;
}

export interface ProposedTerms {
  readonly name: string;
  /** 32 bytes: names the change, for whoever votes on it. */
  readonly change: Uint8Array;
  readonly version: number;
  readonly servers: readonly ProposedAt[];
  /** So many have to have it: n − t + 1. */
  readonly binding: number;
  /** Whether so many have it in force. */
  readonly isInForce: boolean;
}

/**
 * Proposes other terms to every server of a key, or goes on with that: servers that are behind are brought up to date first. It is on record before
 * any server hears of it, and called again it is the same change.
 * @param votes on it, as they were signed
 * @throws as {@link prepareTermsChange}
 */
export async function proposeTerms(
  context: ClientContext,
  key: CertifiedKey,
  written: WrittenTerms | null,
  votes: readonly Uint8Array[],
): Promise<ProposedTerms> {
  return carryTerms(context, key, await prepareTermsChange(context, key, written), votes);
}

/** Brings a change to every server of a key, once it is on record. */
export async function carryTerms(
  context: ClientContext,
  key: CertifiedKey,
  { plan, heard, link }: ReadyChange,
  votes: readonly Uint8Array[],
): Promise<ProposedTerms> {
  const { keyId } = key;
  const change = parseTermsChange(link.statement);
  const before = [...heard.graph.values()].find(({ hash }) => equalBytes(hash, change.previous))!;
  const links = linksBetween([...heard.graph.values()][0]!, before);
  await saveTermsNote(context.store, { keyId, links, proposed: link });
  const hash = policyHash(plan.after);
  const headsAt: HeadsAt = (terms) => headsOf(context, keyId, heard, terms);
  const wanted = { keyId, hash, before, headsAt, link: { ...link, votes: [...link.votes, ...votes] } };
  const servers = await Promise.all(
    heard.heard.map((one) => bringTo(context, one, heard.termsAt(one), wanted)),
  );
  const { binding } = plan.standings;
  const inForce = servers.filter(({ verdict }) => verdict === 'inForce').length;
  const isInForce = inForce >= binding;
  if (isInForce) {
    const proposed = inForce === servers.length ? null : link;
    await saveTermsNote(context.store, { keyId, links: [...links, link], proposed });
  }
  return {
    name: plan.name,
    change: termsChangeDigest(change),
    version: versionOf(plan.after),
    servers,
    binding,
    isInForce,
  };
}

interface Wanted {
  readonly keyId: Uint8Array;
  /** Of the terms to be. */
  readonly hash: Uint8Array;
  readonly before: KnownTerms;
  readonly headsAt: HeadsAt;
  readonly link: TermsLink;
}

/** Whether it has earlier terms than those before the change, or others beside them. */
function isBehind(has: KnownTerms | undefined, before: KnownTerms): has is KnownTerms {
  return has !== undefined && !comesFrom(has, before);
}

async function bringTo(
  context: ClientContext,
  { server, slot, participant, view, error }: HeardTerms,
  has: KnownTerms | undefined,
  wanted: Wanted,
): Promise<ProposedAt> {
  const about = { server, slot, missing: 0, readyAt: null };
  if (participant === null)
    return { ...about, verdict: 'unknown', text: 'not among your servers any more', code: 'SERVER_UNKNOWN' };
  if (view === null) return { ...about, ...refusedBy(error!) };
  try {
    const link = await context.linkTo(participant.server);
    const { before } = wanted;
    const missed = isBehind(has, before) ? termsBetween(lastCommon(has, before), before) : [];
    const caughtUp = await bringLinks(link, wanted.keyId, missed, wanted.headsAt);
    if (caughtUp !== null && !equalBytes(caughtUp.hash, before.hash)) {
      const text = `has terms ${caughtUp.version}, and takes those before this change first`;
      return { ...about, verdict: 'behind', text, code: null, readyAt: caughtUp.waiting?.readyAt ?? null };
    }
    const { keyId } = wanted;
    return { ...about, ...judge(await link.call('terms.propose', { keyId, ...wanted.link }), wanted) };
  } catch (thrown) {
    if (!(thrown instanceof CkmError)) throw thrown;
    return { ...about, ...refusedBy(thrown) };
  }
}

function judge(standing: TermsStanding, { hash }: Wanted): Omit<ProposedAt, 'server' | 'slot'> {
  if (equalBytes(standing.hash, hash))
    return { verdict: 'inForce', missing: 0, readyAt: null, text: '', code: null };
  const { waiting } = standing;
  if (waiting === null || !equalBytes(waiting.hash, hash))
    return {
      verdict: 'refused',
      missing: 0,
      readyAt: null,
      text: 'it is over there',
      code: 'TERMS_CHANGE_OVER',
    };
  return { verdict: 'waits', missing: waiting.missing, readyAt: waiting.readyAt, text: '', code: null };
}

function refusedBy({ errorClass, message, code }: CkmError) {
  const verdict = errorClass === 'AvailabilityError' ? ('silent' as const) : ('refused' as const);
  return { verdict, missing: 0, readyAt: null, text: message, code };
}
