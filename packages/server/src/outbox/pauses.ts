const FIRST_SECONDS = 30;
const MOST_SECONDS = 3_600;
/** Some two days, with the pauses below. */
const MOST_TRIES = 60;

/**
 * What comes after so many tries that failed: half a minute, then twice as long each time, up to an hour.
 * @returns seconds; null: it is given up
 */
export function pauseAfter(tries: number): number | null {
  if (tries >= MOST_TRIES) return null;
  return Math.min(MOST_SECONDS, FIRST_SECONDS * 2 ** Math.min(tries - 1, 16));
}
