import type { Storage } from '../../storage/storage.js';

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
