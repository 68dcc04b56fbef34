import { CANCELLED_BY_OWNER } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { RefusedSettling, Settling } from '../change-record.js';

/** For how long an order stays taken back that its owner took back, whichever of his clients gives it again. Seconds. */
const CANCEL_LASTS = 604_800;
/** Of those at most so many are remembered, the newest. */
const MOST_CANCELLED = 32;

/**
 * The orders to settle one fork that begin anew for nobody: what the operator refused, as long as that fork is; what the owner took back, for a week. An order of
 * another choice in between, which takes the place of an order, changes nothing about them.
 * @param now UnixSeconds
 */
export function refusedOrders(settling: Settling | null, now: number): readonly RefusedSettling[] {
  if (settling === null) return [];
  const { refused = [] } = settling;
  const own = refusalIn(settling);
  const others = refused.filter(({ hash }) => own === null || !equalBytes(hash, own.hash));
  const all = (own === null ? others : [...others, own]).filter((one) => isRefused(one, now));
  const cancelled = all.filter(({ operator }) => operator === null).slice(-MOST_CANCELLED);
  return all.filter((one) => one.operator === 'no' || cancelled.includes(one));
}

function refusalIn({ hash, operator, over, overAt }: Settling): RefusedSettling | null {
  if (operator === 'no') return { hash, operator, over: over ?? '', overAt: null };
  if (over !== CANCELLED_BY_OWNER || overAt === undefined) return null;
  return { hash, operator: null, over, overAt };
}

/** A clock that was ahead when it was taken back does not keep it refused for longer than that. */
function isRefused({ overAt }: RefusedSettling, now: number): boolean {
  return overAt === null || (now >= overAt && now < overAt + CANCEL_LASTS);
}
