import { encodeHex, formatMoment, formatSpan } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { FactType } from '@ckm/requests';
import { hash } from '@ckm/threshold';
import type { Comparison, Condition } from './condition.js';
import { factIn, type FactTable, factTypesOf } from './facts.js';
import type { Approver, KeyTerms, PeopleRule } from './schema.js';

/** Texts of a list that a sentence has; of more, the first few and their digest. */
const MOST_SHOWN = 16;
const SHOWN_OF_MORE = 3;
const SATS_PER_BITCOIN = 100_000_000;

/**
 * Terms in sentences, out of nothing but their bytes: the same at every server, at the owner’s and in front of whoever is to say yes. Terms
 * that mean something else never have the same.
 * @param table `REQUEST_FACTS` of `@ckm/requests`
 */
export function termsSentences(terms: KeyTerms, table: FactTable): readonly string[] {
  return [...rulesSentences(terms, table), ...ofKeys(terms)];
}

/** The same without whose keys they are: what the terms of a key say before its people have any. */
export function rulesSentences(terms: KeyTerms, table: FactTable): readonly string[] {
  return [
    ofVersion(terms),
    ...ofPolicy(terms),
    ...ofRules(terms, nounsOf(terms, table)),
    ...ofChange(terms),
    ...ofSilence(terms),
  ];
}

function ofVersion({ version, previous }: KeyTerms): string {
  if (version === undefined || previous === undefined) return 'Terms 0, as the key was made';
  return `Terms ${version}, behind those with hash ${groupsOfFour(encodeHex(previous))}`;
}

function ofPolicy(terms: KeyTerms): readonly string[] {
  const { kinds, rateLimit, expiresAt, blindAllowed, approval, changes, changeDelay, recovery } = terms;
  const delay = changeDelay === undefined ? 86_400 : changeDelay;
  return [
    `It answers requests of kind ${kinds.map(quoted).join(', ')}`,
    rateLimit === null
      ? 'There may be any number of them'
      : `They are at most ${rateLimit.count} in ${formatSpan(rateLimit.perSeconds)}`,
    expiresAt === null ? 'It does not expire' : `It answers nothing from ${formatMoment(expiresAt)} on`,
    `What cannot be described is ${blindAllowed ? '' : 'not '}signed`,
    approval === 'operator'
      ? 'Each operator says yes to each request'
      : 'No operator has to say yes to a request',
    `Other servers come ${changes === 'automatic' ? 'without operators' : 'when their operators say yes'}, ${delay === 0 ? 'at once' : `after ${formatSpan(delay)}`}`,
    recovery === 'static'
      ? 'The identity of a server gives its share back for ever'
      : 'A lost share comes back from a backup or from other servers',
  ];
}

type Nouns = ReadonlyMap<string, FactType>;

/** A fact that no kind here gives is called by its name. */
function nounsOf({ kinds }: KeyTerms, table: FactTable): Nouns {
  return new Map(kinds.flatMap((kind) => Object.entries(factTypesOf(kind, table) ?? {})));
}

function ofRules({ approvals }: KeyTerms, nouns: Nouns): readonly string[] {
  if (approvals === undefined) return ['Nobody else is asked for a request'];
  const rules = approvals.map((rule, at) => {
    const when = conditionWords(rule.when, nouns);
    const where = when === '' ? 'always' : `where ${when}`;
    return `Rule ${at + 1}: ${where}, ${peopleWords(rule)}`;
  });
  return [
    ...rules,
    'A request that no rule fits is refused; one that several fit, or may fit, has to meet all of them',
  ];
}

function peopleWords({ needed, of, rejectsEnd }: PeopleRule): string {
  if (of.length === 0) return 'nobody is asked';
  const who = of.length === 1 ? of.join('') : `${needed} of ${of.join(', ')}`;
  const ending =
    rejectsEnd === undefined ? '' : rejectsEnd === 1 ? '; 1 no ends it' : `; ${rejectsEnd} noes end it`;
  return `${who} ${needed === 1 ? 'has' : 'have'} to say yes${ending}`;
}

/** Empty where it always holds. */
function conditionWords(condition: Condition, nouns: Nouns): string {
  if ('all' in condition) return partsWords(condition.all, ' and ', nouns);
  if ('any' in condition) return partsWords(condition.any, ' or ', nouns);
  return comparisonWords(condition, nouns);
}

