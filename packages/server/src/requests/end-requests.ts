import { encodeHex } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { passIfTampered } from '../storage/tampered-row.js';
import type { RequestRow, Transaction } from '../storage/storage.js';
import { nextRequest } from './admission.js';
import { requestEntry } from './request-audit.js';
import { openRequest, sealRequest } from './request-record.js';

const PAGE = 200;
const REASON = 'the device that asked for it was removed';

/**
 * Ends the requests that these devices of an account asked for and that are not over, in the transaction that takes them out of it: nobody is given a
 * share for them any more.
 * @param devices their ids
 * @returns what is to be done once it has committed
 */
export async function endRequestsOf(
  context: ServerContext,
  transaction: Transaction,
  owner: Uint8Array,
  devices: readonly Uint8Array[],
): Promise<() => Promise<void>> {
  const gone = new Set(devices.map(encodeHex));
  const kinds: string[] = [];
  const now = context.clock();
  for (let after: Uint8Array | null = null; ;) {
    const rows: readonly RequestRow[] = await transaction.requests.openOf(owner, now, after, PAGE);
    for (const row of rows) {
      await passIfTampered(context.events.storageFailed, async () => {
        const before = openRequest(context, row);
        const { by, sentence, kind } = before.record;
        if (by === undefined || !gone.has(encodeHex(by))) return;
        await transaction.requests.update(
          sealRequest(context, nextRequest(before, 'cancelled', { reason: REASON })),
        );
        const entry = {
          deed: 'request.cancel',
          sentence,
          verdict: 'done',
          policy: '',
          detail: kind,
        } as const;
        await context.audit.append(transaction, requestEntry(row, entry));
        kinds.push(kind);
      });
    }
    if (rows.length < PAGE) break;
    after = rows.at(-1)!.requestId;
  }
  return async () => {
    for (const kind of kinds) context.events.requestMoved({ kind, to: 'cancelled' });
  };
}
