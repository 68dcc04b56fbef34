import { MAX_POOL } from '@ckm/api';
import type { Clock } from '../../context.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';

/** Unused pairs a key is given back every second, so that a client that lost its own is served again. */
const PER_SECOND = 8;
/** Always granted, whatever was wasted before: nobody is locked out of his key (V70). */
const ALWAYS = 8;
const MOST_KEYS = 4096;

/** Bounds the work that unused commitments cost: asking is cheap, making them is not. */
export interface IssueBudget {
  /** How many of `wanted` may be made now. `needed`: what the request at hand cannot do without. */
  grant(key: ActiveKey, wanted: number, needed: number): number;
  /** Pairs that were used for a signature cost nothing. */
  refund(key: ActiveKey, used: number): void;
}

export function createIssueBudget(clock: Clock): IssueBudget {
  const accounts = new Map<string, { left: number; at: number }>();

  function accountOf({ name }: ActiveKey) {
    const now = clock();
    const known = accounts.get(name) ?? { left: MAX_POOL, at: now };
    accounts.delete(name);
    accounts.set(name, known);
    for (const oldest of accounts.keys()) {
      if (accounts.size <= MOST_KEYS) break;
      accounts.delete(oldest);
    }
    known.left = Math.min(MAX_POOL, known.left + Math.max(0, now - known.at) * PER_SECOND);
    known.at = now;
    return known;
  }

  return {
    grant(key, wanted, needed) {
      const account = accountOf(key);
      const granted = Math.min(wanted, MAX_POOL, Math.max(account.left, ALWAYS, needed));
      account.left = Math.max(0, account.left - granted);
      return granted;
    },
    refund(key, used) {
      const account = accountOf(key);
      account.left = Math.min(MAX_POOL, account.left + used);
    },
  };
}
