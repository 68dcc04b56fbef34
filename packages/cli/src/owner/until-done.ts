import { CkmError } from '@ckm/foundation';
import { setTimeout } from 'node:timers/promises';
import { unixNow } from '../terminal/instant.js';
import type { Progress } from '../terminal/progress.js';
import type { Terminal } from '../terminal/terminal.js';

export interface WaitFlag {
  /** How many seconds; true: however long it takes. */
  readonly wait?: true | number;
}

const PAUSE_MS = 10_000;
/** What time or somebody else's answer cures. */
const CURABLE: readonly string[] = ['SERVERS_MISSING', 'CHANGE_WAITING', 'CHANGE_VOTES_TOO_FEW'];

/**
 * Does something that goes on where it was each time, until it is done. Without `wait` once; else again for what time or somebody
 * else's answer cures, which is said whenever it is another thing. Leaving ends it.
 */
export async function untilDone<T>(
  terminal: Terminal,
  progress: Progress,
  { wait = 0 }: WaitFlag,
  once: () => Promise<T>,
): Promise<T> {
  const { left } = progress;
  const until = wait === true ? Number.POSITIVE_INFINITY : unixNow() + wait;
  let said = '';
  for (;;) {
    try {
      return await once();
    } catch (error) {
      const isCurable = error instanceof CkmError && CURABLE.includes(error.code);
      if (!isCurable || unixNow() >= until || left.aborted) throw error;
      if (error.message !== said) {
        progress.end();
        terminal.talk(`  ${error.message}`);
      }
      said = error.message;
      await setTimeout(PAUSE_MS, undefined, { signal: left }).catch(() => undefined);
      if (left.aborted) throw error;
    }
  }
}
