import { equalBytes } from '@ckm/foundation';

/**
 * How long something has waited that time alone may grant: a silent operator's yes, the delay of a change. Seconds that grant something are
 * counted while a server runs, and never computed from a start (L12): what was switched off, asleep, restored or told another date counts nothing.
 */
export interface WaitingTime {
  /** How many are counted at most. */
  readonly needed: number;
  /** How many are stored. */
  readonly counted: number;
  /** When they were stored last. UnixSeconds, by the clock of {@link process}. */
  readonly countedAt: number;
  /** For how many seconds {@link process} had run by then. */
  readonly lived: number;
  /** 16 bytes: names the process that counts. */
  readonly process: Uint8Array;
}

/** A process that counts, at one moment. */
export interface Counter {
  /** UnixSeconds */
  readonly now: number;
  /** Seconds that it has run since it began, whatever its clock said meanwhile. */
  readonly lived: number;
  /** 16 bytes, drawn when it began. */
  readonly process: Uint8Array;
  /** Whether no other process can have this database open. */
  readonly isAlone: boolean;
}

/** Seconds between one count that is stored and the next: that much is lost when a server stops. */
export const COUNT_SECONDS = 600;
/** A gap longer than this between two looks counts nothing: a process stood still and was told by nobody, or what waits was held up. Seconds. */
const LONGEST_LOOK = 2 * COUNT_SECONDS;
/** One that has stored nothing for so long does not count any more. Seconds. */
const GONE_SECONDS = 3 * COUNT_SECONDS;

/**
 * What tells a process for how many seconds it has run; it wants to be asked every few seconds.
 * @param elapsed milliseconds that pass while this machine is awake, whatever its date
 */
export function createLifetime(elapsed: () => number): () => number {
  let last = elapsed();
  let lived = 0;
  return () => {
    const at = elapsed();
    const passed = (at - last) / 1_000;
    if (passed > 0 && passed <= LONGEST_LOOK) lived += passed;
    last = at;
    return Math.floor(lived);
  };
}

export function waitFrom({ now, lived, process }: Counter, needed: number): WaitingTime {
  return { needed, counted: 0, countedAt: now, lived, process };
}

/** Seconds that are counted by now: what is stored, and what the process that counts has run through since, by both of its clocks. */
export function countedBy({ now, lived, process }: Counter, waiting: WaitingTime): number {
  if (!equalBytes(waiting.process, process)) return waiting.counted;
  const ran = lived - waiting.lived;
  const passed = ran > LONGEST_LOOK ? 0 : Math.max(0, Math.min(now - waiting.countedAt, ran));
  return Math.min(waiting.needed, waiting.counted + passed);
}

/**
 * The same with the time that has passed, if that is to be stored by now. One process counts, what it has run through and no more;
 * another one goes on from there when that one is gone, and adds nothing for the time between. So neither sleep, a clock nor more replicas add anything.
 */
export function countOn(waiting: WaitingTime, counter: Counter): WaitingTime {
  const { now, lived, process, isAlone } = counter;
  if (equalBytes(waiting.process, process)) {
    const counted = countedBy(counter, waiting);
    const isDue = counted >= waiting.needed || lived - waiting.lived >= COUNT_SECONDS;
    return isDue && waiting.counted < waiting.needed
      ? { ...waiting, counted, countedAt: now, lived }
      : waiting;
  }
  const since = now - waiting.countedAt;
  const isFree = isAlone || since > GONE_SECONDS || since < 0;
  return isFree ? { ...waiting, countedAt: now, lived, process } : waiting;
}
