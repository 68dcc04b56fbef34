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

interface Purse {
  left: number;
  at: number;
}

export function createIssueBudget(clock: Clock): IssueBudget {
  const keys = new Map<string, Purse>();
  const accounts = new Map<string, Purse>();

  const pursesOf = ({ owner, name }: ActiveKey) =>
    [
      [purseOf(keys, name, FOR_KEY, clock()), FOR_KEY],
      [purseOf(accounts, encodeHex(owner), FOR_ACCOUNT, clock()), FOR_ACCOUNT],
    ] as const;

  return {
    grant(key, wanted, needed) {
      const purses = pursesOf(key);
      const left = Math.min(...purses.map(([purse]) => purse.left));
      const granted = Math.min(wanted, MAX_POOL, Math.max(left, ALWAYS, needed));
      for (const [purse] of purses) purse.left = Math.max(0, purse.left - granted);
      return granted;
    },
    refund(key, used) {
      for (const [purse, { most }] of pursesOf(key)) purse.left = Math.min(most, purse.left + used);
    },
  };
}

/** Forgets those that were looked at longest ago: a forgotten one is full again. */
function purseOf(
  purses: Map<string, Purse>,
  name: string,
  { most, perSecond }: Allowance,
  now: number,
): Purse {
  const purse = purses.get(name) ?? { left: most, at: now };
  purses.delete(name);
  purses.set(name, purse);
  for (const oldest of purses.keys()) {
    if (purses.size <= MOST_COUNTED) break;
    purses.delete(oldest);
  }
  purse.left = Math.min(most, purse.left + Math.max(0, now - purse.at) * perSecond);
  purse.at = now;
  return purse;
}
