import type { RequestAsk } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { requestKind } from '@ckm/requests';
import type { Account } from '../accounts/accounts.js';
import { tooCostly } from '../accounts/codes.js';
import { createRateLimiter } from '../accounts/rate-limiter.js';
import type { Crafts } from '../crafts/craft.js';

/** What one message is expected to cost, in milliseconds of one core. */
export interface RequestCost {
  /** To read, to describe, to take apart into tasks. */
  readonly reading: number;
  /** To do this server's part of the attempt. */
  readonly attempt: number;
}

/** More than this is read in a thread of its own. */
export const READ_AT_ONCE_MS = 8;
/** More than this is done in slices, outside of any transaction. */
export const ATTEMPT_AT_ONCE_MS = 8;
/** Up to this a message costs what every message costs, and the number of messages bounds it. */
const COUNTED_AS_MESSAGE_MS = 4;
const MINUTE_MS = 60_000;

/** Told from counts alone, before any of the work is done. @throws UsageError `REQUEST_KIND_UNKNOWN` */
export function costOf(crafts: Crafts, { kind, payload, attempt }: RequestAsk): RequestCost {
  return {
    reading: requestKind(kind).cost(payload),
    attempt: attempt === null ? 0 : crafts[attempt.craft].cost(attempt),
  };
}

/** What the work of each account costs in a minute. */
export interface CostBudget {
  /** @throws PolicyError `QUOTA_COST` with the seconds after which to ask again */
  charge(account: Account, cost: RequestCost): void;
}

export function createCostBudget(costPerMinute: number, nowMs?: () => number): CostBudget {
  const spent = createRateLimiter({ count: costPerMinute, perMs: MINUTE_MS }, nowMs);
  return {
    charge({ xid }, { reading, attempt }) {
      const cost = Math.ceil(reading + attempt);
      if (cost <= COUNTED_AS_MESSAGE_MS) return;
      const name = encodeHex(xid);
      if (spent.take(name, cost)) return;
      throw tooCostly({
        costMs: cost,
        limitMs: costPerMinute,
        retryAfterSeconds: Math.ceil(spent.waitMs(name, cost) / 1_000),
      });
    },
  };
}
