import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { corrupt, readRecord } from '../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../store/record-store.js';

/** Devices that are to leave the list of a key, of which no server of it has heard yet. */
export interface Unlisting {
  readonly keyId: Uint8Array;
  /** What they are called. */
  readonly names: readonly string[];
}

export const UNLISTING_FOLDER = 'unlisting';
/** Whoever changes such a record has this to himself. Never held while a server is asked. */
const LOCK = 'unlisting';

function unlistingPath(keyId: Uint8Array): string {
  return `${UNLISTING_FOLDER}/${encodeHex(keyId)}`;
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseUnlisting(path: string, bytes: Uint8Array): Unlisting {
  const record = readRecord(path, bytes);
  const names = record.list('names').map((one) => {
    if (typeof one === 'string') return one;
    throw corrupt(path);
  });
  return { keyId: record.bytes('keyId', 32), names };
}

/** Who is still to leave the list of a key. What cannot be read is passed over: the servers judge by the account besides. */
export async function readUnlisting(store: RecordStore, keyId: Uint8Array): Promise<readonly string[]> {
  const path = unlistingPath(keyId);
  try {
    const bytes = await store.get(path);
    return bytes === null ? [] : parseUnlisting(path, bytes).names;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.passOver(path, error);
    return [];
  }
}

/** Notes that a device is to leave the list of a key, or that it has. */
export async function noteUnlisting(
  store: RecordStore,
  keyId: Uint8Array,
  name: string,
  isOpen: boolean,
): Promise<void> {
  await store.exclusive(LOCK, async () => {
    const others = (await readUnlisting(store, keyId)).filter((one) => one !== name);
    const names = isOpen ? [...others, name] : others;
    const path = unlistingPath(keyId);
    if (names.length === 0) await store.delete(path);
    else await store.put(path, encodeData({ version: 1, keyId, names }));
  });
}
