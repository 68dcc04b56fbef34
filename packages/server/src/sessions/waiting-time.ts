import type { Clock } from '../context.js';

/**
 * How long a silent operator is waited for before his silence is a yes. Seconds that grant something are counted while a
 * server runs, and never computed from a start (L12): what was switched off, restored or told another date counts nothing.
 */
export interface WaitingTime {
  /** How many have to be counted. */
  readonly needed: number;
  readonly counted: number;
  /** When they were counted last, by whichever process. UnixSeconds. */
  readonly countedAt: number;
}

export function waitFrom({ clock }: { readonly clock: Clock }, needed: number): WaitingTime {
  return { needed, counted: 0, countedAt: clock() };
}

/**
 * The same with the time that has passed: no more than this process has lived through since it counted last, and no more
 * than has passed since anybody did, so that neither a gap, a clock nor a second replica adds anything.
 * @param now UnixSeconds
 * @param lived seconds
 */
export function countOn(waiting: WaitingTime, now: number, lived: number): WaitingTime {
  const passed = Math.max(0, Math.min(now - waiting.countedAt, lived));
  return { ...waiting, counted: Math.min(waiting.needed, waiting.counted + passed), countedAt: now };
}
