import { equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { parseName } from '../store/names.js';
import { listRequests, updateRequest } from '../requests/requests.js';
import { listChanges, saveChange } from './chain/change-record.js';
import { listSessions, saveSession } from '../sessions/sessions.js';
import { assertNameFree } from './free-name.js';
import { keyPath, type KeyRecord, parseKeyRecord } from './key-record.js';
import { loadKeyRecord, saveKeyRecord } from './keys.js';

/**
 * Calls a key otherwise, on record, in its open sessions, changes and requests. Servers know no names. Repeated after a crash it goes on.
 * @throws UsageError `KEY_UNKNOWN`, `NAME_INVALID`, `KEY_EXISTS`
 */
export async function renameKey(context: ClientContext, name: string, wanted: string): Promise<KeyRecord> {
  const { store } = context;
  return store.exclusive('key-names', async () => {
    const renamed = await planRename(context, name, wanted);
    const next = renamed.name;
    if (name === next) return renamed;
    await saveKeyRecord(store, renamed);
    for (const session of await listSessions(store)) {
      if (session.keyName !== name || session.state !== 'open') continue;
      await saveSession(store, { ...session, keyName: next });
    }
    for (const change of await listChanges(store)) {
      if (change.keyName !== name || change.state !== 'open') continue;
      await saveChange(store, { ...change, keyName: next });
    }
    for (const request of await listRequests(store)) {
      if (request.keyName !== name || request.state !== 'open') continue;
      await updateRequest(store, request.requestId, (now) => now && { ...now, keyName: next });
    }
    await store.delete(keyPath(name));
    return renamed;
  });
}

/** The record as it would be. @throws as {@link renameKey} */
export async function planRename(context: ClientContext, name: string, wanted: string): Promise<KeyRecord> {
  const next = parseName('key', wanted);
  const renamed = { ...(await loadKeyRecord(context.store, name)), name: next };
  if (name !== next && !(await isBegun(context, renamed))) await assertNameFree(context, next);
  return renamed;
}

/** Whether the same key is there under its new name: whoever renamed it was killed before the old one was gone. */
async function isBegun({ store }: ClientContext, { name, certificate }: KeyRecord): Promise<boolean> {
  const bytes = await store.get(keyPath(name));
  return bytes !== null && equalBytes(parseKeyRecord(keyPath(name), bytes).certificate, certificate);
}
