import { parseTermsChange, termsChangeDigest, versionOf } from '@ckm/api';
import { repeatWhenRaced } from '../storage/raced.js';
import { passIfTampered } from '../storage/tampered-row.js';
import type { TermsRow, Transaction } from '../storage/storage.js';
import { holdRecalled } from '../sessions/changes/votes/forget-votes.js';
import { type KeyHead, openHead } from '../sessions/keys/stored/key-head.js';
import { COUNT_SECONDS, countOn } from '../sessions/waiting-time.js';
import { endAsking } from './asked-people.js';
import { endOf, isChange, judgeStored } from './judge-stored.js';
import type { TermsMeans } from './means.js';
import { noteChange } from './note-change.js';
import { isFrozen, lateVerdict } from './right-now.js';
import {
  latelyAt,
  letGo,
  openTerms,
  putInForce,
  readNext,
  type StoredTerms,
  writeNext,
} from './stored-terms.js';

const PAGE = 64;
/** Between one look at all changes that wait and the next. Seconds. */
const REST = 60;

/** Counts for changes of terms that wait, and puts in force those whose time has come; called every few seconds. */
export function createTermsSweep(means: TermsMeans): () => Promise<void> {
  const { storage, events, clock } = means.context;
  let restsUntil = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = clock();
    if (now < restsUntil && restsUntil - now <= REST) return;
    restsUntil = now + REST;
    const { lived } = means.counting();
    const isLong = lived - lookedAt >= COUNT_SECONDS;
    if (isLong) lookedAt = lived;
    for (let after: TermsRow | null = null; ;) {
      const last: TermsRow | null = after;
      const rows: readonly TermsRow[] = await storage.read(({ terms }) => terms.listWaiting(last, PAGE));
      for (const row of rows)
        await passIfTampered(events.storageFailed, async () => {
          if (!isDue(means, row, isLong)) return;
          await repeatWhenRaced(() => storage.transact((transaction) => lookAt(means, transaction, row)));
        });
      if (rows.length < PAGE) return;
      after = rows.at(-1)!;
    }
  };
}

/** Whether anything of it is to be stored by now, or may be: counting what people said is not for every minute. */
function isDue({ context, counting }: TermsMeans, row: TermsRow, isLong: boolean): boolean {
  const { waits } = openTerms(context, row);
  if (waits === null || isLong) return true;
  const counter = counting();
  return counter.now > endOf(waits) || countOn(waits.waited, counter) !== waits.waited;
}

async function lookAt(means: TermsMeans, transaction: Transaction, row: TermsRow): Promise<void> {
  const { context } = means;
  const { owner, keyId } = row;
  // It neither ripens nor ends while the account is suspended, or frozen.
  const account = await context.accounts.find(transaction, owner);
  if (account?.status !== 'active' || isFrozen(account, context.clock())) return;
  const key = await holdRecalled(context, transaction, { owner, keyId });
  const head = key === null ? null : openHead(context, key);
  if (key === null || head === null || !belongs(head, row)) {
    return forget(means, transaction, row);
  }
  // Of a key that is forked, or that this server has left, nothing changes here; nor of one whose state others have not told it yet (L8).
  if (head.left !== undefined || head.forked !== undefined || head.asks !== undefined) return;
  const next = (await readNext(context, transaction, key, head))!;
  const { record } = next;
  if (record.waits === null || !isChange(record)) return;
  const counter = means.counting();
  const waited = countOn(record.waits.waited, counter);
  const held = { row: key, head };
  const judged = await judgeStored(means, transaction, held, record, [], counter);
  const { step, votes } = judged;
  const waits = { ...judged.waits!, waited };
  const verdict = lateVerdict(account, record.waits, counter) ?? judged.verdict;
  if (verdict.verdict === 'waits') {
    const isSame =
      waited === record.waits.waited && waits.byWords === record.waits.byWords && !isMore(votes, record);
    if (!isSame) await writeNext(context, transaction, key, head, { ...record, votes, waits });
    return;
  }
  await endAsking(transaction, key, termsChangeDigest(step.change));
  if (verdict.verdict === 'inForce') {
    const { statement, dead } = record;
    const lately = await latelyAt(context, transaction, held);
    const comes = { statement, votes: [...votes], from: step.before, lately, dead };
    await putInForce(context, transaction, key, head, step.after, comes);
  } else {
    const { reason } = verdict;
    await writeNext(context, transaction, key, head, { ...record, votes, waits: null, over: reason });
  }
  await noteChange(context, transaction, key, step, { verdict, by: null, votes: judged.held });
}

/** What nothing belongs to any more waits for nothing, and nobody is asked about it. */
async function forget({ context }: TermsMeans, transaction: Transaction, row: TermsRow): Promise<void> {
  const now = await transaction.terms.find(row.owner, row.keyId, row.number, false);
  if (now === null || !now.waiting) return;
  const { statement } = openTerms(context, now);
  if (statement !== null) await endAsking(transaction, row, termsChangeDigest(parseTermsChange(statement)));
  await letGo(context, transaction, now);
}

/** Whether something was said that is not kept with the change yet. */
function isMore(votes: readonly Uint8Array[], { votes: kept }: StoredTerms): boolean {
  return votes.some((vote) => !kept.includes(vote));
}

/** Whether it is the change behind the terms in force, and not one of before a restore, or whose place another one took. */
function belongs({ policy, nextTerms }: KeyHead, { number }: TermsRow): boolean {
  return nextTerms !== undefined && number === versionOf(policy) + 1;
}
