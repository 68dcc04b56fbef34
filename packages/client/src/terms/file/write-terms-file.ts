import type { Comparison, Condition, KeyTerms, PeopleRule } from '@ckm/api';
import type { FactType } from '@ckm/requests';
import { factType } from './condition.js';
import type { Json } from './strict-json.js';
import { writeMoment, writeSats, writeSeconds, writeShare } from './written-values.js';

/**
 * Terms as a file that gives the same terms again, to be edited: destinations in it are hashes, since a hash does not say its address.
 */
export function writeTermsFile(terms: KeyTerms): string {
  const { approvers, approvals, change, silence } = terms;
  const members = {
    terms: 1,
    ...policyOf(terms),
    ...(approvers === undefined ? {} : { approvers: approvers.map(({ name }) => name) }),
    ...(approvals === undefined
      ? {}
      : {
          approvals: approvals.map(({ when, ...people }) => ({
            ...whenOf(when),
            ...peopleOf(people),
          })),
        }),
    ...(change === undefined ? {} : { change: changeOf(change) }),
    ...(silence === undefined ? {} : { silence: silenceOf(silence) }),
  };
  return `${JSON.stringify(members, null, 2)}\n`;
}

function policyOf({
  kinds,
  rateLimit,
  expiresAt,
  blindAllowed,
  approval,
  changes,
  changeDelay,
  recovery,
}: KeyTerms) {
  return {
    kinds,
    ...(rateLimit === null
      ? {}
      : { rateLimit: { count: rateLimit.count, in: writeSeconds(rateLimit.perSeconds) } }),
    ...(expiresAt === null ? {} : { expiresAt: writeMoment(expiresAt) }),
    ...(blindAllowed ? { blindAllowed } : {}),
    ...(approval === 'operator' ? { approval } : {}),
    ...(changes === undefined ? {} : { changes }),
    ...(changeDelay === undefined ? {} : { changeDelay: CHANGE_DELAYS[changeDelay] }),
    ...(recovery === undefined ? {} : { recovery }),
  };
}

const CHANGE_DELAYS = { 0: '0s', 86400: '24h', 604800: '7d' } as const;

function peopleOf({ needed, of, rejectsEnd }: PeopleRule) {
  return {
    ...(of.length === 0 ? {} : { needed, of }),
    ...(rejectsEnd === undefined ? {} : { rejectsEnd }),
  };
}

function changeOf({ delaySeconds, words, ...people }: NonNullable<KeyTerms['change']>) {
  return {
    ...peopleOf(people),
    delay: writeSeconds(delaySeconds),
    words: words === null ? 'never' : writeSeconds(words),
  };
}

function silenceOf({ afterSeconds, grants }: NonNullable<KeyTerms['silence']>) {
  return { after: writeSeconds(afterSeconds), grants };
}

/** What always holds is not written. */
function whenOf(when: Condition): { readonly when?: Json } {
  return 'all' in when && when.all.length === 0 ? {} : { when: conditionOf(when) };
}

function conditionOf(condition: Condition): Json {
  const partsOf = (parts: readonly Condition[]) => parts.map((one) => conditionOf(one));
  if ('all' in condition) return { all: partsOf(condition.all) };
  if ('any' in condition) return { any: partsOf(condition.any) };
  return comparisonOf(condition);
}

function comparisonOf(comparison: Comparison): Json {
  const name = 'total' in comparison ? comparison.total : comparison.fact;
  const type = factType(name);
  const about: { [member: string]: Json } =
    'total' in comparison ? { total: name, within: writeSeconds(comparison.within) } : { fact: name };
  if ('atMost' in comparison) return { ...about, atMost: limitOf(comparison.atMost, type) };
  if ('above' in comparison) return { ...about, above: limitOf(comparison.above, type) };
  return 'among' in comparison
    ? { ...about, among: comparison.among }
    : { ...about, beyond: comparison.beyond };
}

function limitOf(value: number, type: FactType | undefined): string {
  return type?.is === 'share' ? writeShare(value) : writeSats(value);
}
