import type { OpenOrder, OpenSettlement } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { passIfTampered } from '../../../storage/tampered-row.js';
import type { ChangeRow, Reader } from '../../../storage/storage.js';
import { putBack } from '../../keys/stored/read-key.js';
import { openChange } from '../change-record.js';
import type { StoredHead } from '../deciding.js';
import { judgeSettling, readForked } from '../forks/forked-key.js';
import { saidOfOrder } from '../asked-people.js';
import { judgeOrder } from '../guards.js';
import type { ChangeMeans } from '../means.js';

/** Orders that wait, by the hex id of their key: every client of the owner is shown what one of them ordered. */
export interface OpenOrders {
  readonly orders: ReadonlyMap<string, OpenOrder>;
  /** Those about which certificate of a forked epoch counts. */
  readonly settlements: ReadonlyMap<string, OpenSettlement>;
}

/**
 * The orders that wait for one of these keys of an owner. Where a key is forked, or this server has left it, none about who holds it does; one
 * that is not what this server stored is reported to its operator and left out.
 * @param heads in ascending order of key ids
 */
export async function readOpenOrders(
  means: Pick<ChangeMeans, 'context' | 'counting'>,
  reader: Reader,
  heads: readonly StoredHead[],
): Promise<OpenOrders> {
  const orders = new Map<string, OpenOrder>();
  const settlements = new Map<string, OpenSettlement>();
  const found = { orders, settlements };
  const [first, last] = [heads[0]?.row, heads.at(-1)?.row];
  if (first === undefined || last === undefined) return found;
  const rows = await reader.changes.listWaitingOf(first.owner, first.keyId, last.keyId);
  if (rows.length === 0) return found;
  const byId = new Map(heads.map((one) => [encodeHex(one.row.keyId), one]));
  for (const row of rows) {
    const name = encodeHex(row.keyId);
    await passIfTampered(means.context.events.storageFailed, async () => {
      const key = byId.get(name);
      const order = key?.row.epoch === row.epoch ? await openOrderIn(means, reader, key, row) : null;
      if (order !== null) orders.set(name, order);
      const settlement = key === undefined ? null : await openSettlementIn(means, reader, key, row);
      if (settlement !== null) settlements.set(name, settlement);
    });
  }
  return found;
}

/** @throws StorageError `ROW_TAMPERED` */
async function openSettlementIn(
  { context, counting }: Pick<ChangeMeans, 'context' | 'counting'>,
  reader: Reader,
  { head }: StoredHead,
  { owner, keyId, epoch }: ChangeRow,
): Promise<OpenSettlement | null> {
  if (head.forked !== epoch + 1 && head.awaits?.epoch !== epoch) return null;
  const forked = await readForked(context, reader, { owner, keyId, epoch });
  const { settling } = forked.record;
  if (settling === null) return null;
  const { verdict, readyAt, asked } = judgeSettling(counting(), forked);
  if (verdict === 'over') return null;
  const [counts, ...others] = settling.names;
  const state = verdict === 'passed' ? 'ready' : 'waiting';
  return { epoch, orderHash: settling.hash, counts: counts!, others, state, readyAt, asked };
}

/** @throws StorageError `ROW_TAMPERED` */
async function openOrderIn(
  { context, counting }: Pick<ChangeMeans, 'context' | 'counting'>,
  reader: Reader,
  key: StoredHead | undefined,
  row: ChangeRow,
): Promise<OpenOrder | null> {
  if (key === undefined || key.head.left !== undefined || key.head.forked !== undefined) return null;
  if (row.version !== (key.head.change ?? 0)) throw putBack('changes');
  const record = openChange(context, row);
  if (record.order === null) return null;
  const stricter = context.policy.weighty(key.head);
  const judged = { key, record, stricter, said: await saidOfOrder(context, reader, key, record.order) };
  const { verdict, readyAt, asked } = judgeOrder(counting(), judged, record.order);
  if (verdict === 'over') return null;
  const state = verdict === 'passed' ? 'ready' : 'waiting';
  const byWords = record.order.byWords === true ? { byWords: true as const } : {};
  return { order: record.order.order, state, readyAt, asked, ...byWords };
}
