import { encodeHex, equalBytes, StateError } from '@ckm/foundation';
import { passIfTampered } from '../../../storage/tampered-row.js';
import type { ChangeRow, Transaction } from '../../../storage/storage.js';
import { openChange, withOrder, writeChange } from '../change-record.js';
import { readDeciding } from '../deciding.js';
import type { ChangeMeans } from '../means.js';

const PAGE = 64;
const REASON = 'the device that gave it was removed';
/** What no order is about any more, or not now: it is judged by what is there then. */
const GONE_ON: readonly string[] = ['KEY_EPOCH_DIFFERS', 'KEY_LEFT', 'KEY_FORKED', 'KEY_UNKNOWN'];

/**
 * Ends orders about who holds a key that these devices gave and nobody has carried out, in the transaction that takes the devices out of their account or lets them do
 * less. What is locked already is stopped by nothing, as when an order is taken back.
 * @param devices their ids
 */
export async function endOrdersOf(
  means: Pick<ChangeMeans, 'context'>,
  transaction: Transaction,
  owner: Uint8Array,
  devices: readonly Uint8Array[],
): Promise<void> {
  const gone = new Set(devices.map(encodeHex));
  let after: Pick<ChangeRow, 'owner' | 'keyId' | 'epoch'> = { owner, keyId: new Uint8Array(0), epoch: 0 };
  for (;;) {
    const rows = await transaction.changes.listWaiting(after, PAGE);
    for (const row of rows) {
      if (!equalBytes(row.owner, owner)) return;
      await passIfTampered(means.context.events.storageFailed, () => endIn(means, transaction, row, gone));
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!;
  }
}

async function endIn(
  { context }: Pick<ChangeMeans, 'context'>,
  transaction: Transaction,
  row: ChangeRow,
  gone: ReadonlySet<string>,
): Promise<void> {
  const { by } = openChange(context, row).order ?? {};
  if (by === undefined || !gone.has(encodeHex(by))) return;
  const { owner, keyId, epoch } = row;
  await transaction.keys.hold(owner, keyId);
  const deciding = await readDeciding(context, transaction, row).catch((error: unknown) => {
    if (error instanceof StateError && GONE_ON.includes(error.code)) return null;
    throw error;
  });
  const order = deciding?.record.order ?? null;
  if (deciding === null || order === null || order.over !== null || deciding.record.decided !== null) return;
  const record = withOrder(deciding.record, { ...order, over: REASON });
  const key = deciding.key?.row ?? null;
  await writeChange(context, transaction, { owner, keyId, epoch }, key, deciding.changeRow, record);
  await context.audit.append(transaction, {
    deed: 'change.cancel',
    who: owner,
    keyId,
    subject: order.hash,
    sentence: `Take back the order about who holds a key after epoch ${epoch}: ${REASON}.`,
    verdict: 'done',
    policy: '',
    detail: `given by device ${encodeHex(by).slice(0, 8)}`,
  });
}
