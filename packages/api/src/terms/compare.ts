import { equalBytes } from '@ckm/foundation';
import { type Data, encodeData } from '@ckm/gordian';
import { isRateWithin } from './policy.js';
import { allLooks, everyCase } from './cases.js';
import type { Condition, Truth } from './condition.js';
import { factTypesOf, type FactTable } from './facts.js';
import { rejectsEndOf } from './judge.js';
import type { KeyTerms, PeopleRule, UseRule } from './schema.js';

/** What of the terms one can change. */
export type TermsPart = Exclude<keyof KeyTerms, 'version' | 'previous'>;

type Covers = (before: KeyTerms, after: KeyTerms, table: FactTable) => boolean;

/**
 * Whether a part lets nothing in that it did not before. Only kinds, rates and rules can say so by another value: whom it asks, how the
 * terms change, and what time grants never work at once, since a tightening of those locks the owner out as well as a thief (L10).
 */
const COVERS: Readonly<Record<TermsPart, Covers>> = {
  kinds: (before, after) => after.kinds.every((kind) => before.kinds.includes(kind)),
  rateLimit: ({ rateLimit: before }, { rateLimit: after }) =>
    before === null || (after !== null && isRateWithin(before, after)),
  approvals: areRulesCovered,
  expiresAt: isSame('expiresAt'),
  blindAllowed: isSame('blindAllowed'),
  approval: isSame('approval'),
  changes: isSame('changes'),
  changeDelay: isSame('changeDelay'),
  recovery: isSame('recovery'),
  change: isSame('change'),
  silence: isSame('silence'),
  ownerKey: isSame('ownerKey'),
  approvers: isSame('approvers'),
};

/**
 * Which parts are not provably as tight as before or tighter: with any of them a change of terms goes the slow way. What cannot be proved
 * is loosening. Empty: no request is let in that was not.
 * @param table `REQUEST_FACTS` of `@ckm/requests`
 */
export function partsLoosened(before: KeyTerms, after: KeyTerms, table: FactTable): readonly TermsPart[] {
  const parts = Object.entries(COVERS) as [TermsPart, Covers][];
  return parts.filter(([, covers]) => !covers(before, after, table)).map(([part]) => part);
}

function isSame(part: TermsPart): Covers {
  return (before, after) => areSame(before[part], after[part]);
}

function areSame(before: Data | undefined, after: Data | undefined): boolean {
  const bytesOf = (value: Data | undefined) => encodeData(value === undefined ? [] : [value]);
  return equalBytes(bytesOf(before), bytesOf(after));
}

/**
 * Rules where there were none ask people, so that they go the slow way too. Else every case is looked at: what is let in by the new rules
 * was let in by the old ones, and whoever was asked is asked by as many.
 */
function areRulesCovered(
  { approvals: before }: KeyTerms,
  { approvals: after, kinds }: KeyTerms,
  table: FactTable,
): boolean {
  if (before === undefined || after === undefined) return before === after;
  const areKnown = after.every(({ of }) => of.length === 0 || before.some((rule) => isOfSame(rule, { of })));
  if (!areKnown) return false;
  if (arePairsCovered(before, after)) return true;
  const conditions = [...before, ...after].map(({ when }) => when);
  const looks = allLooks();
  return kinds.every((kind) => {
    const types = factTypesOf(kind, table);
    if (types === null) return false;
    return everyCase(conditions, { kind, types }, looks, (truth) => isCovered(before, after, truth)) === true;
  });
}

/** Whether each rule fits what it fitted before, and asks as many: known without a look at any case. */
function arePairsCovered(before: readonly UseRule[], after: readonly UseRule[]): boolean {
  if (before.length !== after.length) return false;
  return before.every((rule, at) => {
    const other = after[at]!;
    return areSame(rule.when, other.when) && (rule.of.length === 0 || asksAsMuch(rule, other));
  });
}

function isCovered(
  before: readonly UseRule[],
  after: readonly UseRule[],
  truth: (condition: Condition) => Truth,
): boolean {
  if (!after.some(({ when }) => truth(when) === true)) return true;
  if (!before.some(({ when }) => truth(when) === true)) return false;
  const asked = before.filter(({ of, when }) => of.length > 0 && truth(when) !== false);
  return asked.every((rule) => after.some((other) => asksAsMuch(rule, other) && truth(other.when) !== false));
}

function asksAsMuch(before: PeopleRule, after: PeopleRule): boolean {
  return (
    isOfSame(before, after) &&
    after.needed >= before.needed &&
    after.rejectsEnd === before.rejectsEnd &&
    rejectsEndOf(after) <= rejectsEndOf(before)
  );
}

/** Whatever the order: nobody is named twice. */
function isOfSame({ of: before }: Pick<PeopleRule, 'of'>, { of: after }: Pick<PeopleRule, 'of'>): boolean {
  return before.length === after.length && before.every((name) => after.includes(name));
}
