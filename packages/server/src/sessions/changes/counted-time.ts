import { equalBytes } from '@ckm/foundation';
import type { StoredOrder } from './change-record.js';

/** The clock by which a delay is counted, and whose it is. */
export interface Counting {
  /** UnixSeconds; within one process it follows no clock that jumps (`clock.ts`). */
  readonly now: number;
  /** 16 bytes: names the process. */
  readonly process: Uint8Array;
}

type Counted = Pick<StoredOrder, 'counted' | 'countedSince' | 'process'>;

/** What is counted is stored at least this often. Seconds. */
const TICK = 600;
/** More than that between two looks is a machine that slept, or a clock that was moved: it counts nothing. Seconds. */
const LONGEST = 3_600;

/**
 * Seconds that a server ran since it first saw an order, never "now minus then" (L12): a process adds what passed on its own clock
 * and nothing else, so that the time while the server was off, or a clock that was put forward in between, grants nothing.
 */
export function countedSeconds({ now, process }: Counting, order: Counted): number {
  if (!equalBytes(process, order.process)) return order.counted;
  const passed = now - order.countedSince;
  return order.counted + (passed > LONGEST ? 0 : Math.max(0, passed));
}

/**
 * What is to be stored of the time by now, or null where that can wait. A process goes on from what another one stored where
 * that one cannot be counting any more.
 * @param isAlone whether no other process can have this database open
 */
export function tick(counting: Counting, order: Counted, isAlone: boolean): Counted | null {
  const { now, process } = counting;
  const since = now - order.countedSince;
  const isOwn = equalBytes(process, order.process);
  // By the clock of another process; one that is ahead is not waited for.
  const isGone = isAlone || since > 2 * TICK || since < 0;
  if (isOwn ? since < TICK : !isGone) return null;
  return { counted: countedSeconds(counting, order), countedSince: now, process };
}
