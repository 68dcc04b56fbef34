/** Lets so many work at once, and names take turns: whoever comes often waits behind himself, not before others. */
export interface FairQueue {
  /** Resolves when it is this one's turn, with what to call at the end of the work. */
  enter(name: string): Promise<() => void>;
  /** How many of that name work or wait. */
  count(name: string): number;
  /**
   * How many of that name may work or wait where there is room for so many of all names: half of what the others leave, so
   * that a few who want everything leave something to whoever comes next.
   */
  roomFor(name: string, places: number): number;
}

/** How many may work at once. */
export interface QueueLimits {
  /** Of all names together. */
  readonly inAll: number;
  /** Of one name. */
  readonly forEach: number;
  /** Of one name, whatever others do. Default: none. */
  readonly always?: number;
}

export function createFairQueue(limits: QueueLimits): FairQueue {
  const always = limits.always ?? 0;
  const working = new Map<string, number>();
  /** By name, in the order in which names have their turn. */
  const waiting = new Map<string, (() => void)[]>();
  let inAll = 0;
  let waitingInAll = 0;

  const workingOf = (name: string) => working.get(name) ?? 0;
  const mayWork = (name: string) => {
    const own = workingOf(name);
    return own < always || (inAll < limits.inAll && own < limits.forEach);
  };
  const count = (name: string) => workingOf(name) + (waiting.get(name)?.length ?? 0);

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
      waitingInAll--;
      begin(name);
      go?.();
      // The end of one may let in two: in the place that is free, and one who has none in work.
      return next();
    }
  }

  return {
    async enter(name) {
      if (mayWork(name)) begin(name);
      else {
        await new Promise<void>((resolve) => {
          waiting.set(name, [...(waiting.get(name) ?? []), resolve]);
          waitingInAll++;
        });
      }
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        end(name);
      };
    },
    count,
    roomFor: (name, places) => Math.max(1, (places - (inAll + waitingInAll - count(name))) >> 1),
  };
}
