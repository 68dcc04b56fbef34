import { CANCELLED_BY_OWNER } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { RefusedSettling, Settling } from '../change-record.js';

/** For how long an order stays taken back that its owner took back, whichever of his clients gives it again; and a no that leaves a server stopped. Seconds. */
const REFUSED_FOR = 604_800;
/** Of those at most so many are remembered, the newest. */
const MOST_CANCELLED = 32;

/** An order for which votes are shown. */
interface ShownOrder {
  readonly hash: Uint8Array;
  /** Whether this server is stopped in the forked epoch, and has not voted: what its operator refused was the order alone, since a no to votes ends that stop. */
  readonly isStoppedIn: boolean;
}

/**
 * The orders to settle one fork that begin anew for nobody: what the operator refused, as long as that fork is; what the owner took back, for a week. An order of
 * another choice in between, which takes the place of an order, changes nothing about them.
 * @param now UnixSeconds
 * @param shown Where this server has voted itself, which stops it, a no to that is one for a week: by the other certificate it answers nothing any more.
 * Left out: none is
 */
export function refusedOrders(
  settling: Settling | null,
  now: number,
  shown: ShownOrder | null = null,
): readonly RefusedSettling[] {
  if (settling === null) return [];
  const { refused = [], member } = settling;
  const own = refusalIn(settling);
  const others = refused.filter(({ hash }) => own === null || !equalBytes(hash, own.hash));
  const isShown = ({ hash }: RefusedSettling) => shown !== null && equalBytes(hash, shown.hash);
  const stays = (one: RefusedSettling) => {
    if (one.operator === null || !isShown(one)) return one.operator === 'no' || isOfThisWeek(one, now);
    return member === null ? shown?.isStoppedIn !== true : isOfThisWeek(one, now);
  };
  const all = (own === null ? others : [...others, own]).filter(stays);
  const cancelled = all.filter(({ operator }) => operator === null).slice(-MOST_CANCELLED);
  return all.filter((one) => one.operator === 'no' || cancelled.includes(one));
}

function refusalIn({ hash, operator, over, overAt }: Settling): RefusedSettling | null {
  if (operator === 'no') return { hash, operator, over: over ?? '', overAt: overAt ?? null };
  if (over !== CANCELLED_BY_OWNER || overAt === undefined) return null;
  return { hash, operator: null, over, overAt };
}

/** A clock that was ahead then does not keep it refused for longer than that. */
function isOfThisWeek({ overAt }: RefusedSettling, now: number): boolean {
  return overAt !== null && now >= overAt && now < overAt + REFUSED_FOR;
}
