import { MAX_POOL, type NonceCommitment } from '@ckm/api';
import { type Data, encodeData } from '@ckm/gordian';
import { isUnreadable, type RecordStore } from '../../store/record-store.js';
import { readRecord } from '../../store/record-reader.js';

/** Unused commitments of the servers of one key: with them a signature costs one round trip. */
export interface CommitmentPool {
  /** How many unused commitments of that slot are here. */
  size(slot: number): number;
  /** Takes out `count` commitments of each slot for good, or nothing (`null`) when one of them has fewer. */
  take(slots: readonly number[], count: number): ReadonlyMap<number, readonly NonceCommitment[]> | null;
  /** Puts fresh ones in: the answer to a question for `asked` of them, even when it is none. */
  add(slot: number, commitments: readonly NonceCommitment[], asked: number): void;
  /** Forgets a slot's: its server has started anew, or has voided them, and knows none of them. */
  drop(slot: number): void;
  /** How many to ask that slot for now, if `soon` will be taken at once; they count as coming until `add`. */
  ask(slot: number, soon: number): number;
}

/** All pools of a client. */
export interface CommitmentPools {
  /**
   * The pool of one epoch of a key; commitments kept from an earlier process are taken out of the store before it is
   * returned. @param epoch as `epochName` calls it
   */
  open(epoch: string): Promise<CommitmentPool>;
  /** Puts what was not used back into the store. */
  close(): Promise<void>;
}

export const POOL_FOLDER = 'pool';
const FIRST_TARGET = 16;
const LARGEST_TARGET = 256;

/**
 * Commitments live in memory while a client runs. In the store they are only between runs: a pool is deleted there, for
 * good, before the first of it can be sent, so that no commitment is ever sent twice, whatever happens to the process.
 */
export function createCommitmentPools(store: RecordStore): CommitmentPools {
  const pools = new Map<string, Promise<{ pool: CommitmentPool; contents: Contents }>>();
  const openPool = async (id: string) => {
    const contents = await store.exclusive(POOL_FOLDER, () => withdraw(store, id));
    return { contents, pool: createPool(contents) };
  };
  return {
    open: async (id) => {
      const known = pools.get(id) ?? openPool(id);
      pools.set(id, known);
      known.catch(() => pools.delete(id));
      return (await known).pool;
    },
    close: async () => {
      const entries = [...pools];
      pools.clear();
      for (const [id, opening] of entries) {
        const { contents } = await opening;
        await store.exclusive(POOL_FOLDER, () => deposit(store, id, contents));
      }
    },
  };
}

/** By slot, newest last. */
type Contents = Map<number, NonceCommitment[]>;

function createPool(contents: Contents): CommitmentPool {
  let target = FIRST_TARGET;
  const coming = new Map<number, number>();
  const of = (slot: number): NonceCommitment[] => {
    const list = contents.get(slot) ?? [];
    contents.set(slot, list);
    return list;
  };
  return {
    size: (slot) => of(slot).length,
    take: (slots, count) => {
      if (slots.some((slot) => of(slot).length < count)) {
        // Ran dry although it was filled: more signatures are wanted at the same time than it was made for.
        if (slots.every((slot) => contents.has(slot))) target = Math.min(2 * target, LARGEST_TARGET);
        return null;
      }
      return new Map(slots.map((slot) => [slot, of(slot).splice(-count, count)]));
    },
    add: (slot, commitments, asked) => {
      coming.set(slot, (coming.get(slot) ?? 0) - asked);
      const list = of(slot);
      list.push(...commitments);
      if (list.length > MAX_POOL) list.splice(0, list.length - MAX_POOL);
    },
    drop: (slot) => {
      contents.set(slot, []);
    },
    ask: (slot, soon) => {
      const expected = of(slot).length + (coming.get(slot) ?? 0);
      const asked = Math.max(soon, Math.min(target + soon - expected, MAX_POOL));
      coming.set(slot, (coming.get(slot) ?? 0) + asked);
      return asked;
    },
  };
}

/** A pool that cannot be read is no loss to signing. It stays where it is, so that its owner hears of it. */
async function withdraw(store: RecordStore, id: string): Promise<Contents> {
  const path = `${POOL_FOLDER}/${id}`;
  try {
    const bytes = await store.get(path);
    if (bytes === null) return new Map();
    const contents = parsePool(path, bytes);
    await store.delete(path);
    return contents;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.passOver(path, error);
    return new Map();
  }
}

async function deposit(store: RecordStore, id: string, contents: Contents): Promise<void> {
  const path = `${POOL_FOLDER}/${id}`;
  const slots: Data[] = [];
  for (const [slot, commitments] of contents) {
    const kept = commitments.slice(-FIRST_TARGET).map(({ hiding, binding }) => ({ hiding, binding }));
    if (kept.length > 0) slots.push({ slot, commitments: kept });
  }
  // One that could not be read is still there, for its owner to look at.
  const isTaken = (await store.list(POOL_FOLDER)).includes(path);
  if (slots.length > 0 && !isTaken) await store.put(path, encodeData({ version: 1, slots }));
}

/** @throws StorageError `RECORD_FORMAT_UNKNOWN`, `STORE_CORRUPT` */
export function parsePool(path: string, bytes: Uint8Array): Contents {
  const contents: Contents = new Map();
  for (const entry of readRecord(path, bytes).records('slots')) {
    const commitments = entry.records('commitments').map((one) => ({
      hiding: one.bytes('hiding'),
      binding: one.bytes('binding'),
    }));
    contents.set(entry.integer('slot'), commitments);
  }
  return contents;
}
