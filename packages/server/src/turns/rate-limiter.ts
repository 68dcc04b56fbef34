/** Counts in memory: what a process that restarts may forget. */
export interface RateLimiter {
  /** Takes one place, or so many at once; false, and none taken, when there are not as many left. */
  take(name: string, places?: number): boolean;
  /** Puts back so many that were taken. */
  giveBack(name: string, places: number): void;
  /** Milliseconds until so many are left; infinite for more than there ever are. */
  waitMs(name: string, places?: number): number;
}

const MAX_NAMES = 20_000;

/**
 * At most `count` in every `perMs`, for each name: a bucket that fills evenly, so that no burst doubles it at the turn of
 * a window. With more names than it remembers, the one that was quiet longest is forgotten.
 * @param nowMs a clock that never runs backwards, in milliseconds.
 */
export function createRateLimiter(
  limit: { readonly count: number; readonly perMs: number },
  nowMs: () => number = () => performance.now(),
): RateLimiter {
  const { count, perMs } = limit;
  // For each name the moment at which its bucket will be full again (generic cell rate algorithm).
  const fullAt = new Map<string, number>();
  const cost = perMs / count;
  // What adding fractions of milliseconds rounds up must not cost a place: a thousandth of one is given away.
  const most = perMs + cost / 1_000;
  return {
    take: (name, places = 1) => {
      const now = nowMs();
      const next = Math.max(fullAt.get(name) ?? 0, now) + cost * places;
      if (next - now > most) return false;
      fullAt.delete(name);
      if (fullAt.size >= MAX_NAMES) forgetOldest(fullAt);
      fullAt.set(name, next);
      return true;
    },
    giveBack: (name, places) => {
      const full = fullAt.get(name);
      if (full !== undefined) fullAt.set(name, full - cost * places);
    },
    waitMs: (name, places = 1) => {
      if (places > count) return Number.POSITIVE_INFINITY;
      const now = nowMs();
      const filled = Math.max(fullAt.get(name) ?? 0, now) + cost * places - now;
      return filled > most ? filled - perMs : 0;
    },
  };
}

function forgetOldest(names: Map<string, number>): void {
  const [oldest] = names.keys();
  if (oldest !== undefined) names.delete(oldest);
}
