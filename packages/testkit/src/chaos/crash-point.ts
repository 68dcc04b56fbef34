/** What a process does when it is cut off: everything after that moment fails like this. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/**
 * Decides at which step a process crashes. Whatever the process awaits from outside is a step; once it has come,
 * every further step fails, as if nobody were there any more.
 */
export interface CrashPoint {
  /** @throws Crash now and for ever after, when this is the step */
  step(): void;
  isCrashed(): boolean;
  /** Crashes at once, without throwing. */
  crash(): void;
}

/** @param steps how many steps are survived; infinity: only `crash` ends it */
export function createCrashPoint(steps: number): CrashPoint {
  let left = steps;
  const crashPoint: CrashPoint = {
    step: () => {
      if (left <= 0) throw new Crash('this process is not there any more');
      left -= 1;
    },
    isCrashed: () => left <= 0,
    crash: () => {
      left = 0;
    },
  };
  return crashPoint;
}
