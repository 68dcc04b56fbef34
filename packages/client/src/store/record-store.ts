import { CkmError } from '@ckm/foundation';
import type { ClientStore } from './client-store.js';
import { openRecord, type RecordKey, sealRecord } from './record-seal.js';

/** A record that is there and cannot be used, in words. */
export interface UnreadableRecord {
  /** Where it lies in the store. */
  readonly path: string;
  readonly error: CkmError;
}

/** Is told of every record that a list has to leave out, once for each path. */
export type OnUnreadable = (record: UnreadableRecord) => void;

/** A store whose records are sealed when they are put and checked when they are got. */
export interface RecordStore extends ClientStore {
  /**
   * The record of that path, opened. @throws StorageError `RECORD_FORMAT_UNKNOWN`, `RECORD_OF_ANOTHER_SEED`, `RECORD_ALTERED`
   */
  get(path: string): Promise<Uint8Array | null>;
  /** Leaves a record out of a list, telling whoever wanted to be told. @throws `error` when nobody does */
  leaveOut(path: string, error: unknown): void;
  /** The same for what is no loss: where nobody wants to be told, a diagnosis still names it. */
  passOver(path: string, error: CkmError): void;
}

/** @param keyOf how to get the key when it is first needed: an empty store needs none */
export function createRecordStore(
  store: ClientStore,
  keyOf: () => Promise<RecordKey>,
  onUnreadable: OnUnreadable | undefined,
): RecordStore {
  const told = new Set<string>();
  const passOver = (path: string, error: CkmError): void => {
    if (told.has(path)) return;
    told.add(path);
    onUnreadable?.({ path, error });
  };
  return {
    get: async (path) => {
      const bytes = await store.get(path);
      return bytes === null ? null : openRecord(await keyOf(), path, bytes);
    },
    put: async (path, bytes) => store.put(path, sealRecord(await keyOf(), path, bytes)),
    delete: (path) => store.delete(path),
    list: (prefix) => store.list(prefix),
    exclusive: (name, work) => store.exclusive(name, work),
    leaveOut: (path, error) => {
      if (!isUnreadable(error) || onUnreadable === undefined) throw error;
      passOver(path, error);
    },
    passOver,
  };
}

const OF_ONE_RECORD: readonly string[] = ['STORE_CORRUPT', 'KEY_CERTIFICATE_INVALID'];

/** Whether an error is about one record, and not about the store: the others can still be read. */
export function isUnreadable(error: unknown): error is CkmError {
  if (!(error instanceof CkmError)) return false;
  return error.code.startsWith('RECORD_') || OF_ONE_RECORD.includes(error.code);
}

/**
 * Every record of a folder that can be read, by path. The others are told of, or thrown where nobody wants to be told.
 * @throws StorageError
 */
export async function listRecords<T>(
  store: RecordStore,
  folder: string,
  parse: (path: string, bytes: Uint8Array) => T,
): Promise<T[]> {
  const records: T[] = [];
  for (const path of await store.list(folder)) {
    try {
      const bytes = await store.get(path);
      if (bytes !== null) records.push(parse(path, bytes));
    } catch (error) {
      store.leaveOut(path, error);
    }
  }
  return records;
}

/** The records of a folder that cannot be read. */
export async function findUnreadable(
  store: RecordStore,
  folder: string,
  parse: (path: string, bytes: Uint8Array) => unknown,
): Promise<UnreadableRecord[]> {
  const unreadable: UnreadableRecord[] = [];
  for (const path of await store.list(folder)) {
    try {
      const bytes = await store.get(path);
      if (bytes !== null) parse(path, bytes);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      unreadable.push({ path, error });
    }
  }
  return unreadable;
}
