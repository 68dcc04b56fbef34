import type { Awaited, JudgedRequest, KeyTerms, VotesHeld } from '@ckm/api';
import type { PolicyError } from '@ckm/foundation';
import { noRuleFits, peopleNotAsked, peopleSaidNo } from './codes.js';
import type { RequestFacts } from './policy.js';
import { termsInForce } from './terms.js';

/** What the rules of a key say of a request. */
export interface JudgedByTerms {
  /** Null: they let it in, now or when people have said yes. */
  readonly error: PolicyError | null;
  /** Of whom a yes is still wanted. */
  readonly people: readonly Awaited[];
}

const LET_IN: JudgedByTerms = { error: null, people: [] };
const NOBODY: ReadonlySet<string> = new Set();
const NOTHING_SAID: VotesHeld = { yes: NOBODY, no: NOBODY };

/** Judges a request by the rules of its key. */
export function judgedByTerms(
  owned: KeyTerms,
  { facts, said }: Pick<RequestFacts, 'facts' | 'said'>,
  before: JudgedRequest['before'],
): JudgedByTerms {
  if (owned.approvals === undefined || facts === null) return LET_IN;
  const { votes = NOTHING_SAID, without = NOBODY } = said ?? {};
  const verdict = termsInForce(owned).judge.judge({ facts, before, votes, without });
  if (verdict.verdict === 'yes') return LET_IN;
  if (verdict.verdict === 'waits') {
    const { awaits } = verdict;
    return said === null ? refused(peopleNotAsked(awaits)) : { error: null, people: awaits };
  }
  return refused(verdict.because === 'people' ? peopleSaidNo(verdict, votes) : noRuleFits(verdict.unknown));
}

function refused(error: PolicyError): JudgedByTerms {
  return { error, people: [] };
}
