import { encodeHex } from '@ckm/foundation';
import { encodeData, type Xid } from '@ckm/gordian';
import { readRecord } from '../../store/record-reader.js';
import { listRecords, type RecordStore } from '../../store/record-store.js';
import { changeData, readChange, type UnsentChange } from './device-change.js';

/** What one server has not heard yet of the devices of its owner, in the order in which it was decided. */
export interface Unsent {
  readonly server: Uint8Array;
  readonly changes: readonly UnsentChange[];
}

export const UNSENT_FOLDER = 'unsent';
/** Whoever changes such a record has this to himself. Never held while a server is asked. */
const LOCK = 'unsent';

function unsentPath(server: Uint8Array): string {
  return `${UNSENT_FOLDER}/${encodeHex(server)}`;
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseUnsent(path: string, bytes: Uint8Array): Unsent {
  const record = readRecord(path, bytes);
  return {
    server: record.bytes('server', 32),
    changes: record.records('changes').map((one) => readChange(path, one)),
  };
}

/** @throws as `listRecords` */
export async function listUnsent(store: RecordStore): Promise<readonly Unsent[]> {
  return listRecords(store, UNSENT_FOLDER, parseUnsent);
}

/** What a server has not heard; empty: it has heard all. */
export async function unsentAt(store: RecordStore, server: Xid): Promise<readonly UnsentChange[]> {
  const path = unsentPath(server);
  const bytes = await store.get(path);
  return bytes === null ? [] : parseUnsent(path, bytes).changes;
}

/** Changes what a server has not heard; nothing is left of it when that is nothing. */
export async function updateUnsent(
  store: RecordStore,
  server: Xid,
  update: (changes: readonly UnsentChange[]) => readonly UnsentChange[],
): Promise<void> {
  await store.exclusive(LOCK, async () => {
    const changes = update(await unsentAt(store, server));
    const path = unsentPath(server);
    if (changes.length === 0) await store.delete(path);
    else await store.put(path, encodeData({ version: 1, server, changes: changes.map(changeData) }));
  });
}
