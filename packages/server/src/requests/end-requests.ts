import { encodeHex } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { passIfTampered } from '../storage/tampered-row.js';
import type { RequestRow, Transaction } from '../storage/storage.js';
import { nextRequest } from './admission.js';
import { stillAsks } from './by-device.js';
import { requestEntry } from './request-audit.js';
import { openRequest, type StoredRequest } from './request-record.js';
import { updateRequest } from './update-request.js';

/** More than any quota lets an account have waiting. */
const MOST_WAITING = 10_000;
const REASON = 'the device that asked for it was removed';

/**
 * Ends the requests of these devices of an account that wait for the operator or for people, in the transaction that takes them out of it. Those that were let in
 * already end when somebody asks for them ({@link endIfGone}): there may be a million, and everybody would wait until the last of them has ended.
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
  for (const row of await waitingRequests(transaction, owner)) {
    await passIfTampered(context.events.storageFailed, async () => {
      const before = openRequest(context, row);
      const { by, kind } = before.record;
      if (before.state !== 'waiting' || by === undefined || !gone.has(encodeHex(by))) return;
      await endRequest(context, transaction, before);
      kinds.push(kind);
    });
  }
  return async () => {
    for (const kind of kinds) context.events.requestMoved({ kind, to: 'cancelled' });
  };
}

/** Each once: some wait for the operator and for people. */
async function waitingRequests(transaction: Transaction, owner: Uint8Array): Promise<readonly RequestRow[]> {
  const found = new Map<string, RequestRow>();
  for (const row of await transaction.requests.waitingOf(owner, Number.MAX_SAFE_INTEGER, MOST_WAITING))
    found.set(encodeHex(row.requestId), row);
  for (const { matter, matterId } of await transaction.matters.waitingOf(owner, MOST_WAITING)) {
    if (matter !== 'request' || found.has(encodeHex(matterId))) continue;
    const row = await transaction.requests.find(owner, matterId);
    if (row !== null) found.set(encodeHex(matterId), row);
  }
  return [...found.values()];
}

/**
 * Ends a request whose device is out of its account, or has been since it asked, or may not use keys any more: nobody is given a share for it, whoever
 * asks now.
 * @returns the request as it is then; null: it goes on
 */
export async function endIfGone(
  context: ServerContext,
  transaction: Transaction,
  before: StoredRequest,
): Promise<StoredRequest | null> {
  const { by, kind } = before.record;
  if (by === undefined) return null;
  const account = await context.accounts.find(transaction, before.row.owner);
  if (account !== null && stillAsks(account, by, before.record)) return null;
  const after = await endRequest(context, transaction, before);
  context.events.requestMoved({ kind, to: after.state });
  return after;
}

async function endRequest(
  context: ServerContext,
  transaction: Transaction,
  before: StoredRequest,
): Promise<StoredRequest> {
  const after = nextRequest(before, 'cancelled', { reason: REASON });
  await updateRequest(context, transaction, after);
  const { sentence, kind } = before.record;
  const entry = { deed: 'request.cancel', sentence, verdict: 'done', policy: '', detail: kind } as const;
  await context.audit.append(transaction, requestEntry(before.row, entry));
  return after;
}
