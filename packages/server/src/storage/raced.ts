import { CkmError } from '@ckm/foundation';

const MOST_RUNS = 6;
const RACED: readonly string[] = ['ROW_CHANGED', 'ROW_EXISTS'];

/**
 * Runs `work` again when somebody else changed the same rows meanwhile (another replica, another message), a few times.
 * `work` reads everything anew each time.
 * @throws StateError `ROW_CHANGED`, `ROW_EXISTS` when it keeps losing
 */
export async function repeatWhenRaced<T>(work: () => Promise<T>): Promise<T> {
  for (let run = 1; ; run++) {
    try {
      return await work();
    } catch (error) {
      if (run === MOST_RUNS || !(error instanceof CkmError) || !RACED.includes(error.code)) throw error;
    }
  }
}
