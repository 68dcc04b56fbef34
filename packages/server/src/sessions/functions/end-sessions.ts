import { encodeHex } from '@ckm/foundation';
import { passIfTampered } from '../../storage/tampered-row.js';
import type { Transaction } from '../../storage/storage.js';
import { cancelDraft } from '../session/session-draft.js';
import { openSessionToShow } from '../session/session-record.js';
import { reviseWithin, type SessionMeans } from '../session/session-revise.js';

/** More than any quota lets an account have open. */
const MOST_OPEN = 10_000;
const REASON = 'the device that proposed it was removed';

/**
 * Ends the open ceremonies that these devices of an account proposed, in the transaction that takes them out of it.
 * @param devices their ids
 * @returns what is to be done once it has committed
 */
export async function endSessionsOf(
  server: SessionMeans,
  transaction: Transaction,
  owner: Uint8Array,
  devices: readonly Uint8Array[],
): Promise<() => Promise<void>> {
  const { context } = server;
  const gone = new Set(devices.map(encodeHex));
  const after: (() => Promise<void>)[] = [];
  for (const row of await transaction.sessions.listOpen(owner, MOST_OPEN)) {
    await passIfTampered(context.events.storageFailed, async () => {
      const { by } = openSessionToShow(context, row).record;
      if (by === undefined || !gone.has(encodeHex(by))) return;
      const origin = { owner, sessionId: row.sessionId, who: owner, after: 0 };
      const ended = await reviseWithin(server, transaction, origin, (draft, { room }) =>
        cancelDraft(room, draft, REASON),
      );
      after.push(ended);
    });
  }
  return async () => {
    for (const work of after) await work();
  };
}
