import { createTermsJudge, type KeyTerms, policyHash, type TermsJudge, type VotesHeld } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';

/** What people whom the terms of a key name have said of one matter. */
export interface PeopleSaid {
  /** By the names in the terms. */
  readonly votes: VotesHeld;
  /** Names of those who have no say in it, such as whoever asks himself. */
  readonly without: ReadonlySet<string>;
}

/** Terms as they are judged by. */
export interface TermsInForce {
  /** 32 bytes: what certificates and votes name them by. */
  readonly hash: Uint8Array;
  readonly judge: TermsJudge;
  /** Whether some rule for requests asks anybody. */
  readonly asksPeople: boolean;
  /** Whether some rule looks at a sum over a window. */
  readonly sums: boolean;
}

/** Terms of so many keys are kept read: those of a family or a firm are often the same. */
const MOST_READ = 256;
const byObject = new WeakMap<KeyTerms, TermsInForce>();
const byHash = new Map<string, TermsInForce>();

/** Reads terms, once for each hash: a key in use hands in the same object with every request. */
export function termsInForce(terms: KeyTerms): TermsInForce {
  const known = byObject.get(terms);
  if (known !== undefined) return known;
  const hash = policyHash(terms);
  const name = encodeHex(hash);
  const read = byHash.get(name) ?? readTerms(terms, hash);
  byHash.delete(name);
  byHash.set(name, read);
  if (byHash.size > MOST_READ) byHash.delete(byHash.keys().next().value!);
  byObject.set(terms, read);
  return read;
}

function readTerms(terms: KeyTerms, hash: Uint8Array): TermsInForce {
  const judge = createTermsJudge(terms);
  const asksPeople = (terms.approvals ?? []).some(({ needed }) => needed > 0);
  return { hash, judge, asksPeople, sums: judge.totals.length > 0 };
}
