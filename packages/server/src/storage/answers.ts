import { CkmError } from '@ckm/foundation';
import type { StorageCode } from './codes.js';
import type { Storage } from './storage.js';

const LIMIT_MS = 1_000;
const KEEP_MS = 1_000;

/** Whether a database can be used. */
export interface StorageHealth {
  /**
   * Why it cannot be used, as a code: it does not answer, or did not take what was written to it last. Null: it can. Asked as
   * often as anybody likes: one question is under way at a time, and its answer serves for a second.
   */
  fault(): Promise<string | null>;
  /** The storage, watched: whether writing to it succeeds is known from then on. */
  readonly storage: Storage;
  /** Resolves when every transaction of this process that is under way now has ended, one way or the other. */
  settled(): Promise<void>;
}

/** What says that a database cannot be written to, rather than that one row cannot. */
const REFUSALS: ReadonlySet<string> = new Set([
  'STORAGE_FULL',
  'STORAGE_FAILED',
  'STORAGE_CORRUPT',
  'STORAGE_CANNOT_OPEN',
  'STORAGE_READ_ONLY',
]);

/** @param limitMs after which no answer is a no */
export function watchStorage(storage: Storage, { limitMs = LIMIT_MS, keepMs = KEEP_MS } = {}): StorageHealth {
  let refusal: string | null = null;
  let last: { readonly at: number; readonly answers: boolean } | null = null;
  let asking: Promise<boolean> | null = null;
  const underWay = new Set<Promise<unknown>>();

  const watched: Storage = {
    ...storage,
    async transact(work) {
      const ends = storage.transact(work);
      underWay.add(ends);
      try {
        const done = await ends;
        refusal = null;
        return done;
      } catch (error) {
        if (error instanceof CkmError && REFUSALS.has(error.code)) refusal = error.code;
        throw error;
      } finally {
        underWay.delete(ends);
      }
    },
  };

  async function ask(): Promise<boolean> {
    try {
      await storage.read(({ meta }) => meta.find(''));
      return true;
    } catch {
      return false;
    }
  }

  return {
    storage: watched,
    settled: async () => void (await Promise.allSettled(underWay)),
    async fault() {
      if (last === null || performance.now() - last.at >= keepMs) {
        asking ??= ask().finally(() => (asking = null));
        const answers = await withinLimit(asking, limitMs);
        last = { at: performance.now(), answers };
      }
      return last.answers ? refusal : ('STORAGE_UNREACHABLE' satisfies StorageCode);
    },
  };
}

async function withinLimit(answer: Promise<boolean>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
