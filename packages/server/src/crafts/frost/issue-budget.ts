import { MAX_POOL } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import type { Clock } from '../../context.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';

/** Pairs that are granted at once, and given back every second that passes. */
interface Allowance {
  readonly most: number;
  readonly perSecond: number;
}
const FOR_KEY: Allowance = { most: MAX_POOL, perSecond: 8 };
/** Of all keys of an account together: many keys are not many times the work. */
const FOR_ACCOUNT: Allowance = { most: 4 * MAX_POOL, perSecond: 64 };
/** Always granted, whatever was wasted before: nobody is locked out of his key (V70). */
const ALWAYS = 8;
const MOST_COUNTED = 16_384;

/** Bounds the work that unused commitments cost: asking is cheap, making them is not. */
export interface IssueBudget {
  /** How many of `wanted` may be made now. `needed`: what the request at hand cannot do without. */
  grant(key: ActiveKey, wanted: number, needed: number): number;
  /** Pairs that were used for a signature cost nothing. */
  refund(key: ActiveKey, used: number): void;
}

interface Balance {
  left: number;
  at: number;
}

export function createIssueBudget(clock: Clock): IssueBudget {
  const keys = new Map<string, Balance>();
  const accounts = new Map<string, Balance>();

  const balancesOf = ({ owner, name }: ActiveKey) =>
    [
      [balanceOf(keys, name, FOR_KEY, clock()), FOR_KEY],
      [balanceOf(accounts, encodeHex(owner), FOR_ACCOUNT, clock()), FOR_ACCOUNT],
    ] as const;

  return {
    grant(key, wanted, needed) {
      const balances = balancesOf(key);
      const left = Math.min(...balances.map(([balance]) => balance.left));
      const granted = Math.min(wanted, MAX_POOL, Math.max(left, ALWAYS, needed));
      for (const [balance] of balances) balance.left = Math.max(0, balance.left - granted);
      return granted;
    },
    refund(key, used) {
      for (const [balance, { most }] of balancesOf(key)) balance.left = Math.min(most, balance.left + used);
    },
  };
}

/** Forgets those that were looked at longest ago: a forgotten one is full again. */
function balanceOf(
  balances: Map<string, Balance>,
  name: string,
  { most, perSecond }: Allowance,
  now: number,
): Balance {
  const balance = balances.get(name) ?? { left: most, at: now };
  balances.delete(name);
  balances.set(name, balance);
  for (const oldest of balances.keys()) {
    if (balances.size <= MOST_COUNTED) break;
    balances.delete(oldest);
  }
  balance.left = Math.min(most, balance.left + Math.max(0, now - balance.at) * perSecond);
  balance.at = now;
  return balance;
}
