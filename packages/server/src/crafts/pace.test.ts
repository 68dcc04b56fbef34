import { expect, test } from 'vitest';
import { createPace } from './pace.js';

test('one slice is done in each turn of the event loop, and accounts take turns', async () => {
  const pace = createPace();
  const order: string[] = [];
  const work = async (account: string, slices: number) => {
    const pause = pace.of(account);
    for (let i = 0; i < slices; i++) {
      await pause();
      order.push(account);
    }
  };
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all([work('mallory', 3), work('mallory', 3), work('alice', 2)]);
  isOver = true;
  expect(order.slice(0, 4)).toEqual(['mallory', 'alice', 'mallory', 'alice']);
  expect(order).toHaveLength(8);
  expect(turns).toBeGreaterThanOrEqual(8);
});
