import type { Clock } from './context.js';

/**
 * UnixSeconds that never run backwards: not within the process, and not behind `floor`, the latest moment that an earlier
 * process is known to have lived. A clock that is set back must not bring expired things back to life (V68).
 */
export function createClock(nowMs: () => number = Date.now, floor = 0): Clock {
  let latest = floor;
  return () => {
    latest = Math.max(latest, Math.floor(nowMs() / 1000));
    return latest;
  };
}
