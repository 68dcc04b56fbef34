import { equalBytes, UsageError } from '@ckm/foundation';
import { parseCertificate } from '@ckm/threshold';
import { listKeyRecords } from '../keys/keys.js';
import { listSessions } from '../sessions/sessions.js';
import type { ClientStore } from '../store/client-store.js';
import { serverPath } from './server-record.js';
import { showServerRecord } from './servers.js';

/**
 * Forgets a server. Its account there stays.
 * @throws UsageError `SERVER_UNKNOWN`; `SERVER_IN_USE` when a key or an open session needs it
 */
export async function removeServer(store: ClientStore, name: string): Promise<void> {
  const { xid } = await showServerRecord(store, name);
  const keys = (await listKeyRecords(store)).filter((record) =>
    parseCertificate(record.certificate).params.roster.some(({ serverId }) => equalBytes(serverId, xid)),
  );
  const making = (await listSessions(store)).filter(
    (one) =>
      one.kind === 'dkg' && one.state === 'open' && one.servers.some((server) => equalBytes(server.xid, xid)),
  );
  const users = [...keys.map((record) => record.name), ...making.map(({ keyName }) => keyName)];
  if (users.length > 0) {
    throw new UsageError(`server ${name} belongs to ${users.join(', ')}`, {
      code: 'SERVER_IN_USE',
      hint: 'keep it: without it the key has one server less',
    });
  }
  await store.delete(serverPath(name));
}
