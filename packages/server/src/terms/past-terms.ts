import {
  parseTerms,
  policyHash,
  termsChangeDigest,
  type TermsLink,
  type TermsStanding,
  versionOf,
} from '@ckm/api';
import { type CkmError, equalBytes } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import { refusal } from '../refusals.js';
import type { Transaction } from '../storage/storage.js';
import { type Brought, isNext, wrongVersion } from './brought.js';
import type { KeyWithTerms } from './held-key.js';
import { isTighter } from './judge-change.js';
import type { TermsMeans } from './means.js';
import { countKept, isAgreed, pollingOf, type RefusedVote, type Step, takeVotes } from './poll.js';
import { standingOf } from './standing.js';
import { keepTwice, openTerms, type StoredTerms } from './stored-terms.js';

/** What became of a change in one transaction. */
export interface Taken {
  readonly standing: TermsStanding;
  readonly refused: readonly RefusedVote[];
  /** Thrown once it has committed; null: nothing is wrong. */
  readonly error: CkmError | null;
}

/**
 * A change to a version that is in force here, or was: said once more it changes nothing, and another one is refused. If that could have come into force as well,
 * somebody made two, and both are kept.
 */
export async function takePast(
  means: TermsMeans,
  transaction: Transaction,
  key: KeyWithTerms,
  { change, after, link }: Brought,
): Promise<Taken> {
  const { context } = means;
  const { row, head } = key;
  const { policy } = head;
  const standing = await standingOf(means, transaction, row);
  const stored = await transaction.terms.find(row.owner, row.keyId, change.version, false);
  const known = stored === null ? null : openTerms(context, stored);
  const isInForce = change.version === versionOf(policy) && equalBytes(policyHash(policy), change.termsHash);
  const isKnown = known !== null && equalBytes(hashOf(known), change.termsHash);
  if (isInForce || isKnown) return { standing, refused: [], error: null };
  const older = await transaction.terms.find(row.owner, row.keyId, change.version - 1, false);
  const before = older === null ? null : parseTerms(openTerms(context, older).terms, REQUEST_FACTS);
  if (known === null || known.statement === null || before === null) throw wrongVersion(policy);
  const step = { change, before, after };
  if (!isNext(step, row.keyId) || !couldComeIntoForce(means, step, link)) throw wrongVersion(policy);
  const first: TermsLink = { terms: known.terms, statement: known.statement, votes: [...known.votes] };
  if (await keepTwice(context, transaction, row, change.version, { first, second: link })) {
    await context.audit.append(transaction, {
      deed: 'terms.twice',
      who: row.owner,
      keyId: row.keyId,
      subject: termsChangeDigest(change),
      sentence: `Keep a second change to terms ${change.version} of a key.`,
      verdict: 'refused',
      policy: '',
      detail: '',
    });
  }
  const error = refusal('TERMS_TWICE', `there are two changes to terms ${change.version} of this key`, {
    version: versionOf(policy),
  });
  return { standing, refused: [], error };
}

/** Whether it was tighter than what was in force before it, or whom that asked have agreed. */
function couldComeIntoForce(means: TermsMeans, step: Step, { votes }: TermsLink): boolean {
  const { before, after } = step;
  if (isTighter(before, after)) return true;
  const polling = pollingOf(means, step);
  return isAgreed(before, countKept(polling, takeVotes(means, polling, [], votes).votes));
}

function hashOf({ terms }: StoredTerms): Uint8Array {
  return policyHash(parseTerms(terms, REQUEST_FACTS));
}
