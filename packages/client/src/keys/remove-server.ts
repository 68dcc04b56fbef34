import { equalBytes, UsageError } from '@ckm/foundation';
import { CHANGE_FOLDER, listChanges, parseChangeRecord } from './chain/change-record.js';
import { newestParams } from './chain/key-chain.js';
import { KEY_FOLDER, parseListedKey } from './key-record.js';
import { listKeyRecords } from './keys.js';
import { parseSession, SESSION_FOLDER } from '../sessions/session-record.js';
import { listSessions } from '../sessions/sessions.js';
import { findUnreadable, type RecordStore } from '../store/record-store.js';
import { serverPath, type ServerRecord } from '../servers/server-record.js';
import { showServerRecord } from '../servers/servers.js';

/** Forgets a server. Its account there stays. @throws as {@link planRemoval} */
export async function removeServer(store: RecordStore, name: string): Promise<void> {
  await planRemoval(store, name);
  await store.delete(serverPath(name));
}

/**
 * Checks that a server may be forgotten.
 * @throws UsageError `SERVER_UNKNOWN`; `SERVER_IN_USE` when a key, an open session or an open change needs it
 */
export async function planRemoval(store: RecordStore, name: string): Promise<ServerRecord> {
  const server = await showServerRecord(store, name);
  const { xid } = server;
  // Whether a key that cannot be read needs the server, nobody can tell.
  const [unreadable] = [
    ...(await findUnreadable(store, KEY_FOLDER, parseListedKey)),
    ...(await findUnreadable(store, SESSION_FOLDER, parseSession)),
    ...(await findUnreadable(store, CHANGE_FOLDER, parseChangeRecord)),
  ];
  if (unreadable !== undefined) throw unreadable.error;
  const keys = (await listKeyRecords(store)).filter((record) =>
    newestParams(record).roster.some(({ serverId }) => equalBytes(serverId, xid)),
  );
  const begun = [...(await listSessions(store)), ...(await listChanges(store))];
  const making = begun.filter(
    ({ state, servers }) => state === 'open' && servers.some((server) => equalBytes(server.xid, xid)),
  );
  const users = [...new Set([...keys.map((record) => record.name), ...making.map(({ keyName }) => keyName)])];
  if (users.length > 0) {
    throw new UsageError(`server ${name} belongs to ${users.join(', ')}`, {
      code: 'SERVER_IN_USE',
      hint: 'keep it, or first let the key go on without it, or with another in its place',
      ...(keys.length === 0
        ? {}
        : { remedy: { kind: 'removeServer' as const, key: keys[0]!.name, server: name } }),
    });
  }
  return server;
}
