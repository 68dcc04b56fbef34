import type { ClientStore } from '@ckm/client';
import type { CrashPoint } from './crash-point.js';

/** The disk of an owner: what survives the client, and can be put back to an earlier state. */
export interface OwnerDisk {
  /** A store of one client on this disk; the client's crash cuts it off. */
  storeFor(crashPoint: CrashPoint): ClientStore;
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
    storeFor: (crashPoint) => {
      const tails = new Map<string, Promise<unknown>>();
      return {
        get: async (path) => {
          crashPoint.step();
          return records.get(path)?.slice() ?? null;
        },
        put: async (path, bytes) => {
          crashPoint.step();
          records.set(path, bytes.slice());
          crashPoint.step();
        },
        delete: async (path) => {
          crashPoint.step();
          records.delete(path);
          crashPoint.step();
        },
        list: async (prefix) => {
          crashPoint.step();
          return [...records.keys()].filter((path) => path.startsWith(`${prefix}/`)).sort();
        },
        exclusive: async (name, work) => {
          crashPoint.step();
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
