import { equalBytes, StateError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { abandonSession } from '../../sessions/run-session.js';
import { sessionOnRecord } from '../../sessions/sessions.js';
import { type ChangeRecord, changePath, parseChangeRecord } from '../chain/change-record.js';
import { nobodyTold } from './change-errors.js';
import { type ChangeRun, createChangeRun, saveChangeRun } from './change-run.js';
import { adoptDecided, findDecided } from './decided.js';
import { endSessionAt } from './move-shares.js';
import { type CancelledOrder, cancelAt } from './open-orders.js';
import { resharing } from './resharing.js';
import { keepIfHeld } from './settle.js';

/** What became of a change that was taken back. */
export interface CancelledChange extends CancelledOrder {
  readonly change: ChangeRecord;
}

/**
 * Takes a change back at every server that can be reached. Once old members have locked something, that may come all the same.
 * @throws StateError `SESSION_OVER` when the new epoch is decided; AvailabilityError `SERVERS_MISSING` when nobody was told: it goes on
 */
export async function cancelChange(
  context: ClientContext,
  record: ChangeRecord,
  reason: string,
): Promise<CancelledChange> {
  const path = changePath(record.order);
  const stored = await context.store.get(path);
  const now = stored === null ? record : parseChangeRecord(path, stored);
  if (now.certificate !== null) throw tooLate(record);
  const run = await createChangeRun(context, now, () => undefined);
  await assertUndecided(run);
  const { keyId, epoch } = now.order;
  const servers = run.members.map(({ server }) => server);
  const told = await cancelAt(context, servers, { keyId, epoch, orderHash: run.orderHash });
  if (told.at.length === 0 && told.decided.length === 0) throw nobodyTold(run, told.silent);
  if (told.decided.length > 0) await assertUndecided(run);
  await endSession(run, reason);
  await saveChangeRun(run, { state: 'cancelled', reason });
  return { ...told, change: run.record };
}

/**
 * Looks before a change is given up: what old members have decided on meanwhile is put on record, also where another client of the
 * owner has ordered it.
 * @throws StateError `SESSION_OVER` where it is this very change
 */
async function assertUndecided(run: ChangeRun): Promise<void> {
  const certificate = await findDecided(run, run.members);
  if (certificate === null) return;
  await keepIfHeld(run, certificate);
  const decided = await adoptDecided(run, certificate);
  if (equalBytes(decided.orderHash, run.orderHash)) throw tooLate(run.record);
}

/** Gives the session up that moves shares for a change, if it is on record and goes on. */
async function endSession(run: ChangeRun, reason: string): Promise<void> {
  const {
    context,
    record: { sessionId },
  } = run;
  const session = sessionId === null ? null : await sessionOnRecord(context.store, sessionId);
  // Servers that have not been asked for their locks since have it open still.
  if (session?.state === 'finished') return endSessionAt(run, run.members);
  if (session?.state !== 'open') return;
  await abandonSession(context, resharing, session, { reason, named: null });
}

function tooLate({ keyName }: ChangeRecord): StateError {
  return new StateError(`the change of ${keyName} is decided and cannot be taken back`, {
    code: 'SESSION_OVER',
    hint: 'finish it',
    remedy: { kind: 'resumeSession' },
    retryable: false,
  });
}
