import { encodeHex, equalBytes } from '@ckm/foundation';
import { passIfTampered } from '../../storage/tampered-row.js';
import type { SessionRow, Transaction } from '../../storage/storage.js';
import { heirIn } from '../session/session-asker.js';
import { cancelDraft } from '../session/session-draft.js';
import { openSessionToShow, type StoredSession } from '../session/session-record.js';
import { reviseWithin, type SessionMeans } from '../session/session-revise.js';

/** More than any quota lets an account have open. */
const MOST_OPEN = 10_000;
/** Why they end. */
const GONE = 'the device that proposed it was removed';
const HEARD = 'the owner of the key was heard';

/**
 * Ends the open ceremonies that these devices of an account proposed, in the transaction that takes them out of it.
 * @param devices their ids
 * @returns what is to be done once it has committed
 */
export function endSessionsOf(
  server: SessionMeans,
  transaction: Transaction,
  owner: Uint8Array,
  devices: readonly Uint8Array[],
): Promise<() => Promise<void>> {
  const gone = new Set(devices.map(encodeHex));
  return endThose(
    server,
    transaction,
    owner,
    GONE,
    ({ record: { by } }) => by !== undefined && gone.has(encodeHex(by)),
  );
}

/** Ends the open ceremonies that heirs have proposed for a key of an owner who was heard. @returns as {@link endSessionsOf} */
export function endHeirSessionsOf(
  server: SessionMeans,
  transaction: Transaction,
  { owner, keyId }: Pick<SessionRow, 'owner' | 'keyId'>,
): Promise<() => Promise<void>> {
  const isHis = ({ row, record }: StoredSession) =>
    equalBytes(row.keyId, keyId) && heirIn(record.proposal) !== undefined;
  return endThose(server, transaction, owner, HEARD, isHis);
}

async function endThose(
  server: SessionMeans,
  transaction: Transaction,
  owner: Uint8Array,
  reason: string,
  isMeant: (session: StoredSession) => boolean,
): Promise<() => Promise<void>> {
  const { context } = server;
  const after: (() => Promise<void>)[] = [];
  for (const row of await transaction.sessions.listOpen(owner, MOST_OPEN)) {
    await passIfTampered(context.events.storageFailed, async () => {
      if (!isMeant(openSessionToShow(context, row))) return;
      const origin = { owner, sessionId: row.sessionId, who: owner, after: 0 };
      const ended = await reviseWithin(server, transaction, origin, (draft, { room }) =>
        cancelDraft(room, draft, reason),
      );
      after.push(ended);
    });
  }
  return async () => {
    for (const work of after) await work();
  };
}
