import type { Facts, FactValue } from '@ckm/requests';
import type { VotesHeld } from '../votes/count.js';
import { type Comparison, comparisonsIn, holdsFor, listOf, type Truth, truthOf } from './condition.js';
import { factIn, factOf, type TotalAsked } from './facts.js';
import type { KeyTerms, PeopleRule } from './schema.js';

/** Everything that terms look at. */
export interface JudgedRequest {
  readonly facts: Facts;
  /** How much of a fact was let in within so many seconds, this request not counted. Null: that is not known, and all of it counts as spent. */
  readonly before: (total: TotalAsked) => number | null;
  /** By the names in the terms; who is in both says no. */
  readonly votes: VotesHeld;
  /** Names of those who have no say in this, such as whoever asks himself: as if the rules did not name them. Absent: nobody. */
  readonly without?: ReadonlySet<string>;
}

/** What a rule still waits for. */
export interface Awaited {
  /** Counted from 1, in the order of the terms. */
  readonly rule: number;
  /** So many more have to say yes … */
  readonly needed: number;
  /** … of these, who have said nothing. */
  readonly of: readonly string[];
}

export type TermsVerdict =
  | { readonly verdict: 'yes' }
  | { readonly verdict: 'waits'; readonly awaits: readonly Awaited[] }
  /** A rule is over: by so many who said no, or since too few of those whom it names have a say. */
  | {
      readonly verdict: 'no';
      readonly because: 'people';
      readonly rule: number;
      readonly by: readonly string[];
    }
  /** No rule surely fits; `unknown`: what the request would have to say for one that may. */
  | { readonly verdict: 'no'; readonly because: 'rules'; readonly unknown: readonly string[] };

/** A running total, and from how much on it makes no difference to any rule how much it is. */
export interface LimitedTotal extends TotalAsked {
  readonly most: number;
}

/** Terms that were read once, for any number of requests. */
export interface TermsJudge {
  /** The running totals that the rules look at, each once. */
  readonly totals: readonly LimitedTotal[];
  judge(request: JudgedRequest): TermsVerdict;
}

/**
 * A request is let in when a rule surely fits it, and every rule that fits it or may fit it is met: what a request does not say counts
 * against it both ways.
 */
export function createTermsJudge({ approvals }: Pick<KeyTerms, 'approvals'>): TermsJudge {
  const rules = approvals ?? [];
  const comparisons = rules.flatMap(({ when }) => comparisonsIn(when));
  const lists = new Map(comparisons.map((comparison) => [comparison, listOf(comparison)]));
  return {
    totals: totalsIn(comparisons),
    judge({ facts, before, votes, without }) {
      if (approvals === undefined) return { verdict: 'yes' };
      const holds = (comparison: Comparison): Truth =>
        holdsFor(comparison, valueFor(comparison, facts, before), lists.get(comparison));
      const truths = rules.map(({ when }) => truthOf(when, holds));
      if (!truths.includes(true)) {
        const open = rules.filter((_, at) => truths[at] === null);
        return { verdict: 'no', because: 'rules', unknown: unknownIn(open, facts) };
      }
      return verdictOf(rules, truths, (rule) => countVotes(rule, votes, without));
    },
  };
}

function totalsIn(comparisons: readonly Comparison[]): readonly LimitedTotal[] {
  const totals = new Map<string, LimitedTotal>();
  for (const comparison of comparisons) {
    if (!('total' in comparison)) continue;
    const { total: fact, within } = comparison;
    const name = `${fact} ${within}`;
    const limit = ('atMost' in comparison ? comparison.atMost : comparison.above) + 1;
    totals.set(name, { fact, within, most: Math.max(limit, totals.get(name)?.most ?? 0) });
  }
  return [...totals.values()];
}

/** A total is never known better than what this request adds to it. */
function valueFor(
  comparison: Comparison,
  facts: Facts,
  before: JudgedRequest['before'],
): FactValue | undefined {
  const value = factOf(facts, factIn(comparison));
  if (!('total' in comparison) || typeof value !== 'number') return value;
  const spent = before({ fact: comparison.total, within: comparison.within });
  return (spent ?? Number.POSITIVE_INFINITY) + value;
}

function unknownIn(rules: NonNullable<KeyTerms['approvals']>, facts: Facts): readonly string[] {
  const names = rules.flatMap(({ when }) => comparisonsIn(when).map(factIn));
  return [...new Set(names)].filter((name) => factOf(facts, name) === null);
}

function verdictOf(
  rules: NonNullable<KeyTerms['approvals']>,
  truths: readonly Truth[],
  count: (rule: PeopleRule) => VotesCounted,
): TermsVerdict {
  const awaits: Awaited[] = [];
  for (const [at, rule] of rules.entries()) {
    if (truths[at] === false) continue;
    const said = count(rule);
    if (said.isOver) return { verdict: 'no', because: 'people', rule: at + 1, by: said.noes };
    if (said.missing > 0) awaits.push({ rule: at + 1, needed: said.missing, of: said.silent });
  }
  return awaits.length === 0 ? { verdict: 'yes' } : { verdict: 'waits', awaits };
}

/** How far a question to some people is. */
export interface VotesCounted {
  /** So many more have to say yes. */
  readonly missing: number;
  readonly noes: readonly string[];
  readonly silent: readonly string[];
  /** So many said no that it is over, whoever says yes; or fewer are left than are needed. */
  readonly isOver: boolean;
}

/**
 * Counts what was said for one rule, of a use or of a change: only whom it names, and each once.
 * @param without names of those who have no say, as if the rule did not name them
 */
export function countVotes(
  rule: PeopleRule,
  { yes, no }: VotesHeld,
  without: ReadonlySet<string> = NOBODY,
): VotesCounted {
  const { needed } = rule;
  const of = rule.of.filter((name) => !without.has(name));
  const noes = of.filter((name) => no.has(name));
  const yeses = of.filter((name) => yes.has(name) && !no.has(name));
  const silent = of.filter((name) => !yes.has(name) && !no.has(name));
  const isOver = needed > 0 && (of.length < needed || noes.length >= rejectsEndOf({ ...rule, of }));
  return { missing: Math.max(0, needed - yeses.length), noes, silent, isOver };
}

const NOBODY: ReadonlySet<string> = new Set();

/** How many who say no end it. */
export function rejectsEndOf({ needed, of, rejectsEnd }: PeopleRule): number {
  return rejectsEnd ?? of.length - needed + 1;
}
