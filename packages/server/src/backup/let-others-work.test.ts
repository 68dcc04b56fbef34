import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { letOthersWork } from './let-others-work.js';

/** Holds the event loop for so long. */
function work(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

/** Whoever always has something to do, in turns of 2 ms; how many of them there were until that is over. */
async function turnsBeside(resting: Promise<void>): Promise<number> {
  let turns = 0;
  const state = { isOver: false };
  void resting.then(() => (state.isOver = true));
  while (!state.isOver) {
    await setImmediate();
    work(2);
    turns++;
  }
  return turns;
}

test('a backup of a server that others use leaves them as long a time as each of its slices took', async () => {
  const short = await turnsBeside(letOthersWork(10));
  const long = await turnsBeside(letOthersWork(60));
  // Fewer where the machine is busy: a turn takes longer then.
  expect(short).toBeGreaterThanOrEqual(2);
  expect(short).toBeLessThanOrEqual(7);
  expect(long).toBeGreaterThan(short);
  expect(long).toBeLessThanOrEqual(32);
});

test('a backup of a server that nobody uses does not wait for anybody', async () => {
  const waits = await Promise.all([
    letOthersWork(60_000).then(() => 'gone on'),
    setImmediate().then(() => 'a turn later'),
  ]);
  expect(waits).toEqual(['gone on', 'a turn later']);
});
