import {
  type KeyTerms,
  type Parameters,
  parseTerms,
  parseTermsChange,
  policyHash,
  termsChangeDigest,
  type TermsStanding,
  versionOf,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { Call } from '../context.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Transaction } from '../storage/storage.js';
import { endAsking } from './asked-people.js';
import { assertUsable, type Brought, isNext, wrongVersion } from './brought.js';
import { assertMovable } from './fixed-parts.js';
import { holdKey, type KeyWithTerms } from './held-key.js';
import type { TermsMeans } from './means.js';
import { noteChange, proposerOf } from './note-change.js';
import { countKept, pollingOf, takeVotes } from './poll.js';
import { standingOf } from './standing.js';
import { keepTwice, openTerms, putInForce, readNext } from './stored-terms.js';
import { type SaidTerms, vouchedTerms } from './vouched.js';

interface KeyName {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
}

/**
 * Takes over terms that enough others have in force: they can use the key by those without this server. So a delay is not waited for once more, and where two
 * changes to one version were made, this server goes over to the one by which the others go.
 * @returns null: too few vouch for the last of these changes, or it is earlier than what is in force here
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
      const vouched = await vouchedTerms(means.context, transaction, key, heads);
      if (vouched === null || !isVouched(vouched, brought)) return null;
      if (vouched.version < versionOf(key.head.policy)) return null;
      let now = key;
      for (const one of brought) now = await adoptOne(means, call, transaction, now, one);
      return standingOf(means, transaction, now.row);
    }),
  );
}

function isVouched({ version, hash }: SaidTerms, brought: readonly Brought[]): boolean {
  const last = brought.at(-1)!.change;
  return last.version === version && equalBytes(last.termsHash, hash);
}

/** @throws EncodingError `TERMS_VERSION_WRONG`: it does not follow what was before it here */
async function adoptOne(
  means: TermsMeans,
  call: Call,
  transaction: Transaction,
  key: KeyWithTerms,
  { change, after, link }: Brought,
): Promise<KeyWithTerms> {
  const { context } = means;
  const { row, head } = key;
  const inForce = versionOf(head.policy);
  const known = await termsOf(means, transaction, key, change.version);
  if (known !== null && equalBytes(policyHash(known), change.termsHash)) return key;
  const before = await termsOf(means, transaction, key, change.version - 1);
  const certified = head.certifiedTerms ?? inForce;
  if (before === null || (change.version <= inForce && change.version <= certified))
    throw wrongVersion(head.policy);
  const step = { change, before, after };
  if (!isNext(step, row.keyId)) throw wrongVersion(head.policy);
  assertMovable(before, after);
  assertUsable(means, key, after);
  if (known !== null) await keepOther(means, transaction, key, change.version, link);
  const polling = pollingOf(means, step);
  const { votes } = takeVotes(means, polling, [], link.votes);
  await endWaiting(means, transaction, key);
  const written = await putInForce(context, transaction, row, head, after, {
    statement: link.statement,
    votes: [...votes],
  });
  const verdict = { verdict: 'inForce', way: 'others' } as const;
  const said = { verdict, by: proposerOf(call), votes: countKept(polling, votes).votes };
  await noteChange(context, transaction, row, step, said);
  return { row: written, head: openHead(context, written) };
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

/** The terms of a number that were in force here, or are; null: there were none, or they are not kept. */
async function termsOf(
  { context }: TermsMeans,
  transaction: Transaction,
  { row: { owner, keyId }, head: { policy } }: KeyWithTerms,
  version: number,
): Promise<KeyTerms | null> {
  if (version === versionOf(policy)) return policy;
  if (version < 0 || version > versionOf(policy)) return null;
  const row = await transaction.terms.find(owner, keyId, version, false);
  return row === null ? null : parseTerms(openTerms(context, row).terms, REQUEST_FACTS);
}

/** What was in force here in the place of what comes is evidence: somebody made two. */
async function keepOther(
  { context }: TermsMeans,
  transaction: Transaction,
  { row }: KeyWithTerms,
  version: number,
  second: Brought['link'],
): Promise<void> {
  const stored = await transaction.terms.find(row.owner, row.keyId, version, false);
  const { statement, terms, votes } = stored === null ? NOTHING : openTerms(context, stored);
  if (statement === null) return;
  await keepTwice(context, transaction, row, version, {
    first: { statement, terms, votes: [...votes] },
    second,
  });
}

const NOTHING = { statement: null, terms: new Uint8Array(), votes: [] };
