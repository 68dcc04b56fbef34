import { type Parameters, parseTermsChange, type Result, termsChangeDigest } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Call } from '../context.js';
import { refusal } from '../refusals.js';
import { countedBy } from '../sessions/waiting-time.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { KeyRow, Transaction } from '../storage/storage.js';
import { askAbout, endAsking, votesAbout } from './asked-people.js';
import { holdKey, type KeyWithTerms } from './held-key.js';
import { type ChangeVerdict, judgeWaiting } from './judge-change.js';
import type { TermsMeans } from './means.js';
import { noteChange, proposerOf } from './note-change.js';
import { formerTerms } from './past-chain.js';
import { countKept, pollingOf, type Step, takeVotes } from './poll.js';
import { afterNo, standingOf, stepOf } from './standing.js';
import { putInForce, readNext, type StoredTerms, writeNext } from './stored-terms.js';

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
): Promise<StoredTerms & { readonly statement: Uint8Array }> {
  const next = await readNext(context, transaction, row, head);
  const { statement = null } = next?.record ?? {};
  const isIt = statement !== null && equalBytes(termsChangeDigest(parseTermsChange(statement)), change);
  if (next === null || !isIt)
    throw refusal('TERMS_CHANGE_UNKNOWN', 'no such change of the terms of this key waits here');
  return { ...next.record, statement };
}

async function stop(
  means: TermsMeans,
  call: Call,
  transaction: Transaction,
  key: KeyWithTerms,
  record: StoredTerms & { readonly statement: Uint8Array },
): Promise<Vetoed> {
  const by = proposerOf(call);
  const verdict: ChangeVerdict = { verdict: 'over', reason: `stopped ${by}` };
  return write(means, transaction, key, record, { verdict, by: null, kept: record.votes, refused: [] });
}

async function hear(
  means: TermsMeans,
  call: Call,
  transaction: Transaction,
  key: KeyWithTerms,
  record: StoredTerms & { readonly statement: Uint8Array },
  came: readonly Uint8Array[],
): Promise<Vetoed> {
  const step = await stepOf(means, transaction, key, { record, statement: record.statement });
  const polling = pollingOf(means, step);
  const said = await votesAbout(means, transaction, key.row, step.change);
  const taken = takeVotes(means, polling, record.votes, [...came, ...said]);
  const { votes } = taken;
  const refused = taken.refused.filter(({ at }) => at < came.length);
  const counted = countKept(polling, votes);
  const waits = record.waits === null ? null : afterNo(record.waits, counted.votes);
  const verdict = judgeWaiting({
    ...step,
    former: await formerTerms(means.context, transaction, key),
    byWords: waits?.byWords ?? false,
    ...counted,
    counted: waits === null ? 0 : countedBy(means.counting(), waits.waited),
  });
  const isUnsure = key.head.asks !== undefined && verdict.verdict === 'inForce';
  return write(
    means,
    transaction,
    key,
    { ...record, waits },
    {
      verdict: isUnsure ? { verdict: 'waits', missing: 0, left: 0 } : verdict,
      by: proposerOf(call),
      kept: votes,
      refused,
    },
  );
}

async function write(
  means: TermsMeans,
  transaction: Transaction,
  { row, head }: KeyWithTerms,
  record: StoredTerms & { readonly statement: Uint8Array },
  said: {
    readonly verdict: ChangeVerdict;
    readonly by: string | null;
    readonly kept: readonly Uint8Array[];
    readonly refused: Vetoed['refused'];
  },
): Promise<Vetoed> {
  const { verdict, by, kept, refused } = said;
  const isSame = verdict.verdict === 'waits' && kept.every((vote) => record.votes.includes(vote));
  if (isSame) return { ...(await standingOf(means, transaction, row)), refused };
  const key = { row, head };
  const step = await stepOf(means, transaction, key, { record, statement: record.statement });
  const written = await store(means, transaction, key, { ...record, votes: kept }, step, verdict);
  const { votes } = countKept(pollingOf(means, step), kept);
  await noteChange(means.context, transaction, row, step, { verdict, by, votes });
  return { ...(await standingOf(means, transaction, written)), refused };
}

async function store(
  { context }: TermsMeans,
  transaction: Transaction,
  { row, head }: KeyWithTerms,
  record: StoredTerms & { readonly statement: Uint8Array },
  step: Step,
  verdict: ChangeVerdict,
): Promise<KeyRow> {
  const { statement, votes } = record;
  if (verdict.verdict !== 'waits') await endAsking(transaction, row, termsChangeDigest(step.change));
  if (verdict.verdict === 'inForce')
    return putInForce(context, transaction, row, head, step.after, {
      statement,
      votes: [...votes],
      from: step.before,
      lately: [],
    });
  const fate = verdict.verdict === 'over' ? { waits: null, over: verdict.reason } : {};
  if (verdict.verdict === 'waits') {
    const link = { statement, terms: record.terms, votes: [...votes] };
    const byWords = record.waits?.byWords ?? false;
    await askAbout({ context }, transaction, row, step, { ...link, byWords });
  }
  return writeNext(context, transaction, row, head, { ...record, ...fate });
}
