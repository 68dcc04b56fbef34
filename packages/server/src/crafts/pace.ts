/** Gives the event loop back, and resolves when it is this work's turn again. */
export type Pause = () => Promise<void>;

/** Cuts long work into slices. */
export interface Pace {
  /** For work of one account. */
  of(account: string): Pause;
}

/** Work goes on for so long before it pauses. */
const SLICE_MS = 4;

/**
 * In every turn of the event loop one slice of long work is done, whoever has how much of it, and accounts take turns: what
 * is short is never behind more than one slice.
 */
export function createPace(): Pace {
  const waiting = new Map<string, (() => void)[]>();
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || waiting.size === 0) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      for (const [account, queue] of waiting) {
        waiting.delete(account);
        const goOn = queue.shift();
        if (queue.length > 0) waiting.set(account, queue);
        goOn?.();
        break;
      }
      schedule();
    });
  }

  return {
    of: (account) => () =>
      new Promise<void>((resolve) => {
        waiting.set(account, [...(waiting.get(account) ?? []), resolve]);
        schedule();
      }),
  };
}

/** Calls `pause` whenever a slice is over. */
export function inSlices(pause: Pause): Pause {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < SLICE_MS) return;
    await pause();
    began = performance.now();
  };
}
