import {
  type Parameters,
  parseTermsChange,
  policyHash,
  termsChangeDigest,
  type TermsStanding,
  versionOf,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Call } from '../context.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Reader, Transaction } from '../storage/storage.js';
import { endAsking } from './asked-people.js';
import { assertUsable, type Brought, isNext, MOST_AHEAD_AT_ONCE, wrongVersion } from './brought.js';
import { assertMovable } from './fixed-parts.js';
import { holdKey, type KeyWithTerms } from './held-key.js';
import { isTighter } from './judge-change.js';
import type { TermsMeans } from './means.js';
import { noteChange, proposerOf } from './note-change.js';
import { countKept, isAgreed, pollingOf, type Step, takeVotes } from './poll.js';
import { findPast, isOnWay, isTightened, type PastTerms } from './past-chain.js';
import { standingOf } from './standing.js';
import { countAlone, deadAt, keepTwice, latelyAt, putInForce, readNext } from './stored-terms.js';
import { type Heard, hearTerms, vouchersOf } from './vouched.js';

interface KeyName {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
}

/**
 * Takes over terms that enough others have in force: they can use the key by those without this server. So a delay is not waited for once more, and where two
 * changes to one version were made, this server goes over to the one by which the others go.
 * @returns null: too few vouch for the last of these changes, the others do not lead to it, or it is in force here or was
 * @throws as {@link adoptOne}; then nothing is taken over
 */
export async function adoptTerms(
  means: TermsMeans,
  call: Call,
  name: KeyName,
  brought: readonly Brought[],
  heads: NonNullable<Parameters<'terms.learn'>['heads']>,
): Promise<TermsStanding | null> {
  return repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const key = await holdKey(means.context, transaction, name);
      const heard = await hearTerms(means.context, transaction, key, heads);
      const missed = await missedHere(means, transaction, key, brought);
      const vouched = missed === null ? null : await vouchedBy(means, transaction, key, missed, heard);
      if (missed === null || vouched === null) return null;
      let now = key;
      for (const one of missed) now = await adoptOne(means, call, transaction, now, one, vouched);
      const { policy } = now.head;
      if (!equalBytes(policyHash(policy), missed.at(-1)!.change.termsHash)) throw wrongVersion(policy);
      return standingOf(means, transaction, now.row);
    }),
  );
}

/**
 * Those of some changes that are news here. Others vouch for the last alone, and so for those only that lead to it, each by the hash of the one before.
 * @returns at least the last one; null: the last one is no news, or they do not lead to it
 */
async function missedHere(
  { context }: TermsMeans,
  reader: Reader,
  key: KeyWithTerms,
  brought: readonly Brought[],
): Promise<readonly Brought[] | null> {
  const missed: Brought[] = [];
  for (const one of brought)
    if (!(await isOnWay(context, reader, key, one.change.termsHash))) missed.push(one);
  if (missed.length === 0 || missed.at(-1) !== brought.at(-1)) return null;
  return missed.every((one, at) => at === 0 || isBehind(one, missed[at - 1]!)) ? missed : null;
}

function isBehind({ change }: Brought, before: Brought): boolean {
  const { termsHash, version } = before.change;
  return change.version > version && equalBytes(change.previous, termsHash);
}

/** `enough`: one of those who say so is honest. `all`: there are not so many others. */
type VouchedBy = 'enough' | 'all';

/**
 * Who has the last of some changes in force: so many that one of them is honest, or not so many. Back to a lower number, over what was tightened here alone, it
 * takes as many as make terms binding besides: what those once said may be of before. Where a key needs all of its servers there are not so many others; all of them
 * are believed what is provably no looser than what is in force here, and not far ahead of it.
 * @returns null: too few vouch for it
 */
