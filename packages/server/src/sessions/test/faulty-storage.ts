import type { KeyRow, Reader, Storage } from '../../storage/storage.js';

/** What a machine does at its worst moment. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

/**
 * A storage that loses power around its `nth` transaction from now: `before` its commit, so that nothing of it remains, or
 * `after`, so that everything is stored and nobody was told. It is dead from then on.
 */
export function storageWithPowerCut(storage: Storage, nth: number, when: 'before' | 'after'): Storage {
  let count = 0;
  let dead = false;
  const assertAlive = () => {
    if (dead) throw new PowerCut();
  };
  return {
    ...storage,
    read(work) {
      assertAlive();
      return storage.read(work);
    },
    async transact(work) {
      assertAlive();
      const isLast = ++count === nth;
      const result = await storage.transact(async (transaction) => {
        const done = await work(transaction);
        if (!isLast || when === 'after') return done;
        dead = true;
        throw new PowerCut();
      });
      if (!isLast) return result;
      dead = true;
      throw new PowerCut();
    },
  };
}

/** A storage that lets `between` happen once, before it is used the `nth` time from the moment that it is armed. */
export interface InterruptedStorage {
  readonly wrap: (storage: Storage) => Storage;
  arm(nth: number, between: () => Promise<unknown>): void;
  /** Whether it has happened since. */
  hasHappened(): boolean;
}

export function createInterruptedStorage(): InterruptedStorage {
  let left = 0;
  let between: (() => Promise<unknown>) | null = null;
  const use = async () => {
    if (between === null || --left > 0) return;
    const work = between;
    between = null;
    await work();
  };
  return {
    wrap: (storage) => ({
      ...storage,
      async read(work) {
        await use();
        return storage.read(work);
      },
      async transact(work) {
        await use();
        return storage.transact(work);
      },
    }),
    arm(nth, work) {
      left = nth;
      between = work;
    },
    hasHappened: () => between === null,
  };
}

/** A storage that shows a key as it was until that is held: so PostgreSQL does to who has read it before another commit, and waits for that. */
export interface LateStorage {
  readonly wrap: (storage: Storage) => Storage;
  /** @param row as it was */
  arm(row: KeyRow): void;
}

export function createLateStorage(): LateStorage {
  let late: KeyRow | null = null;
  const find: <R extends Reader>(reader: R) => R['keys']['find'] = (reader) => async (owner, keyId) => {
    const row = await reader.keys.find(owner, keyId);
    return late !== null && row !== null ? late : row;
  };
  return {
    wrap: (storage) => ({
      ...storage,
      read: (work) =>
        storage.read((reader) => work({ ...reader, keys: { ...reader.keys, find: find(reader) } })),
      transact: (work) =>
        storage.transact((transaction) => {
          const hold: typeof transaction.keys.hold = (owner, keyId) => {
            late = null;
            return transaction.keys.hold(owner, keyId);
          };
          return work({ ...transaction, keys: { ...transaction.keys, find: find(transaction), hold } });
        }),
    }),
    arm(row) {
      late = row;
    },
  };
}
