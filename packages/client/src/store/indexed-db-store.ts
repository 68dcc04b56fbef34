import { StorageError } from '@ckm/foundation';
import type { ClientStore } from './client-store.js';
import { createQueues } from './queues.js';

const TABLE = 'records';

/**
 * A store in the browser's IndexedDB, one database for each `name`. Writes ask for strict durability.
 * `exclusive` reaches across tabs where the browser has Web Locks, else only within this one.
 */
export async function indexedDbStore(name = 'ckm'): Promise<ClientStore> {
  const database = await openDatabase(name);
  const within = createQueues();
  const read = <T>(ask: (table: IDBObjectStore) => IDBRequest<T>) =>
    settled(ask(tableOf(database, 'readonly')));
  const write = async (change: (table: IDBObjectStore) => IDBRequest) => {
    const table = tableOf(database, 'readwrite');
    const done = finished(table.transaction);
    change(table);
    await done;
  };
  return {
    get: async (path) => ((await read((table) => table.get(path))) as Uint8Array | undefined) ?? null,
    put: (path, bytes) => write((table) => table.put(bytes.slice(), path)),
    delete: (path) => write((table) => table.delete(path)),
    list: async (prefix) => {
      const below = IDBKeyRange.bound(`${prefix}/`, `${prefix}0`, false, true);
      return (await read((table) => table.getAllKeys(below))).map(String).sort();
    },
    exclusive: (lock, work) =>
      'locks' in navigator ? navigator.locks.request(`${name}/${lock}`, work) : within(lock, work),
  };
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.addEventListener('upgradeneeded', () => {
    request.result.createObjectStore(TABLE);
  });
  return settled(request);
}

function tableOf(database: IDBDatabase, mode: IDBTransactionMode): IDBObjectStore {
  return database.transaction(TABLE, mode, { durability: 'strict' }).objectStore(TABLE);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => {
      resolve(request.result);
    });
    request.addEventListener('error', () => {
      reject(refused(request.error));
    });
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => {
      resolve();
    });
    transaction.addEventListener('abort', () => {
      reject(refused(transaction.error));
    });
  });
}

function refused(cause: unknown): StorageError {
  return new StorageError('the browser refused to store or read', {
    code: 'STORE_UNAVAILABLE',
    hint: 'free some space, and allow this site to keep data',
    cause,
  });
}
