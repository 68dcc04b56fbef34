import type { RequestAsk } from '@ckm/api';
import { requestKind } from '@ckm/requests';
import { craftNamed, type Crafts } from '../crafts/craft.js';

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

/** Told from counts alone, before any of the work is done. @throws UsageError `REQUEST_KIND_UNKNOWN` */
export function costOf(crafts: Crafts, { kind, payload, attempt }: RequestAsk): RequestCost {
  return {
    reading: requestKind(kind).cost(payload),
    attempt: attempt === null ? 0 : craftNamed(crafts, attempt.craft).cost(attempt),
  };
}

/** What the work of each account costs in a minute. */
export interface CostBudget {
  /** @throws PolicyError `QUOTA_COST` with the seconds after which to ask again */
  charge(account: { readonly xid: Uint8Array }, cost: RequestCost): void;
}