function partsWords(parts: readonly Condition[], between: string, nouns: Nouns): string {
  const words = parts.map((part) => {
    const one = conditionWords(part, nouns);
    if (one === '') return 'anything holds';
    return 'all' in part || 'any' in part ? `(${one})` : one;
  });
  return words.join(between);
}

function comparisonWords(comparison: Comparison, nouns: Nouns): string {
  const name = factIn(comparison);
  const type = nouns.get(name);
  const noun = type?.noun ?? name;
  const summed = 'total' in comparison ? `, summed over ${formatSpan(comparison.within)},` : '';
  if ('atMost' in comparison)
    return `the ${noun}${summed} is at most ${numberWords(comparison.atMost, type)}`;
  if ('above' in comparison) return `the ${noun}${summed} is above ${numberWords(comparison.above, type)}`;
  const isMany = type?.is === 'texts';
  if ('among' in comparison)
    return `${isMany ? 'each' : 'the'} ${noun} is ${listWords(comparison.among, '', 'one of ')}`;
  return `${isMany ? 'some' : 'the'} ${noun} is ${listWords(comparison.beyond, 'not ', 'none of ')}`;
}

function numberWords(value: number, type: FactType | undefined): string {
  if (type?.is === 'share') return `${Math.floor(value / 100)}.${twoDigits(value % 100)} %`;
  if (type?.is !== 'sats') return `${value}`;
  const rest = (value % SATS_PER_BITCOIN).toString().padStart(8, '0');
  return `${Math.floor(value / SATS_PER_BITCOIN)}.${rest} BTC`;
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, '0');
}

/** Behind what stands before one text, or before several. */
function listWords(texts: readonly string[], before: string, beforeMany: string): string {
  const [only, ...others] = texts;
  if (only !== undefined && others.length === 0) return `${before}${quoted(only)}`;
  if (texts.length <= MOST_SHOWN) return `${beforeMany}${texts.map(quoted).join(', ')}`;
  const digest = groupsOfFour(encodeHex(hash('sha256', encodeData(texts))));
  const shown = texts.slice(0, SHOWN_OF_MORE).map(quoted).join(', ');
  return `${beforeMany}${shown} and ${texts.length - SHOWN_OF_MORE} more (SHA-256 ${digest})`;
}

/** Nothing in it ends the quotation: the texts of terms are ASCII. */
function quoted(text: string): string {
  return `“${text}”`;
}

function ofChange({ change }: KeyTerms): readonly string[] {
  if (change === undefined) return [];
  const { delaySeconds, words } = change;
  const delay = delaySeconds === 0 ? 'at once' : `after ${formatSpan(delaySeconds)}`;
  return [
    `For other terms ${peopleWords(change)}; what loosens them works ${delay}`,
    words === null
      ? 'The words alone never change the terms'
      : `The words alone change the terms after ${formatSpan(words)}`,
  ];
}

function ofSilence({ silence }: KeyTerms): readonly string[] {
  if (silence === undefined) return [];
  const after = formatSpan(silence.afterSeconds);
  return silence.grants.map(
    ({ who, may }) => `When the owner gives no sign for ${after}, ${who} may ${may.join(' and ')}`,
  );
}

function ofKeys({ ownerKey, approvers = [] }: KeyTerms): readonly string[] {
  const owner =
    ownerKey === undefined ? [] : [`The key of the owner is ${groupsOfFour(encodeHex(ownerKey))}`];
  return [...owner, ...approvers.map(approverWords)];
}

function approverWords({ name, xid, keys }: Approver): string {
  return `${name} is XID ${groupsOfFour(encodeHex(xid))}, with ${keys.map(keyWords).join(' and ')}`;
}

function keyWords(key: Approver['keys'][number]): string {
  if (key.kind === 'ed25519') return `the Ed25519 key ${groupsOfFour(encodeHex(key.key))}`;
  const digest = groupsOfFour(encodeHex(hash('sha256', key.spki)));
  return `a passkey of ${key.rpId} at ${key.origins.join(', ')} (algorithm ${key.alg}, SHA-256 ${digest})`;
}

/** So that a person can compare it. */
function groupsOfFour(hex: string): string {
  return hex.replace(/(.{4})(?=.)/g, '$1 ');
}
