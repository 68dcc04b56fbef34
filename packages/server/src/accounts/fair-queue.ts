/** Lets so many work at once, and names take turns: whoever comes often waits behind himself, not before others. */
export interface FairQueue {
  /** Resolves when it is this one's turn, with what to call at the end of the work. */
  enter(name: string): Promise<() => void>;
  /** How many of that name work or wait. */
  count(name: string): number;
}

/** @param limits how many may work at once, of all names together and of one */
export function createFairQueue(limits: { readonly inAll: number; readonly forEach: number }): FairQueue {
  const working = new Map<string, number>();
  /** By name, in the order in which names have their turn. */
  const waiting = new Map<string, (() => void)[]>();
  let inAll = 0;

  const workingOf = (name: string) => working.get(name) ?? 0;
  const mayWork = (name: string) => inAll < limits.inAll && workingOf(name) < limits.forEach;

  function begin(name: string): void {
    working.set(name, workingOf(name) + 1);
    inAll++;
  }

  function end(name: string): void {
    inAll--;
    const left = workingOf(name) - 1;
    if (left === 0) working.delete(name);
    else working.set(name, left);
    next();
  }

  function next(): void {
    for (const [name, queue] of waiting) {
      if (!mayWork(name)) continue;
      waiting.delete(name);
      const go = queue.shift();
      // To the end: every other name has its turn before.
      if (queue.length > 0) waiting.set(name, queue);
      begin(name);
      go?.();
      return;
    }
  }

  return {
    async enter(name) {
      if (mayWork(name)) begin(name);
      else {
        await new Promise<void>((resolve) => {
          waiting.set(name, [...(waiting.get(name) ?? []), resolve]);
        });
      }
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        end(name);
      };
    },
    count: (name) => workingOf(name) + (waiting.get(name)?.length ?? 0),
  };
}