async function vouchedBy(
  { context }: TermsMeans,
  reader: Reader,
  key: KeyWithTerms,
  brought: readonly Brought[],
  heard: Heard,
): Promise<VouchedBy | null> {
  const { change, after } = brought.at(-1)!;
  const { policy } = key.head;
  const { needed, of } = heard.quorum;
  const by = vouchersOf(heard, { version: change.version, hash: change.termsHash });
  const ahead = change.version - versionOf(policy);
  if (by >= needed) {
    const isEnough =
      ahead >= 0 || (by > of - needed && (await isTightenedSince(context, reader, key, brought)));
    return isEnough ? 'enough' : null;
  }
  const areAll = heard.others < needed && by === heard.others;
  const isNear = ahead >= 0 && ahead <= MOST_AHEAD_AT_ONCE;
  return areAll && isNear && isTighter(policy, after) ? 'all' : null;
}

/** Whether all that is in force here since the terms that the first of some changes follows was tightened, one number behind the other. */
async function isTightenedSince(
  context: TermsMeans['context'],
  reader: Reader,
  key: KeyWithTerms,
  [first]: readonly Brought[],
): Promise<boolean> {
  const past = await findPast(context, reader, key, first!.change.previous);
  return past !== null && past.over.every((one) => isTightened(one) && one.record?.follows === undefined);
}

/** @throws EncodingError `TERMS_VERSION_WRONG`: it does not follow what was before it here; StateError `TERMS_TOO_OFTEN` */
async function adoptOne(
  means: TermsMeans,
  call: Call,
  transaction: Transaction,
  key: KeyWithTerms,
  { change, after, link }: Brought,
  vouched: VouchedBy,
): Promise<KeyWithTerms> {
  const { context } = means;
  const { row, head } = key;
  const past = await findPast(context, transaction, key, change.previous);
  if (past === null) throw wrongVersion(head.policy);
  const step = { change, before: past.terms, after };
  if (!isNext(step, row.keyId)) throw wrongVersion(head.policy);
  assertMovable(head.policy, after);
  assertUsable(means, key, after);
  await keepOther(means, transaction, key, past.over, link);
  const polling = pollingOf(means, step);
  const { votes } = takeVotes(means, polling, [], link.votes);
  const counted = countKept(polling, votes);
  const lately = await latelyWith(context, transaction, key, step, { counted, vouched });
  await endWaiting(means, transaction, key);
  const written = await putInForce(context, transaction, row, head, after, {
    statement: link.statement,
    votes: [...votes],
    from: past.terms,
    lately,
    dead: await deadAt(context, transaction, key, termsChangeDigest(change)),
  });
  const verdict = { verdict: 'inForce', way: 'others' } as const;
  const said = { verdict, by: proposerOf(call), votes: counted.votes };
  await noteChange(context, transaction, row, step, said);
  return { row: written, head: openHead(context, written) };
}

/**
 * What others have in force by nobody’s yes counts as what a device puts in force here, so that no two servers hand a device’s changes to each other without end.
 * It is refused by that only where no honest one has vouched for it.
 */
async function latelyWith(
  context: TermsMeans['context'],
  reader: Reader,
  key: KeyWithTerms,
  { before, after }: Step,
  { counted, vouched }: { readonly counted: ReturnType<typeof countKept>; readonly vouched: VouchedBy },
): Promise<readonly number[]> {
  const isAlone = !isAgreed(before, counted) && (vouched === 'all' || isTighter(before, after));
  if (isAlone && vouched === 'all') return countAlone(context, reader, key);
  const lately = await latelyAt(context, reader, key);
  return isAlone ? [...lately, context.clock()] : lately;
}

/** What waited here is over, whatever it was. */
async function endWaiting(
  { context }: TermsMeans,
  transaction: Transaction,
  { row, head }: KeyWithTerms,
): Promise<void> {
  const statement = (await readNext(context, transaction, row, head))?.record.statement ?? null;
  if (statement !== null) await endAsking(transaction, row, termsChangeDigest(parseTermsChange(statement)));
}

/** What was in force here in the place of what comes is evidence: somebody made two. */
async function keepOther(
  { context }: TermsMeans,
  transaction: Transaction,
  { row }: KeyWithTerms,
  over: readonly PastTerms[],
  second: Brought['link'],
): Promise<void> {
  const first = over.at(-1);
  if (first === undefined || first.record === null || first.record.statement === null) return;
  const { statement, terms, votes } = first.record;
  await keepTwice(context, transaction, row, versionOf(first.terms), {
    first: { statement, terms, votes: [...votes] },
    second,
  });
}
