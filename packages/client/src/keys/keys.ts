import { UsageError } from '@ckm/foundation';
import type { ClientStore } from '../store/client-store.js';
import {
  certifyRecord,
  type CertifiedKey,
  encodeKeyRecord,
  KEY_FOLDER,
  keyPath,
  type KeyRecord,
  parseKeyRecord,
} from './key-record.js';

/** Every key on record, by name. @throws StorageError `STORE_CORRUPT` */
export async function listKeyRecords(store: ClientStore): Promise<KeyRecord[]> {
  const records: KeyRecord[] = [];
  for (const path of await store.list(KEY_FOLDER)) {
    const bytes = await store.get(path);
    if (bytes !== null) records.push(parseKeyRecord(path, bytes));
  }
  return records;
}

export async function saveKeyRecord(store: ClientStore, record: KeyRecord): Promise<void> {
  await store.put(keyPath(record.name), encodeKeyRecord(record));
}

/** @throws UsageError `KEY_UNKNOWN`; StorageError `STORE_CORRUPT` */
export async function loadKeyRecord(store: ClientStore, name: string): Promise<KeyRecord> {
  const path = keyPath(name);
  const bytes = /^[a-z0-9][a-z0-9._-]{0,31}$/.test(name) ? await store.get(path) : null;
  if (bytes === null) {
    throw new UsageError(`there is no key ${JSON.stringify(name.slice(0, 40))}`, {
      code: 'KEY_UNKNOWN',
      hint: 'list your keys',
      remedy: { kind: 'listKeys' },
    });
  }
  return parseKeyRecord(path, bytes);
}

/** Gives a key by its name. */
export interface KeyShelf {
  (name: string): Promise<CertifiedKey>;
  /** The record of that name is gone or another. */
  forget(name: string): void;
}

/**
 * Keys whose certificates this process has checked, so that each is checked once. One that is not complete is read
 * again each time: another process may have completed it.
 */
export function createKeyShelf(store: ClientStore): KeyShelf {
  const shelf = new Map<string, Promise<CertifiedKey>>();
  const load = async (name: string) => certifyRecord(await loadKeyRecord(store, name));
  const take = async (name: string): Promise<CertifiedKey> => {
    const known = shelf.get(name) ?? load(name);
    shelf.set(name, known);
    known.catch(() => shelf.delete(name));
    const key = await known;
    if (!key.isComplete) shelf.delete(name);
    return key;
  };
  return Object.assign(take, { forget: (name: string) => void shelf.delete(name) });
}
