import { CANCELLED_BY_OWNER, type ChangeView, type Parameters } from '@ckm/api';
import type { Call } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import { restAsking } from '../asked-people.js';
import { findOrder, withOrder, writeChange } from '../change-record.js';
import { assertUndecided, readDeciding } from '../deciding.js';
import type { ChangeMeans } from '../means.js';
import { viewChange } from './view-change.js';

/**
 * Takes an order back, as far as this server is concerned: it promises and locks nothing for it any more. What is locked
 * already is stopped by nothing.
 * @throws StateError `CHANGE_UNKNOWN`; as `readDeciding`
 */
export async function cancelChange(
  means: ChangeMeans,
  call: Call,
  { keyId, epoch, orderHash }: Parameters<'change.cancel'>,
): Promise<ChangeView> {
  const { context } = means;
  const owner = call.account.xid;
  const scope = { owner, keyId, epoch };
  return repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      await transaction.keys.hold(owner, keyId);
      const deciding = await readDeciding(context, transaction, scope);
      assertUndecided(deciding);
      const order = findOrder(deciding.record, orderHash);
      if (order === null) throw refusal('CHANGE_UNKNOWN', 'no such order is open here');
      if (order.over !== null) return viewChange(means, deciding, orderHash);
      const record = withOrder(deciding.record, { ...order, over: CANCELLED_BY_OWNER });
      const row = deciding.key?.row ?? null;
      if (order.isWeighty) await restAsking(context, transaction, deciding.key, deciding.record);
      await writeChange(context, transaction, scope, row, deciding.changeRow, record);
      await context.audit.append(transaction, {
        deed: 'change.cancel',
        who: owner,
        keyId,
        subject: orderHash,
        sentence: `Take back the order about who holds a key after epoch ${epoch}.`,
        verdict: 'done',
        policy: '',
        detail: '',
      });
      return viewChange(means, { ...deciding, record }, orderHash);
    }),
  );
}
