import { equalBytes } from '@ckm/foundation';
import type { Clock } from '../context.js';

/**
 * How long a silent operator is waited for before his silence is a yes. Seconds that grant something are counted while a
 * server runs, and never computed from a start (L12): what was switched off, asleep, restored or told another date counts nothing.
 */
export interface WaitingTime {
  /** How many have to be counted. */
  readonly needed: number;
  readonly counted: number;
  /** When they were counted last. UnixSeconds, by the clock of {@link process}. */
  readonly countedAt: number;
  /** 16 bytes: names the process that counts; null: none has begun. */
  readonly process: Uint8Array | null;
}

/** A process that counts. */
export interface Counter {
  /** UnixSeconds */
  readonly now: number;
  /** Seconds that it has run since it counted last, whatever its clock said meanwhile. */
  readonly lived: number;
  /** 16 bytes, drawn when it began. */
  readonly process: Uint8Array;
}

/** Seconds between one count and the next: that much is lost when a server stops. */
export const COUNT_SECONDS = 600;
/** A process that counts later than this stood still in between, and was told by nobody. */
const MOST_AT_ONCE = 2 * COUNT_SECONDS;
/** One that has not counted for so long does not any more. */
const GONE_SECONDS = 3 * COUNT_SECONDS;

export function waitFrom({ clock }: { readonly clock: Clock }, needed: number): WaitingTime {
  return { needed, counted: 0, countedAt: clock(), process: null };
}

/**
 * The same with the time that has passed. One process counts, what it has run through and no more; another one goes on from
 * there when that one is gone, and adds nothing for the time between. So neither sleep, a clock nor more replicas add anything.
 */
export function countOn(waiting: WaitingTime, { now, lived, process }: Counter): WaitingTime {
  const since = now - waiting.countedAt;
  const isOwn = waiting.process !== null && equalBytes(waiting.process, process);
  if (!isOwn) {
    const isFree = waiting.process === null || since > GONE_SECONDS || since < 0;
    return isFree ? { ...waiting, countedAt: now, process } : waiting;
  }
  const passed = Math.max(0, Math.min(since, lived, MOST_AT_ONCE));
  return { ...waiting, counted: Math.min(waiting.needed, waiting.counted + passed), countedAt: now };
}
