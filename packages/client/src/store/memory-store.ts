import type { ClientStore } from './client-store.js';
import { createQueues } from './queues.js';

/** A store that forgets everything with the process: for tests and for a client that only looks. */
export function memoryStore(): ClientStore {
  const records = new Map<string, Uint8Array>();
  return {
    get: async (path) => records.get(path)?.slice() ?? null,
    put: async (path, bytes) => {
      records.set(path, bytes.slice());
    },
    delete: async (path) => {
      records.delete(path);
    },
    list: async (prefix) => [...records.keys()].filter((path) => path.startsWith(`${prefix}/`)).sort(),
    exclusive: createQueues(),
  };
}
