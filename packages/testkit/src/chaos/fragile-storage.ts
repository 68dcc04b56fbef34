import type { Storage, Transaction } from '@ckm/server/testing';
import type { CrashPoint } from './crash-point.js';

/**
 * A database whose process may crash before a transaction, before any statement of it, before its commit, or after its
 * commit and before anybody is told.
 */
export function fragileStorage(storage: Storage, crashPoint: CrashPoint): Storage {
  return {
    ...storage,
    kind: storage.kind,
    read: (work) => {
      crashPoint.step();
      return storage.read(work);
    },
    transact: async (work) => {
      crashPoint.step();
      const done = await storage.transact(async (transaction) => {
        const result = await work(withSteps(transaction, crashPoint));
        crashPoint.step();
        return result;
      });
      crashPoint.step();
      return done;
    },
  };
}

/** Each statement is a step; repositories are plain objects of functions. */
function withSteps(transaction: Transaction, crashPoint: CrashPoint): Transaction {
  const wrapped = (target: object): object =>
    new Proxy(target, {
      get: (owner, name) => {
        const value: unknown = Reflect.get(owner, name);
        if (typeof value === 'function') {
          return (...args: unknown[]): unknown => {
            crashPoint.step();
            return Reflect.apply(value, owner, args);
          };
        }
        return typeof value === 'object' && value !== null ? wrapped(value) : value;
      },
    });
  return wrapped(transaction) as Transaction;
}
