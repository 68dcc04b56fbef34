import { CkmError } from '@ckm/foundation';
import { canAsk } from './seat.js';
import type { Terminal } from './terminal.js';

/** How often a question is asked before its answer counts as the last word. */
const MOST_TRIES = 3;

/**
 * Asks again what was mistyped: one slip does not end a dialogue.
 * @param codes errors that another answer may cure
 * @throws the error of the last try, or at once where nobody can be asked
 */
export async function askAgain<T>(
  terminal: Terminal,
  codes: readonly string[],
  ask: () => Promise<T>,
): Promise<T> {
  for (let left = MOST_TRIES - 1; ; left--) {
    try {
      return await ask();
    } catch (error) {
      const isCurable = error instanceof CkmError && codes.includes(error.code);
      if (!isCurable || left === 0 || !canAsk(terminal)) throw error;
      terminal.warn(`  ${error.message}: try again (${left} more)`);
    }
  }
}
