import { AvailabilityError } from '@ckm/foundation';
import { SHORT_MESSAGE_BYTES } from './long-messages.js';

/** What a message takes while it is opened and answered is many times its length. */
export interface LongTurns {
  /**
   * Resolves when a message of that length may be opened, with what to call when it is answered. Short ones never wait. Null:
   * nobody waits for the answer any more, and the message has left the line.
   * @param name whose turn it is; names take turns
   * @param left aborted when nobody waits any more
   * @throws AvailabilityError `SERVER_BUSY` when too much waits already: of that name half of what others leave
   */
  enter(name: string, length: number, left?: AbortSignal): Promise<(() => void) | null>;
}

/** How much of long messages there is at once. */
export interface LongTurnLimits {
  /** Bytes in work at the same time; a message that is longer works alone. */
  readonly inWork: number;
  /** Bytes that wait for it, as they came. */
  readonly waiting: number;
  /** Messages that wait for it: each holds a place among those that are being answered. */
  readonly places: number;
}

/**
 * @param longest the longest message there may be, in bytes
 * @param concurrency how many messages may be answered at once, of which short ones need some always
 */
export function longTurnLimits(longest: number, concurrency: number): LongTurnLimits {
  return { inWork: longest / 2, waiting: 16 * longest, places: concurrency / 2 };
}

interface Waiting {
  readonly length: number;
  begin(): void;
}

/** Bounds the memory that long messages take at once: the rest waits as it came, sealed and small. */
export function createLongTurns(limits: LongTurnLimits): LongTurns {
  /** By name, in the order in which names have their turn. */
  const queues = new Map<string, Waiting[]>();
  let inWork = 0;
  let waiting = 0;
  let places = 0;

  /** Half of what others leave, so that one who wants everything leaves something to whoever comes next. */
  function hasRoom(name: string, length: number): boolean {
    const own = queues.get(name) ?? [];
    const bytes = own.reduce((sum, one) => sum + one.length, 0);
    return (
      bytes + length <= (limits.waiting - (waiting - bytes)) / 2 &&
      own.length + 1 <= (limits.places - (places - own.length)) / 2
    );
  }

  const fits = (length: number) => inWork === 0 || inWork + length <= limits.inWork;

  function begin(length: number): () => void {
    inWork += length;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      inWork -= length;
      next();
    };
  }

  /** In strict order: a long one is not kept waiting by shorter ones that fit. */
  function next(): void {
    for (const [name, queue] of queues) {
      const [first] = queue;
      if (first === undefined || !fits(first.length)) return;
      queue.shift();
      queues.delete(name);
      if (queue.length > 0) queues.set(name, queue);
      waiting -= first.length;
      places--;
      first.begin();
      return next();
    }
  }

  /** Its place and its bytes are free, and whoever stood behind it may be let in. */
  function leave(name: string, one: Waiting): void {
    const queue = queues.get(name)!;
    queue.splice(queue.indexOf(one), 1);
    if (queue.length === 0) queues.delete(name);
    waiting -= one.length;
    places--;
    next();
  }

  function stand(name: string, length: number, left: AbortSignal | undefined): Promise<(() => void) | null> {
    return new Promise((resolve) => {
      const goes = () => {
        leave(name, one);
        resolve(null);
      };
      const one: Waiting = {
        length,
        begin: () => {
          left?.removeEventListener('abort', goes);
          resolve(begin(length));
        },
      };
      left?.addEventListener('abort', goes);
      const own = queues.get(name) ?? [];
      own.push(one);
      queues.set(name, own);
      waiting += length;
      places++;
    });
  }

  return {
    async enter(name, length, left) {
      if (length <= SHORT_MESSAGE_BYTES) return () => undefined;
      if (left?.aborted === true) return null;
      if (queues.size === 0 && fits(length)) return begin(length);
      if (!hasRoom(name, length)) throw busy();
      return stand(name, length, left);
    },
  };
}

function busy(): AvailabilityError {
  return new AvailabilityError('the server is busy with long messages', {
    code: 'SERVER_BUSY',
    hint: 'wait a moment, then try again',
  });
}
