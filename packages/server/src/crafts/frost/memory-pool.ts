import { MAX_POOL, type NonceCommitment } from '@ckm/api';
import { concatBytes, encodeHex, type Secret } from '@ckm/foundation';
import { commitNonces, discardNonces, type SigningNonces } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';
import type { NoncePool } from './nonce-pool.js';

/** Pairs kept for all keys together; a pair is about a kilobyte. */
const MOST_PAIRS = 16_384;

/** Oldest first, by the commitment published. */
type Shelf = Map<string, Secret<SigningNonces>>;

/**
 * Nonces in memory: they die with the process (N4), so neither a crash nor an old database file can bring one back.
 * For a server that is alone with its database. Each key has its own shelf; the oldest pairs make room, and when all
 * shelves together are full, those of the fullest one.
 */
export function createMemoryPool({ random }: ServerContext, mostPairs = MOST_PAIRS): NoncePool {
  const shelves = new Map<string, Shelf>();
  /** Names this life of the server: part of what every nonce is made from. */
  const instance = random(16);
  let made = 0;
  let kept = 0;

  function drop(shelf: Shelf, count: number): void {
    for (const [name, nonces] of shelf) {
      if (count-- <= 0) return;
      shelf.delete(name);
      discardNonces(nonces);
      kept--;
    }
  }

  return {
    durable: false,
    async issue(_transaction, key, count) {
      if (count === 0) return [];
      const shelf = shelfOf(shelves, key);
      const commitments: NonceCommitment[] = [];
      drop(shelf, shelf.size + count - MAX_POOL);
      if (kept + count > mostPairs) drop(fullest(shelves), Math.max(count, mostPairs / 8));
      for (let i = 0; i < count; i++) {
        const { nonces, commitment } = makeNonces(key, random(64), nonceContext(instance, made++));
        shelf.set(nameOf(commitment), nonces);
        kept++;
        commitments.push({ hiding: commitment.hiding, binding: commitment.binding });
      }
      return commitments;
    },
    async take(_transaction, key, commitments) {
      const shelf = shelves.get(key.name);
      const taken = commitments.map((commitment) => {
        const name = nameOf(commitment);
        const nonces = shelf?.get(name);
        if (shelf?.delete(name) === true) kept--;
        return nonces;
      });
      if (shelf?.size === 0) shelves.delete(key.name);
      const found = taken.filter((nonces) => nonces !== undefined);
      if (found.length === taken.length) return found;
      for (const nonces of found) discardNonces(nonces);
      return null;
    },
    sweep: async () => undefined,
    wipe() {
      const count = kept;
      for (const shelf of shelves.values()) drop(shelf, shelf.size);
      shelves.clear();
      return count;
    },
  };
}

/** Nonces for one share of one key, from 64 fresh bytes hedged with the share (N1). */
export function makeNonces({ share }: ActiveKey, random: Uint8Array, context: Uint8Array) {
  const { party, public: publicKey } = share;
  try {
    return commitNonces({ suite: publicKey.suite, party, share: share.share, random, context });
  } finally {
    random.fill(0);
  }
}

/** Differs for every pair that any life of the server makes: with it even a random source that repeats itself gives others. */
export function nonceContext(instance: Uint8Array, counter: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(counter));
  return concatBytes(instance, bytes);
}

function shelfOf(shelves: Map<string, Shelf>, { name }: ActiveKey): Shelf {
  let shelf = shelves.get(name);
  if (shelf === undefined) shelves.set(name, (shelf = new Map()));
  return shelf;
}

function fullest(shelves: Map<string, Shelf>): Shelf {
  return [...shelves.values()].reduce((most, shelf) => (shelf.size > most.size ? shelf : most));
}

function nameOf({ hiding, binding }: NonceCommitment): string {
  return `${encodeHex(hiding)}/${encodeHex(binding)}`;
}
