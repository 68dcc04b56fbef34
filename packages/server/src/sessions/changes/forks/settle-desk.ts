import { equalBytes } from '@ckm/foundation';
import { type KeyParams, parseChangeCertificate } from '@ckm/threshold';
import type { ChangeCursor, SeenChange, WaitingChange } from '../../../context.js';
import { demand, refusal } from '../../../refusals.js';
import type { Reader, Transaction } from '../../../storage/storage.js';
import { countOn } from '../../waiting-time.js';
import type { Settling, StoredOrder } from '../change-record.js';
import { restSettling } from './asked-people.js';
import {
  isForkedAt,
  type ForkedKey,
  judgeSettling,
  readForked,
  settlingIn,
  writeForked,
} from './forked-key.js';
import type { ChangeMeans } from '../means.js';
import { sentenceOfSettling } from './settle-order.js';
import { isStoppedByOthers, stayOn } from './stay-on.js';

/** What an operator says of an order. */
export interface Answer {
  readonly answer: Pick<StoredOrder, 'operator'> & Partial<Pick<StoredOrder, 'over'>>;
  readonly saysNo: boolean;
}

/** An order to settle which certificate counts, as the operator sees it: from the servers of those that are to die to those of the other; null: it is none. */
export async function showSettling(
  means: ChangeMeans,
  reader: Reader,
  scope: ChangeCursor,
): Promise<WaitingChange | null> {
  const forked = await readOpen(means, reader, scope);
  if (forked === null) return null;
  const { verdict, asked, readyAt } = judgeSettling(means.counting(), forked);
  if (verdict === 'over') return null;
  const settling = settlingIn(forked);
  const [counts, ...dead] = settling.certificates.map((one) => parseChangeCertificate(one).change.next);
  const { owner, keyId, epoch, head } = forked;
  return {
    owner,
    keyId,
    epoch,
    asked,
    readyAt,
    by: null,
    orderHash: settling.hash,
    transcriptHash: head.first ?? counts!.previous,
    sentence: sentenceOfSettling(settling),
    old: membersIn(dead[0]!),
    oldQuorum: dead[0]!.quorum,
    dead: dead.map((one) => ({ quorum: one.quorum, members: membersIn(one) })),
    next: membersIn(counts!),
    nextQuorum: counts!.quorum,
  };
}

function membersIn({ roster }: Pick<KeyParams, 'roster'>): WaitingChange['old'] {
  return roster.map(({ serverId, url }) => ({ serverId, url }));
}

/**
 * Stores what the operator says, where the order is one to settle.
 * @returns its sentence; null: it is none
 * @throws StateError `CHANGE_NOT_WAITING`
 */
export async function answerSettling(
  means: ChangeMeans,
  transaction: Transaction,
  seen: SeenChange,
  { answer, saysNo }: Answer,
): Promise<string | null> {
  if (!(await isForkedAt(transaction, means.context, seen))) return null;
  const forked = await readForked(means.context, transaction, seen);
  const settling = forked.record.settling;
  if (settling === null || !equalBytes(settling.hash, seen.orderHash)) return null;
  const account = await transaction.accounts.find(seen.owner);
  const isHeard = saysNo || account?.status === 'active';
  demand(isHeard, 'CHANGE_NOT_WAITING', 'the account behind this order is suspended');
  const { asked, verdict } = judgeSettling(means.counting(), forked);
  const isWaiting = saysNo ? verdict !== 'over' : asked;
  if (!isWaiting) throw refusal('CHANGE_NOT_WAITING', 'this order does not wait for the operator');
  const { context } = means;
  const said = { ...settling, ...answer, ...(saysNo ? { overAt: context.clock() } : {}) };
  const write = saysNo && isStoppedByOthers(forked) ? stayOn : writeForked;
  await write(context, transaction, forked, { ...forked.record, settling: said });
  if (saysNo) await restSettling(context, transaction, forked, settling);
  return sentenceOfSettling(settling);
}

/** What is to be stored of the order's delay by now; null: nothing, or it is none to settle. */
export async function dueOfSettling(
  means: ChangeMeans,
  reader: Reader,
  scope: ChangeCursor,
): Promise<{ readonly forked: ForkedKey; readonly settling: Settling } | null> {
  const forked = await readOpen(means, reader, scope);
  if (forked === null) return null;
  const settling = settlingIn(forked);
  const counter = means.counting();
  const { verdict, reason } = judgeSettling(counter, forked);
  if (verdict === 'over') return { forked, settling: { ...settling, over: reason } };
  const waited = countOn(settling.waited, counter);
  return waited === settling.waited ? null : { forked, settling: { ...settling, waited } };
}

/** @returns whether something was stored */
export async function tickSettling(
  means: ChangeMeans,
  transaction: Transaction,
  scope: ChangeCursor,
): Promise<boolean> {
  const due = await dueOfSettling(means, transaction, scope);
  if (due === null) return false;
  const { forked, settling } = due;
  await writeForked(means.context, transaction, forked, { ...forked.record, settling });
  if (settling.over !== null) await restSettling(means.context, transaction, forked, settling);
  return true;
}

/** Null: nothing is to be settled there that is not over, or the account is suspended. */
async function readOpen(means: ChangeMeans, reader: Reader, scope: ChangeCursor): Promise<ForkedKey | null> {
  if (!(await isForkedAt(reader, means.context, scope))) return null;
  if ((await reader.accounts.find(scope.owner))?.status !== 'active') return null;
  const forked = await readForked(means.context, reader, scope);
  const { settling } = forked.record;
  return settling === null || settling.over !== null ? null : forked;
}
