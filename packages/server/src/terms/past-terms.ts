import {
  assertAllowed,
  deviceTooYoung,
  parseTerms,
  policyHash,
  termsChangeDigest,
  type TermsLink,
  type TermsStanding,
  versionOf,
} from '@ckm/api';
import { type CkmError, equalBytes } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { Call } from '../context.js';
import { refusal } from '../refusals.js';
import type { KeyRow, Reader, Transaction } from '../storage/storage.js';
import { type Brought, isNext, wrongVersion } from './brought.js';
import type { KeyWithTerms } from './held-key.js';
import { isTighter } from './judge-change.js';
import type { TermsMeans } from './means.js';
import { findPast } from './past-chain.js';
import { countKept, isAgreed, pollingOf, type RefusedVote, type Step, takeVotes } from './poll.js';
import { standingOf } from './standing.js';
import { keepTwice, openTerms, type StoredTerms } from './stored-terms.js';

/** Bytes that terms take in the database beside themselves, with those that were certified before. */
export const FRAMING_BYTES = 1_024;

/** What became of a change in one transaction. */
export interface Taken {
  readonly standing: TermsStanding;
  readonly refused: readonly RefusedVote[];
  /** Thrown once it has committed; null: nothing is wrong. */
  readonly error: CkmError | null;
}

/**
 * A change to a version that is in force here, or was: said once more it changes nothing, and another one is refused. If that could have come into force as well,
 * somebody made two, and both are kept, where a device that may change terms shows it, or the votes do.
 * @throws EncodingError `TERMS_VERSION_WRONG`; StateError `DEVICE_TOO_YOUNG`; AccessError `DEVICE_MAY_NOT`; PolicyError `QUOTA_BYTES`
 */
export async function takePast(
  means: TermsMeans,
  call: Call,
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
  const before = (await findPast(context, transaction, key, change.previous))?.terms ?? null;
  if (known === null || known.statement === null || before === null) throw wrongVersion(policy);
  const step = { change, before, after };
  if (!isNext(step, row.keyId)) throw wrongVersion(policy);
  const isVoted = isAgreedBy(means, step, link);
  if (!isVoted && !isTighter(before, after)) throw wrongVersion(policy);
  if (!isVoted) await assertMayShow(means, call, transaction);
  const first: TermsLink = { terms: known.terms, statement: known.statement, votes: [...known.votes] };
  await assertRoom(means, call, transaction, row, [first, link], change.version);
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

/** Whether those have agreed whom the terms before it asked. */
function isAgreedBy(means: TermsMeans, step: Step, { votes }: TermsLink): boolean {
  const polling = pollingOf(means, step);
  return isAgreed(step.before, countKept(polling, takeVotes(means, polling, [], votes).votes));
}

/** Whoever could not have proposed it is no evidence that anybody has. */
async function assertMayShow({ isYoung }: TermsMeans, call: Call, reader: Reader): Promise<void> {
  assertAllowed(call.by.may, 'manage');
  if (await isYoung(reader, call)) throw deviceTooYoung();
}

/** Of each version two are kept at most. @throws PolicyError `QUOTA_BYTES` */
async function assertRoom(
  { context }: TermsMeans,
  { account }: Call,
  transaction: Transaction,
  { owner, keyId }: KeyRow,
  links: readonly TermsLink[],
  version: number,
): Promise<void> {
  if ((await transaction.terms.find(owner, keyId, version, true)) !== null) return;
  const parts = links.flatMap(({ statement, terms, votes }) => [statement, terms, ...votes]);
  const bytes = parts.reduce((sum, { length }) => sum + length, FRAMING_BYTES);
  await context.accounts.quota.bytes(transaction, account, bytes);
}

function hashOf({ terms }: StoredTerms): Uint8Array {
  return policyHash(parseTerms(terms, REQUEST_FACTS));
}
