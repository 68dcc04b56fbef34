import {
  encodeTerms,
  MAX_TERMS_LINKS,
  type Parameters,
  parseTermsChange,
  policyHash,
  termsChangeDigest,
  type TermsLink,
  type TermsStanding,
  type TermsView,
  versionOf,
  type WaitingTerms,
} from '@ckm/api';
import type { Call } from '../context.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import type { KeyRow, Reader } from '../storage/storage.js';
import { findKey, type KeyWithTerms } from './held-key.js';
import { endOf, isChange, isPassed, judgeStored, type StoredChange } from './judge-stored.js';
import type { TermsMeans } from './means.js';
import { pastTerms } from './past-chain.js';
import { readNext, readTwice, type StoredTerms } from './stored-terms.js';

/** Answers `terms.show`. @throws AccessError `KEY_UNKNOWN`; PolicyError `QUOTA_COST`; StorageError `ROW_TAMPERED` */
export async function showTerms(
  means: TermsMeans,
  call: Call,
  { keyId, after }: Parameters<'terms.show'>,
): Promise<TermsView> {
  const { context } = means;
  return context.storage.read(async (reader) => {
    const key = await findKey(context, reader, { owner: call.account.xid, keyId });
    const { row, head } = key;
    const next = await readNext(context, reader, row, head);
    const record = next?.record ?? null;
    const standing = await standingOf(means, reader, row);
    return {
      ...standing,
      terms: encodeTerms(head.policy),
      certified: head.certifiedTerms ?? versionOf(head.policy),
      ...(await linksBehind(means, call, reader, key, after ?? -1)),
      proposed: standing.waiting === null || !isChange(record) ? null : linkOf(record),
      over: record === null ? null : await overIn(means, reader, key, record),
      twice: [...(await readTwice(context, reader, row))],
    };
  });
}

/** Which terms are in force at a key, and what is to come. */
export async function standingOf(means: TermsMeans, reader: Reader, row: KeyRow): Promise<TermsStanding> {
  const head = openHead(means.context, row);
  const { policy } = head;
  const next = await readNext(means.context, reader, row, head);
  return {
    version: versionOf(policy),
    hash: policyHash(policy),
    waiting: next === null ? null : await waitingIn(means, reader, { row, head }, next.record),
  };
}

/** What waits; null: it is over, also where nobody has written that down yet. */
async function waitingIn(
  means: TermsMeans,
  reader: Reader,
  key: KeyWithTerms,
  record: StoredTerms,
): Promise<WaitingTerms | null> {
  if (record.waits === null || !isChange(record)) return null;
  const counter = means.counting();
  const { step, verdict } = await judgeStored(means, reader, key, record, [], counter);
  if (isPassed(verdict)) return null;
  const { left, missing } = verdict.verdict === 'waits' ? verdict : { left: 0, missing: 0 };
  return {
    change: termsChangeDigest(step.change),
    version: step.change.version,
    hash: step.change.termsHash,
    byWords: record.waits.byWords,
    proposedAt: record.waits.proposedAt,
    missing,
    readyAt: left === null ? null : counter.now + left,
    expiresAt: endOf(record.waits),
  };
}

/** Why what was proposed last is over; null: it is not. */
async function overIn(
  means: TermsMeans,
  reader: Reader,
  key: KeyWithTerms,
  record: StoredTerms,
): Promise<TermsView['over']> {
  if (!isChange(record)) return null;
  const change = termsChangeDigest(parseTermsChange(record.statement));
  if (record.over !== null) return { change, reason: record.over };
  if (record.waits === null) return null;
  const { verdict } = await judgeStored(means, reader, key, record, [], means.counting());
  return isPassed(verdict) ? { change, reason: verdict.reason } : null;
}

function linkOf({ statement, terms, votes }: StoredChange): TermsLink {
  return { statement, terms, votes: [...votes] };
}

/** To open one row of terms, and for each kilobyte of them to read it: milliseconds of one core. */
const ROW_MS = 0.1;
const KILOBYTE_MS = 0.1;
/** What is read is paid for as soon as it is more than what every message costs. */
const PAID_MS = 5;

/** One page of changes that led to the terms in force here. All behind it are read for it, and paid for as they are. */
async function linksBehind(
  { context, charge }: TermsMeans,
  { account }: Call,
  reader: Reader,
  key: KeyWithTerms,
  after: number,
): Promise<Pick<TermsView, 'links' | 'next'>> {
  let page: readonly { readonly number: number; readonly link: TermsLink }[] = [];
  let [count, owed] = [0, 0];
  for await (const { terms, record } of pastTerms(context, reader, key)) {
    const number = versionOf(terms);
    if (number <= after) break;
    if (record === null || !isChange(record)) continue;
    owed += ROW_MS + (record.terms.length / 1_024) * KILOBYTE_MS;
    if (owed >= PAID_MS) {
      charge(account, owed);
      owed = 0;
    }
    page = [{ number, link: linkOf(record) }, ...page].slice(0, MAX_TERMS_LINKS);
    count += 1;
  }
  return { links: page.map(({ link }) => link), next: count > page.length ? page.at(-1)!.number : null };
}
