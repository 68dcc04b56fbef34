/** A queue that one reader waits at. */
export interface Inbox<T> {
  push(item: T): void;
  /** The next item, or `null` when none has come within `patienceMs`. */
  next(patienceMs: number): Promise<T | null>;
}

export function createInbox<T>(): Inbox<T> {
  const items: T[] = [];
  let wake: (() => void) | null = null;
  return {
    push(item) {
      items.push(item);
      wake?.();
    },
    async next(patienceMs) {
      if (items.length === 0) {
        await new Promise<void>((resolve) => {
          const alarm = setTimeout(resolve, patienceMs);
          wake = () => {
            clearTimeout(alarm);
            resolve();
          };
        });
        wake = null;
      }
      return items.shift() ?? null;
    },
  };
}
