import { equalBytes, UsageError } from '@ckm/foundation';
import { didYouMean, nearestRecord } from '../store/nearest-name.js';
import { listRecords, type RecordStore } from '../store/record-store.js';
import {
  encodeServerRecord,
  parseServerRecord,
  SERVER_FOLDER,
  serverPath,
  type ServerRecord,
} from './server-record.js';

/** Every pinned server whose record can be read, by name. @throws as {@link listRecords} */
export async function listServerRecords(store: RecordStore): Promise<ServerRecord[]> {
  return listRecords(store, SERVER_FOLDER, parseServerRecord);
}

/** @throws UsageError `SERVER_UNKNOWN`; StorageError `STORE_CORRUPT` */
export async function showServerRecord(store: RecordStore, name: string): Promise<ServerRecord> {
  const bytes = /^[a-z0-9][a-z0-9._-]{0,31}$/.test(name) ? await store.get(serverPath(name)) : null;
  if (bytes === null) throw serverUnknown(name, await nearestRecord(store, SERVER_FOLDER, name));
  return parseServerRecord(serverPath(name), bytes);
}

/** The pinned server with that XID. @throws UsageError `SERVER_UNKNOWN` */
export async function serverWithXid(
  store: RecordStore,
  xid: Uint8Array,
  name: string,
): Promise<ServerRecord> {
  const found = (await listServerRecords(store)).find((record) => equalBytes(record.xid, xid));
  if (found === undefined) throw serverUnknown(name);
  return found;
}

export async function saveServerRecord(store: RecordStore, record: ServerRecord): Promise<void> {
  await store.put(serverPath(record.name), encodeServerRecord(record));
}

/** @param nearest the name that was probably meant, if there is one */
export function serverUnknown(name: string, nearest: string | null = null): UsageError {
  return new UsageError(`there is no server ${JSON.stringify(name.slice(0, 40))}`, {
    code: 'SERVER_UNKNOWN',
    hint: `${didYouMean(nearest)}list your servers, or add it first`,
    remedy: { kind: 'listServers' },
  });
}
