import { equalBytes, UsageError } from '@ckm/foundation';
import type { KeyParams } from '@ckm/threshold';
import { didYouMean, nearestRecord } from '../store/nearest-name.js';
import { listRecords, type RecordStore } from '../store/record-store.js';
import { newestParams } from './chain/key-chain.js';
import {
  certifyRecord,
  type CertifiedKey,
  encodeKeyRecord,
  epochName,
  KEY_FOLDER,
  keyPath,
  parseListedKey,
  type KeyRecord,
  parseKeyRecord,
  recertify,
} from './key-record.js';

/** Every key on record that can be read, by name. @throws as {@link listRecords} */
export async function listKeyRecords(store: RecordStore): Promise<KeyRecord[]> {
  return listRecords(store, KEY_FOLDER, parseListedKey);
}

export async function saveKeyRecord(store: RecordStore, record: KeyRecord): Promise<void> {
  await store.put(keyPath(record.name), encodeKeyRecord(record));
}

/** @throws UsageError `KEY_UNKNOWN`; StorageError `STORE_CORRUPT` */
export async function loadKeyRecord(store: RecordStore, name: string): Promise<KeyRecord> {
  return parseKeyRecord(keyPath(name), await getKeyRecord(store, name));
}

/**
 * Puts on record that servers have promised to store their shares of an epoch. The name may have become another key's, and the key
 * may have gone on meanwhile: then it says nothing of what is on record now.
 * @throws UsageError `KEY_UNKNOWN`; StorageError `STORE_CORRUPT`
 */
export async function noteAcknowledged(
  store: RecordStore,
  name: string,
  { keyId, epoch }: Pick<KeyParams, 'keyId' | 'epoch'>,
  slots: readonly number[],
): Promise<void> {
  await store.exclusive('key-names', async () => {
    const record = await loadKeyRecord(store, name);
    const now = newestParams(record);
    if (!equalBytes(now.keyId, keyId) || now.epoch !== epoch) return;
    const acknowledged = [...new Set([...record.acknowledged, ...slots])].sort((a, b) => a - b);
    if (acknowledged.length > record.acknowledged.length)
      await saveKeyRecord(store, { ...record, acknowledged });
  });
}

async function getKeyRecord(store: RecordStore, name: string): Promise<Uint8Array> {
  const path = keyPath(name);
  const bytes = /^[a-z0-9][a-z0-9._-]{0,31}$/.test(name) ? await store.get(path) : null;
  if (bytes === null) throw keyUnknown(name, await nearestRecord(store, KEY_FOLDER, name));
  return bytes;
}

function keyUnknown(name: string, nearest: string | null): UsageError {
  return new UsageError(`there is no key ${JSON.stringify(name.slice(0, 40))}`, {
    code: 'KEY_UNKNOWN',
    hint: `${didYouMean(nearest)}list your keys`,
    remedy: { kind: 'listKeys' },
  });
}

/** Gives a key by its name, its certificate checked. */
export type ReadKey = (name: string) => Promise<CertifiedKey>;

/**
 * Reads the record each time, and checks each certificate once: what was checked is remembered by key id and epoch, never
 * by name, because names are given to other keys, also by other processes. A record that is the same to the last byte as
 * when it was read before is not taken apart again.
 */
export function createKeyReader(store: RecordStore): ReadKey {
  const checked = new Map<string, CertifiedKey>();
  const latest = new Map<string, { readonly bytes: Uint8Array; readonly key: CertifiedKey }>();

  function certify(record: KeyRecord): CertifiedKey {
    for (const known of checked.values()) {
      const again = recertify(known, record);
      if (again !== null) return again;
    }
    const key = certifyRecord(record);
    if (checked.size >= MOST_REMEMBERED) checked.clear();
    checked.set(epochName(key), key);
    return key;
  }

  return async (name) => {
    const bytes = await getKeyRecord(store, name);
    const last = latest.get(name);
    if (last !== undefined && equalBytes(last.bytes, bytes)) return last.key;
    const key = certify(parseKeyRecord(keyPath(name), bytes));
    if (latest.size >= MOST_REMEMBERED) latest.clear();
    latest.set(name, { bytes, key });
    return key;
  };
}

const MOST_REMEMBERED = 64;
