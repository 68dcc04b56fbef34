import { uptime } from 'node:os';
import type { Clock } from './context.js';

/** A step of the machine's clock up to this far is followed at once: clocks are corrected by so much every day. */
const FOLLOWED_MS = 30_000;

/** The time that a server goes by, beside what the clock of its machine says. */
export interface ServerClock {
  /**
   * UnixSeconds that never run backwards: not within the process, and not behind the latest moment that an earlier process is
   * known to have lived. A clock that is set back must not bring expired things back to life (V68), and one that jumps ahead
   * must not end what is under way: after a jump it goes on by the time that has passed.
   */
  readonly now: Clock;
  /** By how many seconds the machine's clock has jumped away from {@link now}; negative: back. 0: it has not, or is right again. */
  jump(): number;
  /** What the machine's clock says. UnixSeconds. */
  machine(): number;
  /** Goes by the machine's clock after a jump ahead. */
  follow(): void;
}

/** Time that passes, whatever happens to the clock. */
export interface Elapsed {
  /** Milliseconds since some moment. */
  ms(): number;
  /** Adds for how long the machine slept: that looks like a jump, and is none. */
  addSleep(): void;
}

/** `performance` stands still while a machine sleeps, the system's uptime on Linux does not, and is dear to ask. */
export function createElapsed(): Elapsed {
  const [begunAt, begunUp] = [performance.now(), uptime()];
  let slept = 0;
  return {
    ms: () => performance.now() + slept,
    addSleep: () => {
      slept = Math.max(slept, (uptime() - begunUp) * 1_000 - (performance.now() - begunAt));
    },
  };
}

/**
 * @param nowMs what the machine's clock says, in milliseconds since 1970
 * @param floor UnixSeconds behind which no time is
 * @param elapsed for tests; undefined where `nowMs` is itself the time that passes
 */
export function createServerClock(nowMs: () => number, floor: number, elapsed?: Elapsed): ServerClock {
  const { ms, addSleep } = elapsed ?? { ms: nowMs, addSleep: () => undefined };
  let ahead = nowMs() - ms();
  let latest = floor;

  /** Milliseconds; 0 for a step that is followed. */
  function jumped(): number {
    if (Math.abs(nowMs() - ms() - ahead) > FOLLOWED_MS) addSleep();
    const step = nowMs() - ms() - ahead;
    if (Math.abs(step) > FOLLOWED_MS) return step;
    ahead += step;
    return 0;
  }

  return {
    now: () => {
      jumped();
      latest = Math.max(latest, Math.floor((ms() + ahead) / 1_000));
      return latest;
    },
    jump: () => Math.round(jumped() / 1_000),
    machine: () => Math.floor(nowMs() / 1_000),
    follow: () => {
      ahead += Math.max(0, jumped());
    },
  };
}

/** Says when the machine's clock jumps, and when it is right again. */
export function createClockWatch(
  { jump }: Pick<ServerClock, 'jump'>,
  events: { clockJumped(fields: { readonly seconds: number }): void; clockRight(): void },
): () => void {
  let told = 0;
  return () => {
    const seconds = jump();
    if (Math.abs(seconds - told) * 1_000 <= FOLLOWED_MS) return;
    told = seconds;
    if (seconds === 0) events.clockRight();
    else events.clockJumped({ seconds });
  };
}
