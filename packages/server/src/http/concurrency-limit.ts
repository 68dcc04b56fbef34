/** A number of places, of which nobody can have all. */
export interface ConcurrencyLimit {
  /** Takes one; false when none is left for that name. Whoever took one leaves it. */
  take(name: string): boolean;
  leave(name: string): void;
}

/** @param limits places for all names together, and for one of them. */
export function createConcurrencyLimit(limits: {
  readonly inAll: number;
  readonly forEach: number;
}): ConcurrencyLimit {
  const taken = new Map<string, number>();
  let inAll = 0;
  return {
    take: (name) => {
      const own = taken.get(name) ?? 0;
      if (inAll >= limits.inAll || own >= limits.forEach) return false;
      taken.set(name, own + 1);
      inAll++;
      return true;
    },
    leave: (name) => {
      const own = taken.get(name) ?? 0;
      if (own === 0) return;
      if (own === 1) taken.delete(name);
      else taken.set(name, own - 1);
      inAll--;
    },
  };
}
