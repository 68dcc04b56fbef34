import type { ClientStore } from '@ckm/client';
import type { Fuse } from './fuse.js';

/** The disk of an owner: what survives the client, and can be put back to an earlier state. */
export interface OwnerDisk {
  /** A store of one client on this disk; the client's crash cuts it off. */
  storeFor(fuse: Fuse): ClientStore;
  snapshot(): () => void;
}

export function createOwnerDisk(): OwnerDisk {
  let records = new Map<string, Uint8Array>();
  return {
    snapshot: () => {
      const before = new Map(records);
      return () => {
        records = new Map(before);
      };
    },
    storeFor: (fuse) => {
      const tails = new Map<string, Promise<unknown>>();
      return {
        get: async (path) => {
          fuse.step();
          return records.get(path)?.slice() ?? null;
        },
        put: async (path, bytes) => {
          fuse.step();
          records.set(path, bytes.slice());
          fuse.step();
        },
        delete: async (path) => {
          fuse.step();
          records.delete(path);
          fuse.step();
        },
        list: async (prefix) => {
          fuse.step();
          return [...records.keys()].filter((path) => path.startsWith(`${prefix}/`)).sort();
        },
        exclusive: async (name, work) => {
          fuse.step();
          const before = tails.get(name) ?? Promise.resolve();
          const mine = before.then(work, work);
          tails.set(
            name,
            mine.catch(() => undefined),
          );
          return mine;
        },
      };
    },
  };
}
