import { type KeyTerms, policyHash } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, StateError } from '@ckm/foundation';
import { type CertifiedEpoch, membersNeeded } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { HeardTerms } from '../../terms/change/ask-terms.js';
import { type HeardStandings, readStandings } from '../../terms/change/standing.js';
import { bringLinks, type HeadsAt } from '../../terms/change/bring-links.js';
import {
  comesFrom,
  followLinks,
  historyOf,
  type KnownTerms,
  lastCommon,
  linksBetween,
  termsBetween,
} from '../../terms/change/terms-graph.js';
import { headsOf } from '../../terms/change/vouching.js';
import { readTermsNote, saveTermsNote } from '../../terms/change/terms-note.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { checkChain, type KeyChain } from '../chain/key-chain.js';
import type { CertifiedKey, KeyRecord } from '../key-record.js';
import { loadKeyRecord } from '../keys.js';
import { rosterOf } from '../roster.js';

/**
 * The terms under which a change of a key is ordered as its servers are now: the newest that as many of them have in force as decide. Nothing is brought
 * to anybody, or written.
 */
export async function termsToOrderUnder(context: ClientContext, key: CertifiedKey): Promise<KeyTerms> {
  return agreedIn(await readStandings(context, key), key)?.terms ?? key.record.policy;
}

/** The same where the change is carried out: servers that are behind are shown what they have missed first, and the terms are put on record. */
export async function bringUpToOrder(context: ClientContext, key: CertifiedKey): Promise<KeyTerms> {
  const first = await readStandings(context, key);
  if (first.newest.link === null) return key.record.policy;
  const headsAt: HeadsAt = (terms) => headsOf(context, key.keyId, first, terms);
  const isShown = await Promise.all(
    first.heard.map((one) => bringUp(context, key.keyId, first, one, headsAt)),
  );
  const standings = isShown.includes(true) ? await readStandings(context, key) : first;
  const agreed = agreedIn(standings, key);
  if (agreed === undefined || agreed.link === null) return key.record.policy;
  const { proposed } = await readTermsNote(context.store, key.keyId);
  const links = linksBetween(rootOf(agreed), agreed);
  await saveTermsNote(context.store, { keyId: key.keyId, links, proposed });
  return agreed.terms;
}

function agreedIn({ history }: HeardStandings, { newest }: CertifiedKey): KnownTerms | undefined {
  const { quorum, flags } = newest.params;
  const enough = membersNeeded(quorum, flags.strict);
  return history.findLast(({ have }) => have.length >= enough)?.terms;
}

/** Whether it has earlier terms than count, or others. */
function isBehind({ newest, termsAt }: HeardStandings, one: HeardTerms): boolean {
  const has = termsAt(one);
  return one.participant !== null && has !== undefined && !comesFrom(has, newest);
}

/** @returns whether it was shown something, and took it in */
async function bringUp(
  context: ClientContext,
  keyId: Uint8Array,
  standings: HeardStandings,
  one: HeardTerms,
  headsAt: HeadsAt,
): Promise<boolean> {
  if (!isBehind(standings, one)) return false;
  const { newest, termsAt } = standings;
  const missed = termsBetween(lastCommon(termsAt(one)!, newest), newest);
  try {
    await bringLinks(await context.linkTo(one.participant!.server), keyId, missed, headsAt);
    return true;
  } catch (error) {
    if (error instanceof CkmError) return false;
    throw error;
  }
}

/**
 * Shows one server of a key the terms that it has missed, as far as they are those that count.
 * @returns whether it was shown something, and took it in
 */
export async function bringUpServer(
  context: ClientContext,
  key: CertifiedKey,
  slot: number,
): Promise<boolean> {
  const standings = await readStandings(context, key);
  const one = standings.heard.find((heard) => heard.slot === slot);
  const headsAt: HeadsAt = (terms) => headsOf(context, key.keyId, standings, terms);
  return one !== undefined && (await bringUp(context, key.keyId, standings, one, headsAt));
}

function rootOf(terms: KnownTerms): KnownTerms {
  return historyOf(terms)[0]!;
}

/** The terms of that number, as they are on record of a key; null: they are not. */
export async function termsNumbered(
  { store }: Pick<ClientContext, 'store'>,
  keyId: Uint8Array,
  policy: KeyTerms,
  version: number,
): Promise<KeyTerms | null> {
  const { links } = await readTermsNote(store, keyId);
  const known = [...followLinks(keyId, policy, links).values()];
  return known.find((one) => one.version === version)?.terms ?? null;
}

/**
 * The terms that an epoch of a key names, by their hash: on record, or as one of its servers shows them. Null: nobody shows them.
 * @param newest of a chain that was checked
 */
export async function termsNamed(
  context: ClientContext,
  record: KeyRecord,
  newest: CertifiedEpoch,
): Promise<KeyTerms | null> {
  const { termsHash, keyId } = newest.params;
  if (equalBytes(policyHash(record.policy), termsHash)) return record.policy;
  const { links } = await readTermsNote(context.store, keyId);
  const known = followLinks(keyId, record.policy, links).get(encodeHex(termsHash));
  if (known !== undefined) return known.terms;
  const roster = await rosterOf(context, { record, newest });
  const shown = await Promise.all(roster.map(({ server }) => policyAt(context, server, keyId)));
  return shown.find((one) => one !== null && equalBytes(policyHash(one), termsHash)) ?? null;
}

async function policyAt(
  context: ClientContext,
  server: ServerRecord,
  keyId: Uint8Array,
): Promise<KeyTerms | null> {
  try {
    const link = await context.linkTo(server);
    return (await link.call('key.show', { keyId })).policy;
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

/** The terms that the newest epoch of a chain names, for the record of that name. */
export async function termsOfChain(
  context: ClientContext,
  name: string,
  chain: KeyChain,
): Promise<KeyTerms | null> {
  return termsNamed(context, await loadKeyRecord(context.store, name), checkChain(chain).newest);
}

/** The next epoch names terms that nobody who answers shows. */
export function termsMissing(keyName: string, version: number): StateError {
  return new StateError(`the next epoch of ${keyName} is under terms ${version}, which no server shows now`, {
    code: 'TERMS_NOT_ON_RECORD',
    hint: 'go on when more of its servers answer',
    retryable: true,
  });
}
