import { setImmediate } from 'node:timers/promises';

/** A turn of the event loop that is shorter had nothing to do. */
const IDLE_MS = 0.25;

/**
 * Gives the event loop back: for a whole turn in any case, and where others have work, until they had as much of it as was taken
 * from them. Where nobody waits it is over at once: a timer would leave a server idle that has nothing else to do.
 * @param tookMs what the work before it took
 */
export async function letOthersWork(tookMs: number): Promise<void> {
  // The rest of the present turn: whatever came meanwhile is read in the next one.
  await setImmediate();
  let left = tookMs;
  for (;;) {
    const began = performance.now();
    await setImmediate();
    const turn = performance.now() - began;
    left -= turn;
    if (turn < IDLE_MS || left <= 0) return;
  }
}
