import { nameOfOrder } from '@ckm/api';
import { equalBytes, StateError } from '@ckm/foundation';
import { isLikenessOf } from '@ckm/gordian';
import type { ChangeCursor, ChangeDesk, SeenChange, WaitingChange } from '../../../context.js';
import { demand, refusal } from '../../../refusals.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import { passIfTampered } from '../../../storage/tampered-row.js';
import type { ChangeRow, Reader, Transaction } from '../../../storage/storage.js';
import { checkReason, detailAs, quoteReason } from '../../operator-reason.js';
import { type ChangeRecord, type StoredOrder, writeChange } from '../change-record.js';
import { type Deciding, readDeciding } from '../deciding.js';
import { restAsking } from '../asked-people.js';
import { judgeOrder } from '../guards.js';
import {
  type Answer,
  answerSettling,
  dueOfSettling,
  showSettling,
  tickSettling,
} from '../forks/settle-desk.js';
import type { ChangeMeans } from '../means.js';
import { holdRecalled } from '../votes/forget-votes.js';
import { sentenceOf } from './view-change.js';
import { countOn } from '../../waiting-time.js';

const PAGE = 64;

/** Where the operator says yes or no to changes of who holds a key. */
export function createChangeDesk(means: ChangeMeans): ChangeDesk {
  const { context } = means;

  async function decide(
    seen: SeenChange,
    answer: Answer['answer'],
    {
      byWords,
      ...entry
    }: {
      readonly deed: string;
      readonly verdict: 'approved' | 'rejected';
      readonly detail: string;
      /** Of which of the two the six words were that he typed; null: he typed none. */ readonly byWords:
        boolean | null;
    },
  ): Promise<void> {
    await repeatWhenRaced(() =>
      context.storage.transact(async (transaction) => {
        const saysNo = entry.verdict === 'rejected';
        await holdRecalled(context, transaction, seen);
        const settling = await answerSettling(means, transaction, seen, { answer, saysNo });
        if (settling !== null && byWords === true) throw wordsWrong();
        const sentence =
          settling ?? (await answerOrder(means, transaction, seen, { answer, saysNo }, byWords));
        await context.audit.append(transaction, {
          ...entry,
          who: null,
          keyId: seen.keyId,
          subject: seen.orderHash,
          sentence,
          policy: '',
        });
      }),
    );
  }

  return {
    async list(after = null) {
      const rows = await context.storage.read(({ changes }) => changes.listWaiting(after, PAGE));
      const found: WaitingChange[] = [];
      for (const row of rows) {
        await passIfTampered(context.events.storageFailed, async () => {
          const shown = await context.storage.read(
            async (reader) => (await showSettling(means, reader, row)) ?? show(means, reader, row),
          );
          if (shown !== null) found.push(shown);
        });
      }
      const last = rows.length < PAGE ? undefined : rows.at(-1);
      const next: ChangeCursor | null =
        last === undefined ? null : { owner: last.owner, keyId: last.keyId, epoch: last.epoch };
      return { changes: found, next };
    },
    approve: async (seen, words, as = null) => {
      const byWords = isLikenessOf(words, nameOfOrder(seen.orderHash, true));
      if (!byWords && !isLikenessOf(words, seen.orderHash)) throw wordsWrong();
      const deed = {
        deed: 'operator.approve',
        verdict: 'approved',
        detail: detailAs('', as),
        byWords,
      } as const;
      await decide(seen, { operator: 'yes' }, deed);
    },
    reject: async (seen, reason, as = null) => {
      const said = checkReason(reason);
      const detail = detailAs(quoteReason(said), as);
      const deed = { deed: 'operator.reject', verdict: 'rejected', detail, byWords: null } as const;
      await decide(seen, { operator: 'no', over: said }, deed);
    },
  };
}

/** Between one look at all open orders and the next. Seconds. */
const REST = 60;

/** Stores how far the delays of open orders are, and which are over; called every few seconds. */
export function createOrderSweep(means: ChangeMeans): () => Promise<void> {
  let restsUntil = 0;
  return async () => {
    const now = means.context.clock();
    if (now < restsUntil && restsUntil - now <= REST) return;
    restsUntil = now + REST;
    await tickOrders(means);
  };
}

