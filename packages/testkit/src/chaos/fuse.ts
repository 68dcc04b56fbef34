/** What a process does when it is cut off: everything after that moment fails like this. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/**
 * Decides at which step a process crashes. Whatever the process awaits from outside is a step; once the fuse has blown,
 * every further step fails, as if nobody were there any more.
 */
export interface Fuse {
  /** @throws Crash now and for ever after, when this is the step */
  step(): void;
  isBlown(): boolean;
  /** Blows at once, without throwing. */
  blow(): void;
}

/** @param steps how many steps are survived; infinity: it only blows by hand */
export function createFuse(steps: number): Fuse {
  let left = steps;
  const fuse: Fuse = {
    step: () => {
      if (left <= 0) throw new Crash('this process is not there any more');
      left -= 1;
    },
    isBlown: () => left <= 0,
    blow: () => {
      left = 0;
    },
  };
  return fuse;
}
