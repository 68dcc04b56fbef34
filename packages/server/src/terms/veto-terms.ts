import { type Parameters, parseTermsChange, type Result, termsChangeDigest } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Call } from '../context.js';
import { refusal } from '../refusals.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { KeyRow, Transaction } from '../storage/storage.js';
import { askAbout, endAsking } from './asked-people.js';
import { holdKey, type KeyWithTerms } from './held-key.js';
import type { ChangeVerdict } from './judge-change.js';
import { isChange, type JudgedStored, judgeStored, type StoredChange } from './judge-stored.js';
import type { TermsMeans } from './means.js';
import { noteChange, proposerOf } from './note-change.js';
import { rightNow } from './right-now.js';
import { standingOf } from './standing.js';
import { latelyAt, putInForce, readNext, writeNext } from './stored-terms.js';

type Vetoed = Result<'terms.veto'>;

/**
 * Answers `terms.veto`: any key of the account stops a change that waits, at once. With votes, they say what they say, whoever brings them.
 * @throws AccessError `KEY_UNKNOWN`; StateError `TERMS_CHANGE_UNKNOWN`, `KEY_NOT_CERTIFIED`, `KEY_LEFT`, `KEY_FORKED`
 */
export async function vetoTerms(
  means: TermsMeans,
  call: Call,
  { keyId, change, votes }: Parameters<'terms.veto'>,
): Promise<Vetoed> {
  return repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const key = await holdKey(means.context, transaction, { owner: call.account.xid, keyId });
      const record = await readProposed(means, transaction, key, change);
      if (record.over !== null) return { ...(await standingOf(means, transaction, key.row)), refused: [] };
      return votes.length === 0
        ? stop(means, call, transaction, key, record)
        : hear(means, call, transaction, key, record, votes);
    }),
  );
}

/** @throws StateError `TERMS_CHANGE_UNKNOWN` */
async function readProposed(
  { context }: TermsMeans,
  transaction: Transaction,
  { row, head }: KeyWithTerms,
  change: Uint8Array,
): Promise<StoredChange> {
  const record = (await readNext(context, transaction, row, head))?.record ?? null;
  if (isChange(record) && equalBytes(termsChangeDigest(parseTermsChange(record.statement)), change))
    return record;
  throw refusal('TERMS_CHANGE_UNKNOWN', 'no such change of the terms of this key waits here');
}

async function stop(
  means: TermsMeans,
  call: Call,
  transaction: Transaction,
  key: KeyWithTerms,
  record: StoredChange,
): Promise<Vetoed> {
  const judged = await judgeStored(means, transaction, key, record, [], means.counting());
  const verdict: ChangeVerdict = { verdict: 'over', reason: `stopped ${proposerOf(call)}` };
  return write(means, transaction, key, record, { ...judged, verdict, by: null });
}

async function hear(
  means: TermsMeans,
  call: Call,
  transaction: Transaction,
  key: KeyWithTerms,
  record: StoredChange,
  came: readonly Uint8Array[],
): Promise<Vetoed> {
  const judged = await judgeStored(means, transaction, key, record, came, means.counting());
  const verdict = await rightNow(means, transaction, key, judged.waits, judged.verdict);
  return write(means, transaction, key, record, { ...judged, verdict, by: proposerOf(call) });
}

/** What became of a change by what was said here, and who said it; null: the verdict says so itself. */
type Said = JudgedStored & { readonly by: string | null };

async function write(
  means: TermsMeans,
  transaction: Transaction,
  key: KeyWithTerms,
  record: StoredChange,
  said: Said,
): Promise<Vetoed> {
  const { row } = key;
  const { step, verdict, by, votes, refused, held } = said;
  const isSame = verdict.verdict === 'waits' && votes.every((vote) => record.votes.includes(vote));
  if (isSame) return { ...(await standingOf(means, transaction, row)), refused: [...refused] };
  const written = await store(means, transaction, key, record, said);
  await noteChange(means.context, transaction, row, step, { verdict, by, votes: held });
  return { ...(await standingOf(means, transaction, written)), refused: [...refused] };
}

async function store(
  { context }: TermsMeans,
  transaction: Transaction,
  { row, head }: KeyWithTerms,
  record: StoredChange,
  { step, verdict, votes, waits }: Said,
): Promise<KeyRow> {
  const { statement, terms, dead } = record;
  const link = { statement, terms, votes: [...votes] };
  if (verdict.verdict !== 'waits') await endAsking(transaction, row, termsChangeDigest(step.change));
  if (verdict.verdict === 'inForce') {
    const comes = {
      ...link,
      from: step.before,
      lately: await latelyAt(context, transaction, { row, head }),
      dead,
    };
    return putInForce(context, transaction, row, head, step.after, comes);
  }
  if (verdict.verdict === 'over')
    return writeNext(context, transaction, row, head, {
      ...record,
      votes,
      waits: null,
      over: verdict.reason,
    });
  await askAbout({ context }, transaction, row, step, { ...link, byWords: waits?.byWords ?? false });
  return writeNext(context, transaction, row, head, { ...record, votes, waits });
}
