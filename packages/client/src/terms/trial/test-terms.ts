import {
  createTermsJudge,
  type JudgedRequest,
  type KeyTerms,
  rulesSentences,
  type TermsVerdict,
  type TotalAsked,
} from '@ckm/api';
import type { PolicyError } from '@ckm/foundation';
import { type Description, type Facts, REQUEST_FACTS, requestKind } from '@ckm/requests';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import { policyRefusal } from '../../signing/policy-refusal.js';

/** How a rule stands to a request. `mayFit`: the request does not say enough, which counts as fitting for whoever is asked. */
export type RuleFit = 'fits' | 'mayFit' | 'fitsNot';

/** What one rule makes of a request. */
export interface RuleAnswer {
  /** Counted from 1. */
  readonly rule: number;
  /** The rule as everybody reads it. */
  readonly sentence: string;
  readonly fit: RuleFit;
  /** The same once as much was let in before that each of its sums is used up. */
  readonly fitWhenSpent: RuleFit;
}

/** What terms make of one request, before anybody has said anything. */
export interface TermsAnswer {
  readonly description: Description;
  readonly facts: Facts;
  /** Why it is refused whatever its rules say; null: it is not. */
  readonly refusal: PolicyError | null;
  readonly rules: readonly RuleAnswer[];
  /** With nothing let in before but what is known of. */
  readonly verdict: TermsVerdict;
  /** Once as much was let in before that each sum is used up; the same where rules have no sums. */
  readonly verdictWhenSpent: TermsVerdict;
}

export interface TestTermsArgs {
  /** The owner's name of the key. */
  readonly key: string;
  /** A request kind: `message`, `bitcoin`, `ssh`, `git`. */
  readonly kind: string;
  /** Made with the functions of `@ckm/requests`. */
  readonly payload: Uint8Array;
  /** Default: those of the key. */
  readonly terms?: KeyTerms;
}

/** A request that is judged and never sent. */
export interface TestedRequest {
  /** A request kind. */
  readonly kind: string;
  readonly payload: Uint8Array;
  /** Whether it is on record, with what its owner knows in it. */
  readonly isOnRecord: boolean;
  /** Sums of what is known to be let in before. */
  readonly before: (total: TotalAsked) => number;
}

const NO_VOTES = { yes: new Set<string>(), no: new Set<string>() };

/** One that is not on record, when nothing is known to be let in before. @throws as {@link testTerms} */
export function testOne(
  { clock }: Pick<ClientContext, 'clock'>,
  key: CertifiedKey,
  { kind, payload, terms = key.record.policy }: TestTermsArgs,
): TermsAnswer {
  return testTerms(key, terms, { kind, payload, isOnRecord: false, before: () => 0 }, clock());
}

/**
 * What servers of a key would answer under some terms, as far as its bytes say: how often it was used is theirs to count.
 * @param now UnixSeconds
 * @throws whatever the request kind throws; UsageError `REQUEST_KIND_UNKNOWN`
 */
export function testTerms(
  key: CertifiedKey,
  terms: KeyTerms,
  { kind: kindName, payload, isOnRecord, before }: TestedRequest,
  now: number,
): TermsAnswer {
  const kind = requestKind(kindName);
  const context = { ...key.context, now };
  const whole = isOnRecord ? payload : (kind.complete?.(payload, context) ?? payload);
  const parsed = kind.parse(whole);
  const facts = parsed.facts(context);
  const description = parsed.describe(context);
  const tested = { ...key, record: { ...key.record, policy: terms } };
  const known: JudgedRequest = { facts, before, votes: NO_VOTES };
  const spent: JudgedRequest = { facts, before: () => null, votes: NO_VOTES };
  const judge = createTermsJudge(terms);
  return {
    description,
    facts,
    refusal: policyRefusal(tested, kindName, description, now),
    rules: rulesOf(terms, known, spent),
    verdict: judge.judge(known),
    verdictWhenSpent: judge.judge(spent),
  };
}

function rulesOf(terms: KeyTerms, known: JudgedRequest, spent: JudgedRequest): readonly RuleAnswer[] {
  const sentences = rulesSentences(terms, REQUEST_FACTS);
  return (terms.approvals ?? []).map((rule, at) => {
    const name = `Rule ${at + 1}: `;
    const { judge } = createTermsJudge({ approvals: [rule] });
    return {
      rule: at + 1,
      sentence: sentences.find((one) => one.startsWith(name))!.slice(name.length),
      fit: fitOf(judge(known)),
      fitWhenSpent: fitOf(judge(spent)),
    };
  });
}

/** Of terms that have no other rule. */
function fitOf(verdict: TermsVerdict): RuleFit {
  if (verdict.verdict !== 'no' || verdict.because === 'people') return 'fits';
  return verdict.unknown.length > 0 ? 'mayFit' : 'fitsNot';
}