async function tickOrders(means: ChangeMeans): Promise<void> {
  const { context } = means;
  const { storage, events } = context;
  for (let after: ChangeRow | null = null; ;) {
    const last: ChangeRow | null = after;
    const rows: readonly ChangeRow[] = await storage.read(({ changes }) => changes.listWaiting(last, PAGE));
    for (const row of rows) {
      await passIfTampered(events.storageFailed, async () => {
        const due = await storage.read(
          async (reader) =>
            (await dueOfSettling(means, reader, row)) !== null || (await tickOf(means, reader, row)) !== null,
        );
        if (!due) return;
        await repeatWhenRaced(() => storage.transact((transaction) => tickOne(means, transaction, row)));
      });
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!;
  }
}

async function tickOne(means: ChangeMeans, transaction: Transaction, row: ChangeRow): Promise<void> {
  await holdRecalled(means.context, transaction, row);
  if (await tickSettling(means, transaction, row)) return;
  const due = await tickOf(means, transaction, row);
  if (due === null) return;
  const { deciding, order } = due;
  await write(means, transaction, deciding, { ...deciding.record, order });
}

/** What is to be stored of an order's delay by now; null: nothing. */
async function tickOf(
  means: ChangeMeans,
  reader: Reader,
  row: ChangeRow,
): Promise<{ readonly deciding: Deciding; readonly order: StoredOrder } | null> {
  const deciding = await readIfDeciding(means, reader, row);
  const order = deciding?.record.order ?? null;
  if (deciding === null || order === null || order.over !== null) return null;
  const counter = means.counting();
  const { verdict, reason } = judgeOrder(counter, deciding, order);
  if (verdict === 'over') return { deciding, order: { ...order, over: reason } };
  const waited = countOn(order.waited, counter);
  return waited === order.waited ? null : { deciding, order: { ...order, waited } };
}

/** Null: the key has gone on, is forked, this server has left it, or the account is suspended: then the order neither ripens nor is shown. */
async function readIfDeciding(
  { context }: ChangeMeans,
  reader: Reader,
  scope: ChangeCursor,
): Promise<Deciding | null> {
  if ((await reader.accounts.find(scope.owner))?.status !== 'active') return null;
  try {
    return await readDeciding(context, reader, scope);
  } catch (error) {
    if (error instanceof StateError && ['KEY_EPOCH_DIFFERS', 'KEY_LEFT', 'KEY_FORKED'].includes(error.code))
      return null;
    throw error;
  }
}

/**
 * The order that the operator answers. A no is heard as long as the order is not over, whoever is asked by the rules of the key.
 * @throws StateError `CHANGE_UNKNOWN`, `CHANGE_NOT_WAITING`
 */
async function readAsked(
  means: ChangeMeans,
  transaction: Transaction,
  seen: SeenChange,
  saysNo: boolean,
): Promise<Deciding> {
  const deciding = await readDeciding(means.context, transaction, seen);
  const { order } = deciding.record;
  if (order === null || !equalBytes(order.hash, seen.orderHash))
    throw refusal('CHANGE_UNKNOWN', 'no such order is open here');
  const account = await transaction.accounts.find(seen.owner);
  const isHeard = saysNo || account?.status === 'active';
  demand(isHeard, 'CHANGE_NOT_WAITING', 'the account behind this order is suspended');
  const { asked, verdict } = judgeOrder(means.counting(), deciding, order);
  if (deciding.record.decided !== null)
    throw refusal('CHANGE_NOT_WAITING', 'what follows this epoch of the key is decided');
  if (saysNo ? verdict !== 'over' : asked) return deciding;
  throw refusal('CHANGE_NOT_WAITING', 'this order does not wait for the operator');
}

/** @returns the sentence of the order */
async function answerOrder(
  means: ChangeMeans,
  transaction: Transaction,
  seen: SeenChange,
  { answer, saysNo }: Answer,
  byWords: boolean | null,
): Promise<string> {
  const deciding = await readAsked(means, transaction, seen, saysNo);
  // What was shown to him may have become the same order by the words since, or the other way round.
  if (byWords !== null && byWords !== (deciding.record.order!.byWords === true)) throw wordsWrong();
  const order = { ...deciding.record.order!, ...answer };
  await write(means, transaction, deciding, { ...deciding.record, order });
  return sentenceOf(deciding, order.order, order.byWords);
}

async function write(
  { context }: ChangeMeans,
  transaction: Transaction,
  { owner, keyId, epoch, key, changeRow }: Deciding,
  record: ChangeRecord,
): Promise<void> {
  await writeChange(context, transaction, { owner, keyId, epoch }, key?.row ?? null, changeRow, record);
  if (record.order !== null && record.order.over !== null)
    await restAsking(context, transaction, key, record);
}

async function show(means: ChangeMeans, reader: Reader, row: ChangeRow): Promise<WaitingChange | null> {
  const deciding = await readIfDeciding(means, reader, row);
  const order = deciding?.record.order ?? null;
  if (deciding === null || order === null) return null;
  const { verdict, asked, readyAt } = judgeOrder(means.counting(), deciding, order);
  if (verdict === 'over') return null;
  const { owner, keyId, epoch, before, key, record } = deciding;
  const first = key === null ? record.joining!.first : (key.head.first ?? before.transcriptHash);
  const urls = new Map(before.params.roster.map((entry) => [entry.serverId.join(), entry.url]));
  return {
    owner,
    keyId,
    epoch,
    orderHash: order.hash,
    transcriptHash: first,
    sentence: sentenceOf(deciding, order.order, order.byWords),
    old: before.params.roster.map(({ serverId, url }) => ({ serverId, url })),
    oldQuorum: before.params.quorum,
    dead: [],
    next: order.order.roster.map(({ serverId }) => ({ serverId, url: urls.get(serverId.join()) ?? '' })),
    nextQuorum: order.order.quorum,
    asked,
    readyAt,
    by: order.by ?? null,
  };
}

function wordsWrong() {
  return refusal('CHANGE_WORDS_WRONG', 'these are not the six words of this change');
}
