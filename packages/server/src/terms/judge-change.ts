import {
  countVotes,
  type KeyTerms,
  noesInWords,
  partsLoosened,
  type PeopleRule,
  policyHash,
  rejectsEndOf,
  type TermsPart,
  type VotesHeld,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';

/** How long other terms wait where those in force say nothing of it. Seconds. */
const USUAL_DELAY = 259_200;

/** What the words alone may put in force at once: rules for people where there were none (Q16a). */
const FIRST: readonly TermsPart[] = ['approvals', 'change', 'silence', 'ownerKey', 'approvers'];

/** A change of terms as a server judges it, by the terms in force. */
export interface JudgedChange {
  readonly before: KeyTerms;
  readonly after: KeyTerms;
  /** What votes bring back without a delay: `formerTerms`. */
  readonly former: readonly KeyTerms[];
  /** The terms in force, where the change takes back what has followed `before`; absent: `before` are. */
  readonly inForce?: KeyTerms;
  /** Whether the words proposed it. */
  readonly byWords: boolean;
  /** Of approvers by the terms in force. */
  readonly votes: VotesHeld;
  /** Names of those who have no say in it, since it takes them away. */
  readonly without: ReadonlySet<string>;
  /** Seconds that it has waited here, as they are counted. */
  readonly counted: number;
}

export type ChangeVerdict =
  /** It comes into force now. `way`: by what right, for the log. */
  | { readonly verdict: 'inForce'; readonly way: 'tighter' | 'words' | 'people' | 'time' | 'others' }
  | {
      readonly verdict: 'waits';
      /** So many more have to say yes. */
      readonly missing: number;
      /** Seconds; null: time alone does not do it. */
      readonly left: number | null;
    }
  | { readonly verdict: 'over'; readonly reason: string };

/** Whether other terms are provably as tight or tighter: such a change asks nobody, and waits for nothing. */
export function isTighter(before: KeyTerms, after: KeyTerms): boolean {
  return partsLoosened(before, after, REQUEST_FACTS).length === 0;
}

/**
 * For how long a change may have to wait, whatever is said of it meanwhile: that much is counted. Seconds.
 */
export function longestWait({ change }: Pick<KeyTerms, 'change'>, byWords: boolean): number {
  if (change === undefined) return USUAL_DELAY;
  return Math.max(change.delaySeconds, byWords ? (change.words ?? 0) : 0);
}

/** Judges a change by the rule of the terms in force: how many of whom, and for how long (L10, L14). */
export function judgeChange(judged: JudgedChange): ChangeVerdict {
  const { before, after, byWords, inForce = before } = judged;
  const loosened = partsLoosened(inForce, after, REQUEST_FACTS);
  if (loosened.length === 0) return { verdict: 'inForce', way: 'tighter' };
  const isFirst = inForce.change === undefined && loosened.every((part) => FIRST.includes(part));
  if (byWords && isFirst) return { verdict: 'inForce', way: 'words' };
  return judgeWaiting(judged);
}

/** The same of a change that had to wait when it came: it is compared with the terms in force no more. */
export function judgeWaiting(judged: JudgedChange): ChangeVerdict {
  const { change } = judged.before;
  return change === undefined
    ? waitFor(0, USUAL_DELAY - judged.counted, 'time')
    : judgeByRule(judged, change);
}

function judgeByRule(judged: JudgedChange, change: NonNullable<KeyTerms['change']>): ChangeVerdict {
  const { votes, without, byWords, counted } = judged;
  const { missing, noes, isOver } = countVotes(change, votes, without);
  const isStopped = isOver || isRejected(change, noes.length);
  // Whoever has a say stops what the words alone would do.
  const words = byWords && change.words !== null && votes.no.size === 0 ? change.words - counted : null;
  if (isStopped && words === null) {
    const reason = noes.length > 0 ? noesInWords(noes, votes) : 'too few have a say in it';
    return { verdict: 'over', reason };
  }
  if (words !== null && words <= 0) return { verdict: 'inForce', way: 'words' };
  if (isStopped || missing > 0) return { verdict: 'waits', missing, left: words };
  // The version before comes back without delay, if somebody says yes to that.
  const delay = change.needed > 0 && isFormer(judged) ? 0 : change.delaySeconds;
  const left = delay - counted;
  return waitFor(0, words === null ? left : Math.min(left, words), change.needed > 0 ? 'people' : 'time');
}

function waitFor(missing: number, left: number, way: 'people' | 'time'): ChangeVerdict {
  return left <= 0 ? { verdict: 'inForce', way } : { verdict: 'waits', missing, left };
}

/** Also where nobody has to say yes, those who are named may say no. */
function isRejected(rule: PeopleRule, noes: number): boolean {
  return rule.of.length > 0 && noes > 0 && noes >= rejectsEndOf(rule);
}

/** Whether it brings back what was in force before, member by member. */
function isFormer({ after, former }: Pick<JudgedChange, 'after' | 'former'>): boolean {
  return former.some((one) => isSameContent(after, one));
}

/** Whether two versions say the same. */
export function isSameContent(before: KeyTerms, after: KeyTerms): boolean {
  return equalBytes(contentHash(before), contentHash(after));
}

function contentHash(terms: KeyTerms): Uint8Array {
  const { version: _version, previous: _previous, ...content } = terms;
  return policyHash(content);
}
