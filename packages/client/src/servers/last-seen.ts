import { encodeData } from '@ckm/gordian';
import { corrupt, readRecord } from '../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../store/record-store.js';

/** When servers last answered, in unix seconds, by their XID in hex. */
export type LastSeen = ReadonlyMap<string, number>;

export const SEEN_FOLDER = 'seen';
const PATH = `${SEEN_FOLDER}/servers`;
/** Nobody needs to know it to the second, and each time that is written waits for the disk. */
const WORTH_WRITING_SECONDS = 60;

/** Nothing where it cannot be read: what it is good for is worth no failure. */
export async function readLastSeen(store: RecordStore): Promise<LastSeen> {
  try {
    const bytes = await store.get(PATH);
    return bytes === null ? new Map() : parseLastSeen(PATH, bytes);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.passOver(PATH, error);
    return new Map();
  }
}

/** Adds what was seen to what was known. */
export async function saveLastSeen(store: RecordStore, seen: LastSeen): Promise<void> {
  const known = await readLastSeen(store);
  const isNew = ([xid, at]: readonly [string, number]) => at >= (known.get(xid) ?? 0) + WORTH_WRITING_SECONDS;
  if (![...seen].some(isNew)) return;
  const servers = [...new Map([...known, ...seen])].map(([xid, at]) => ({ xid, at }));
  await store.put(PATH, encodeData({ version: 1, servers }));
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseLastSeen(path: string, bytes: Uint8Array): LastSeen {
  const servers = readRecord(path, bytes).records('servers');
  const seen = new Map(servers.map((one) => [one.text('xid'), one.integer('at')]));
  if (seen.size !== servers.length) throw corrupt(path);
  return seen;
}
