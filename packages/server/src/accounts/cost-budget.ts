import { encodeHex } from '@ckm/foundation';
import { createRateLimiter } from '../turns/rate-limiter.js';
import { tooCostly } from './codes.js';

/** Up to this a message costs what every message costs, and the number of messages bounds it. */
const COUNTED_AS_MESSAGE_MS = 4;
const MINUTE_MS = 60_000;

/** What the work of each account costs in a minute; costs are milliseconds of one core. */
export function createCostBudget(costPerMinute: number, nowMs?: () => number) {
  const spent = createRateLimiter({ count: costPerMinute, perMs: MINUTE_MS }, nowMs);
  return {
    /** @throws PolicyError `QUOTA_COST` with the seconds after which to ask again */
    charge(
      { xid }: { readonly xid: Uint8Array },
      { reading, attempt }: { readonly reading: number; readonly attempt: number },
    ): void {
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
