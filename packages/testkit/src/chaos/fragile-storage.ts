import type { Storage, Transaction } from '@ckm/server/testing';
import type { Fuse } from './fuse.js';

/**
 * A database whose process may crash before a transaction, before any statement of it, before its commit, or after its
 * commit and before anybody is told.
 */
export function fragileStorage(storage: Storage, fuse: Fuse): Storage {
  return {
    ...storage,
    kind: storage.kind,
    read: (work) => {
      fuse.step();
      return storage.read(work);
    },
    transact: async (work) => {
      fuse.step();
      const done = await storage.transact(async (transaction) => {
        const result = await work(withSteps(transaction, fuse));
        fuse.step();
        return result;
      });
      fuse.step();
      return done;
    },
  };
}

/** Each statement is a step; repositories are plain objects of functions. */
function withSteps(transaction: Transaction, fuse: Fuse): Transaction {
  const wrapped = (target: object): object =>
    new Proxy(target, {
      get: (owner, name) => {
        const value: unknown = Reflect.get(owner, name);
        if (typeof value === 'function') {
          return (...args: unknown[]): unknown => {
            fuse.step();
            return Reflect.apply(value, owner, args);
          };
        }
        return typeof value === 'object' && value !== null ? wrapped(value) : value;
      },
    });
  return wrapped(transaction) as Transaction;
}
