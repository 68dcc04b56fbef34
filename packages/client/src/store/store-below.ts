import type { ClientStore } from './client-store.js';

/** A part of a store that counts as one of its own: everything in it lies below a folder. */
export function storeBelow(store: ClientStore, folder: string): ClientStore {
  const below = (path: string) => `${folder}/${path}`;
  return {
    get: (path) => store.get(below(path)),
    put: (path, bytes) => store.put(below(path), bytes),
    delete: (path) => store.delete(below(path)),
    list: async (prefix) => {
      const paths = await store.list(below(prefix));
      return paths.map((path) => path.slice(folder.length + 1));
    },
    exclusive: (name, work) => store.exclusive(`${folder.replaceAll('/', '-')}-${name}`, work),
  };
}
