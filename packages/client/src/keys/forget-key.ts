import { StateError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { listRequests } from '../requests/requests.js';
import { changeIdOf, listChanges } from './chain/change-record.js';
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
    await planForgetting(context, name);
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
  const change = (await listChanges(store)).find(isBusy);
  if (change !== undefined) {
    const id = shortId(changeIdOf(change));
    throw busy(name, `change ${id}`, { kind: 'cancelSession', id });
  }
  const session = (await listSessions(store)).find(isBusy);
  if (session === undefined) return record;
  const id = shortId(session.sessionId);
  throw busy(name, `session ${id}`, { kind: 'cancelSession', id });
}

function busy(
  name: string,
  what: string,
  remedy: { readonly kind: 'cancelRequest' | 'cancelSession'; readonly id: string },
): StateError {
  return new StateError(`${what} goes on with key ${name}`, {
    code: 'KEY_BUSY',
    hint: 'finish it, or cancel it first',
    remedy,
    retryable: false,
  });
}
