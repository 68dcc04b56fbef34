import { MAX_POOL, type NonceCommitment } from '@ckm/api';
import { concatBytes, encodeHex, type Secret } from '@ckm/foundation';
import { commitNonces, discardNonces, type SigningNonces } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';

/**
 * The unused nonces of this server's keys, in the memory of this process and nowhere else (N4): they die with it, and no
 * database, copy of one or other replica can bring one back. One commitment is good for one signature share (N3):
 * whatever is taken is gone before the share is computed. A commitment that another process published is not known here.
 */
export interface NoncePool {
  /** Makes `count` pairs of nonces, or fewer where the account has no room for more, and keeps them. */
  issue(key: ActiveKey, count: number): readonly NonceCommitment[];
  /**
   * Takes the nonces behind these commitments out for good, in order. Null when any of them is unknown, used before or
   * of another process; the others are consumed all the same (N10).
   */
  take(key: ActiveKey, commitments: readonly NonceCommitment[]): readonly Secret<SigningNonces>[] | null;
  /** Forgets pairs of keys that nobody has asked for in a week; called every few seconds. */
  sweep(): void;
  /** Overwrites everything; what was published is void. Returns how many pairs that was. */
  wipe(): number;
}

/** How many pairs are kept. A pair is about a kilobyte. */
export interface PoolLimits {
  /** For one account, all its keys together. */
  readonly forEach: number;
  /** For all accounts together. One account may have half of what the others leave of it. */
  readonly inAll: number;
  /** An account has room for so many, whatever others keep. */
  readonly always: number;
}

const LIMITS: PoolLimits = { forEach: 4 * MAX_POOL, inAll: 65_536, always: 32 };
const IDLE_SECONDS = 604_800;

/** Of one key in one epoch: oldest first, by the commitment published. */
interface KeyPairs {
  readonly pairs: Map<string, Secret<SigningNonces>>;
  /** UnixSeconds. */
  usedAt: number;
  /** How often the nonces of its key had been voided, as this process has last heard. */
  voided: number;
}

interface AccountPairs {
  readonly keys: Map<string, KeyPairs>;
  /** Pairs of all its keys. */
  kept: number;
}

/**
 * Bounds hold for each key and each account by itself: to make room for an account only its own oldest pairs go, never
 * somebody else's. Who asks for more than there is room for is given fewer.
 */
export function createNoncePool(
  { random, clock }: Pick<ServerContext, 'random' | 'clock'>,
  limits: PoolLimits = LIMITS,
): NoncePool {
  const accounts = new Map<string, AccountPairs>();
  /** Names this process: part of what every nonce is made from. */
  const instance = random(16);
  let made = 0;
  let kept = 0;

  function count(account: AccountPairs, more: number): void {
    account.kept += more;
    kept += more;
  }

  function drop(account: AccountPairs, { pairs }: KeyPairs, most: number): void {
    let left = most;
    for (const [name, nonces] of pairs) {
      if (left-- <= 0) return;
      pairs.delete(name);
      discardNonces(nonces);
      count(account, -1);
    }
  }

  function roomFor(account: AccountPairs): number {
    const left = limits.inAll - (kept - account.kept);
    return Math.min(limits.forEach, Math.max(limits.always, left >> 1));
  }

  function makeRoom(account: AccountPairs, own: KeyPairs, coming: number): void {
    drop(account, own, own.pairs.size + coming - MAX_POOL);
    const room = roomFor(account) - coming;
    while (account.kept > room) {
      const fullest = [...account.keys.values()].reduce((most, one) =>
        one.pairs.size > most.pairs.size ? one : most,
      );
      drop(account, fullest, Math.min(account.kept - room, Math.max(1, fullest.pairs.size >> 1)));
    }
  }

  /** Those of a key; without the ones that were voided, at whichever replica, since they were published. */
  function find(key: ActiveKey) {
    const found = pairsOf(accounts, key, clock());
    const { account, own } = found;
    if (own.voided !== key.voided) {
      drop(account, own, own.pairs.size);
      own.voided = key.voided;
    }
    return found;
  }

  return {
    issue(key, wanted) {
      const { account, own } = find(key);
      const granted = Math.min(wanted, MAX_POOL, roomFor(account));
      makeRoom(account, own, granted);
      return Array.from({ length: granted }, () => {
        const { nonces, commitment } = makeNonces(key, random(64), nonceContext(instance, made++));
        own.pairs.set(nameOf(commitment), nonces);
        count(account, 1);
        return { hiding: commitment.hiding, binding: commitment.binding };
      });
    },
    take(key, commitments) {
      const { account, own } = find(key);
      const taken = commitments.map((commitment) => {
        const name = nameOf(commitment);
        const nonces = own.pairs.get(name);
        if (own.pairs.delete(name)) count(account, -1);
        return nonces;
      });
      const found = taken.filter((nonces) => nonces !== undefined);
      if (found.length === taken.length) return found;
      for (const nonces of found) discardNonces(nonces);
      return null;
    },
    sweep() {
      const until = clock() - IDLE_SECONDS;
      for (const [owner, account] of accounts) {
        for (const [name, own] of account.keys) {
          if (own.usedAt > until && own.pairs.size > 0) continue;
          drop(account, own, own.pairs.size);
          account.keys.delete(name);
        }
        if (account.keys.size === 0) accounts.delete(owner);
      }
    },
    wipe() {
      const voided = kept;
      for (const account of accounts.values()) {
        for (const own of account.keys.values()) drop(account, own, own.pairs.size);
      }
      accounts.clear();
      return voided;
    },
  };
}

function pairsOf(accounts: Map<string, AccountPairs>, { owner, name }: ActiveKey, now: number) {
  const ownerName = encodeHex(owner);
  const account = accounts.get(ownerName) ?? { keys: new Map<string, KeyPairs>(), kept: 0 };
  accounts.set(ownerName, account);
  const own = account.keys.get(name) ?? {
    pairs: new Map<string, Secret<SigningNonces>>(),
    usedAt: 0,
    voided: 0,
  };
  account.keys.set(name, own);
  own.usedAt = now;
  return { account, own };
}

/** Nonces for one share of one key, from 64 fresh bytes hedged with the share (N1). */
function makeNonces({ share }: ActiveKey, random: Uint8Array, context: Uint8Array) {
  const { party, public: publicKey } = share;
  try {
    return commitNonces({ suite: publicKey.suite, party, share: share.share, random, context });
  } finally {
    random.fill(0);
  }
}

/** Differs for every pair that any process makes: with it even a random source that repeats itself gives others. */
function nonceContext(instance: Uint8Array, counter: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(counter));
  return concatBytes(instance, bytes);
}

function nameOf({ hiding, binding }: NonceCommitment): string {
  return `${encodeHex(hiding)}/${encodeHex(binding)}`;
}
