import { equalBytes, UsageError } from '@ckm/foundation';
import type { ClientStore } from '../store/client-store.js';
import {
  encodeServerRecord,
  parseServerRecord,
  SERVER_FOLDER,
  serverPath,
  type ServerRecord,
} from './server-record.js';

/** Every pinned server, by name. @throws StorageError `STORE_CORRUPT` */
export async function listServerRecords(store: ClientStore): Promise<ServerRecord[]> {
  const records: ServerRecord[] = [];
  for (const path of await store.list(SERVER_FOLDER)) {
    const bytes = await store.get(path);
    if (bytes !== null) records.push(parseServerRecord(path, bytes));
  }
  return records;
}

/** @throws UsageError `SERVER_UNKNOWN`; StorageError `STORE_CORRUPT` */
export async function showServerRecord(store: ClientStore, name: string): Promise<ServerRecord> {
  const bytes = /^[a-z0-9][a-z0-9._-]{0,31}$/.test(name) ? await store.get(serverPath(name)) : null;
  if (bytes === null) throw serverUnknown(name);
  return parseServerRecord(serverPath(name), bytes);
}

/** The pinned server with that XID. @throws UsageError `SERVER_UNKNOWN` */
export async function serverWithXid(
  store: ClientStore,
  xid: Uint8Array,
  name: string,
): Promise<ServerRecord> {
  const found = (await listServerRecords(store)).find((record) => equalBytes(record.xid, xid));
  if (found === undefined) throw serverUnknown(name);
  return found;
}

export async function saveServerRecord(store: ClientStore, record: ServerRecord): Promise<void> {
  await store.put(serverPath(record.name), encodeServerRecord(record));
}

export function serverUnknown(name: string): UsageError {
  return new UsageError(`there is no server ${JSON.stringify(name.slice(0, 40))}`, {
    code: 'SERVER_UNKNOWN',
    hint: 'list your servers, or add it first',
    remedy: { kind: 'listServers' },
  });
}
