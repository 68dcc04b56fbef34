import {
  type Parameters,
  parseTerms,
  parseTermsChange,
  encodeTerms,
  policyHash,
  termsChangeDigest,
  type TermsLink,
  type TermsStanding,
  type TermsView,
  type VotesHeld,
  MAX_TERMS_LINKS,
  versionOf,
  type WaitingTerms,
} from '@ckm/api';
import { REQUEST_FACTS } from '@ckm/requests';
import type { Call } from '../context.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { putBack } from '../sessions/keys/stored/read-key.js';
import { countedBy } from '../sessions/waiting-time.js';
import type { KeyRow, Reader } from '../storage/storage.js';
import { votesAbout } from './asked-people.js';
import { findKey, type KeyWithTerms } from './held-key.js';
import { type ChangeVerdict, judgeWaiting } from './judge-change.js';
import type { TermsMeans } from './means.js';
import { findPast, formerTerms, pastTerms } from './past-chain.js';
import { countKept, pollingOf, type Step, takeVotes } from './poll.js';
import { readNext, readTwice, type StoredTerms, type Waits } from './stored-terms.js';

/** How long a change may lie here with its time over before it is over itself. Seconds. */
const LIES_SECONDS = 14 * 86_400;

export const LAIN_TOO_LONG = {
  verdict: 'over',
  reason: 'it was not in force in time',
} as const satisfies ChangeVerdict;

/** Answers `terms.show`. @throws AccessError `KEY_UNKNOWN`; StorageError `ROW_TAMPERED` */
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
    return {
      ...(await standingOf(means, reader, row)),
      terms: encodeTerms(head.policy),
      certified: head.certifiedTerms ?? versionOf(head.policy),
      ...(await linksBehind(means, reader, key, after ?? -1)),
      proposed: record === null || record.waits === null ? null : linkOf(record),
      over:
        record === null || record.over === null ? null : { change: digestOf(record), reason: record.over },
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

async function waitingIn(
  means: TermsMeans,
  reader: Reader,
  key: KeyWithTerms,
  record: StoredTerms,
): Promise<WaitingTerms | null> {
  const { waits, statement } = record;
  if (waits === null || statement === null) return null;
  const counter = means.counting();
  const step = await stepOf(means, reader, key, { record, statement });
  const polling = pollingOf(means, step);
  const said = await votesAbout(means, reader, key.row, step.change);
  const counted = countKept(polling, takeVotes(means, polling, record.votes, said).votes);
  const verdict = judgeWaiting({
    ...step,
    former: await formerTerms(means.context, reader, key),
    byWords: afterNo(waits, counted.votes).byWords,
    ...counted,
    counted: countedBy(counter, waits.waited),
  });
  const { left, missing } = verdict.verdict === 'waits' ? verdict : { left: 0, missing: 0 };
  return {
    change: termsChangeDigest(step.change),
    version: step.change.version,
    hash: step.change.termsHash,
    byWords: waits.byWords,
    proposedAt: waits.proposedAt,
    missing,
    readyAt: left === null ? null : counter.now + left,
    expiresAt: endOf(waits),
  };
}

/** When a change is over that is not in force by then; a clock that jumps ahead takes it away, and gives nothing. UnixSeconds. */
export function endOf({ proposedAt, waited }: NonNullable<StoredTerms['waits']>): number {
  return proposedAt + waited.needed + LIES_SECONDS;
}

/** Whoever has a say stops what the words alone would do, for good: his no counts for fourteen days, and they may wait for longer. */
export function afterNo(waits: Waits, { no }: VotesHeld): Waits {
  return no.size === 0 || !waits.byWords ? waits : { ...waits, byWords: false, areStopped: true };
}

/** A stored change as it is judged. @throws StorageError `ROW_TAMPERED` */
export async function stepOf(
  { context }: Pick<TermsMeans, 'context'>,
  reader: Reader,
  key: KeyWithTerms,
  { record, statement }: { readonly record: StoredTerms; readonly statement: Uint8Array },
): Promise<Step> {
  const change = parseTermsChange(statement);
  const before = await findPast(context, reader, key, change.previous);
  if (before === null) throw putBack('terms');
  return { change, before: before.terms, after: parseTerms(record.terms, REQUEST_FACTS) };
}

function digestOf({ statement }: StoredTerms): Uint8Array {
  return termsChangeDigest(parseTermsChange(statement!));
}

function linkOf({ statement, terms, votes }: StoredTerms): TermsLink {
  return { statement: statement!, terms, votes: [...votes] };
}

/** One page of changes that led to the terms in force here. */
async function linksBehind(
  { context }: TermsMeans,
  reader: Reader,
  key: KeyWithTerms,
  after: number,
): Promise<Pick<TermsView, 'links' | 'next'>> {
  const behind: { readonly number: number; readonly link: TermsLink }[] = [];
  for await (const { terms, record } of pastTerms(context, reader, key)) {
    const number = versionOf(terms);
    if (number <= after) break;
    if (record !== null && record.statement !== null) behind.unshift({ number, link: linkOf(record) });
  }
  const page = behind.slice(0, MAX_TERMS_LINKS);
  return {
    links: page.map(({ link }) => link),
    next: behind.length > page.length ? page.at(-1)!.number : null,
  };
}
