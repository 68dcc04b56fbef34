/** A clock that a test sets forward, for the servers of its process and for the commands that it calls. */
export interface MovedClock {
  /** Milliseconds since 1970, as servers go by it. */
  now(): number;
  /** By how much it is ahead of that of the machine. */
  aheadMs(): number;
  /** Servers that run while time passes: only what they look at is counted. */
  readonly servers: Set<{ sweep(): Promise<void> }>;
  /** Days go by, while all of them run. */
  pass(days: number): Promise<void>;
}

/** Servers count no gap that is longer than twenty minutes. */
const LOOK_MS = 1_150_000;

export function createMovedClock(): MovedClock {
  const servers = new Set<{ sweep(): Promise<void> }>();
  let aheadMs = 0;
  return {
    now: () => Date.now() + aheadMs,
    aheadMs: () => aheadMs,
    servers,
    pass: async (days) => {
      const until = aheadMs + days * 86_400_000;
      while (aheadMs < until) {
        aheadMs = Math.min(until, aheadMs + LOOK_MS);
        for (const server of servers) await server.sweep();
      }
    },
  };
}
