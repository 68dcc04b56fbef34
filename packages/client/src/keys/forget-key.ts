import { StateError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { listRequests } from '../requests/requests.js';
import { changeIdOf, type ChangeRecord, listChanges, saveChange } from './chain/change-record.js';
import { changesOf } from './chain/key-chain.js';
import { listSessions } from '../sessions/sessions.js';
import { shortId } from '../store/track.js';
import { keyPath, type KeyRecord } from './key-record.js';
import { loadKeyRecord } from './keys.js';

/**
 * Takes a key off the records. Its servers keep their shares and are told nothing: it can be fetched again.
 * @throws as {@link planForgetting}
 */
export async function forgetKey(context: ClientContext, name: string): Promise<void> {
  await context.store.exclusive('key-names', async () => {
    const record = await planForgetting(context, name);
    await finishDone(context, record);
    await context.store.delete(keyPath(name));
  });
}

/**
 * Checks that a key may be forgotten: not while something goes on with it.
 * @throws UsageError `KEY_UNKNOWN`; StateError `KEY_BUSY`
 */
export async function planForgetting({ store }: ClientContext, name: string): Promise<KeyRecord> {
  const record = await loadKeyRecord(store, name);
  const isBusy = ({ state, keyName }: { readonly state: string; readonly keyName: string }) =>
    state === 'open' && keyName === name;
  const request = (await listRequests(store)).find(isBusy);
  if (request !== undefined) {
    const id = shortId(request.requestId);
    throw busy(name, `request ${id}`, { kind: 'cancelRequest', id });
  }
  const change = (await listChanges(store)).find((one) => isBusy(one) && !isDone(record, one));
  if (change !== undefined) {
    const id = shortId(changeIdOf(change));
    const kind = change.certificate === null ? 'cancelSession' : 'resumeSession';
    throw busy(name, `change ${id}`, { kind, id });
  }
  const session = (await listSessions(store)).find(isBusy);
  if (session === undefined) return record;
  const id = shortId(session.sessionId);
  throw busy(name, `session ${id}`, { kind: 'cancelSession', id });
}

/** The key is in the epoch that it made: what is left is that old servers say that they forgot, which one that is gone for good never does. */
function isDone(record: KeyRecord, { certificate, order }: ChangeRecord): boolean {
  return certificate !== null && changesOf(record).length > order.epoch;
}

async function finishDone({ store }: ClientContext, record: KeyRecord): Promise<void> {
  for (const change of await listChanges(store)) {
    const isOpen = change.state === 'open' && change.keyName === record.name;
    if (isOpen && isDone(record, change)) await saveChange(store, { ...change, state: 'finished' });
  }
}

function busy(
  name: string,
  what: string,
  remedy: { readonly kind: 'cancelRequest' | 'cancelSession' | 'resumeSession'; readonly id: string },
): StateError {
  return new StateError(`${what} goes on with key ${name}`, {
    code: 'KEY_BUSY',
    hint: 'finish it, or cancel it first',
    remedy,
    retryable: false,
  });
}
