import { countVotes, type KeyTerms, policyHash } from '@ckm/api';
import { equalBytes, type PolicyError } from '@ckm/foundation';
import type { PeopleSaid, ServerContext } from '../context.js';
import { peopleSaidNo } from '../policy/codes.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { MatterName, Transaction } from '../storage/storage.js';
import { matterUnder } from '../votes/matter.js';
import { holdMatter } from '../votes/matters.js';
import { endByPeople, refuse } from './admission.js';
import { waitsForPeople } from './hear-people.js';
import { openRequest, type PeopleHeard } from './request-record.js';

/**
 * Somebody has said something of a request: where that makes its yes impossible, it ends at once, and whoever asked is told so at his next question. Whether it is let in is
 * judged when it is asked again: for that its content is needed.
 */
export async function hearRequestVotes(context: ServerContext, name: MatterName): Promise<void> {
  const kind = await repeatWhenRaced(() =>
    context.storage.transact((transaction) => endIfOver(context, transaction, name)),
  );
  if (kind !== null) context.events.requestMoved({ kind, to: 'rejected' });
}

/** @returns of which kind it is; null: it goes on */
async function endIfOver(
  context: ServerContext,
  transaction: Transaction,
  name: MatterName,
): Promise<string | null> {
  const row = await transaction.requests.find(name.owner, name.matterId);
  if (row === null || row.expiresAt <= context.clock()) return null;
  const stored = openRequest(context, row);
  const { people, kind, sentence } = stored.record;
  if (!waitsForPeople(stored) || people === undefined) return null;
  const matter = await holdMatter(context, transaction, name);
  const key = await transaction.keys.find(row.owner, row.keyId);
  if (matter === null || !matter.row.waiting || key === null) return null;
  const terms = openHead(context, key).policy;
  // Under other terms other rules may wait: that is judged with its content.
  if (!equalBytes(policyHash(terms), people.termsHash)) return null;
  const said = await context.people.said(transaction, matterUnder(matter, terms));
  const error = overBy(terms, people, said);
  if (error === null) return null;
  await endByPeople(context, transaction, stored, error, said);
  await refuse(context, transaction, { ...row, sentence }, kind, { verdict: 'refuse', policy: '', error });
  return kind;
}

/** By the first of the rules that wait which too many have said no to. */
function overBy(
  { approvals = [] }: KeyTerms,
  { awaits }: Pick<PeopleHeard, 'awaits'>,
  { votes, without }: PeopleSaid,
): PolicyError | null {
  for (const { rule } of awaits) {
    const one = approvals[rule - 1];
    if (one === undefined) continue;
    const { isOver, noes } = countVotes(one, votes, without);
    if (isOver && noes.length > 0) return peopleSaidNo({ rule, by: noes }, votes);
  }
  return null;
}
