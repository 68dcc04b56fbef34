import { type Parameters, recoveryUnknown, type Result } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Call } from '../context.js';
import { repeatWhenRaced } from '../storage/raced.js';
import { caseViewOf, ended } from './case.js';
import { vetoCase } from './cases.js';
import type { WaysBackMeans } from './means.js';
import { casesOf, findCase, isOutOfTime } from './stored-cases.js';

/** As many as the answer holds. */
const MOST_SHOWN = 32;

/** Who wants to be let into the account of whoever asks, and who was. */
export async function listCases(
  { context, counting }: WaysBackMeans,
  { account }: Call,
): Promise<Result<'recovery.list'>> {
  const counter = counting();
  const stored = await context.storage.read((reader) => casesOf(context, reader, account.xid));
  const cases = stored
    .slice(0, MOST_SHOWN)
    .map((one) =>
      caseViewOf(one.row.id, isOutOfTime(one, counter) ? ended(one.one, 'over') : one.one, counter),
    );
  return { cases };
}

/** Any key of the account says no, the youngest too: it stops what would take its place. */
export async function vetoAsAccount(
  means: WaysBackMeans,
  call: Call,
  { caseId }: Parameters<'recovery.veto'>,
): Promise<Result<'recovery.veto'>> {
  const { context } = means;
  const { account, by } = call;
  return repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      await context.accounts.hold(transaction, account.xid);
      const stored = await findCase(context, transaction, caseId);
      if (stored === null || !equalBytes(stored.row.owner, account.xid)) throw recoveryUnknown();
      const who = by.may === null ? 'words' : 'device';
      return vetoCase(means, transaction, stored, { by: who, id: by.id, at: context.clock() });
    }),
  );
}
