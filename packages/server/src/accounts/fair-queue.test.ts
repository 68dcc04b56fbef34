import { describe, expect, test } from 'vitest';
import { createFairQueue } from './fair-queue.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a fair queue', () => {
  test('names take turns: whoever has ten waiting is let in once before whoever has one', async () => {
    const queue = createFairQueue({ inAll: 1, forEach: 1 });
    const order: string[] = [];
    const work = async (name: string) => {
      const leave = await queue.enter(name);
      order.push(name);
      await turn();
      leave();
    };
    const all = [...Array.from({ length: 10 }, () => work('mallory')), work('alice')];
    expect(queue.count('mallory')).toBe(10);
    await Promise.all(all);
    expect(order.indexOf('alice')).toBe(2);
    expect([queue.count('mallory'), queue.count('alice')]).toEqual([0, 0]);
  });

  test('one name has no more places than its own, whatever is free', async () => {
    const queue = createFairQueue({ inAll: 4, forEach: 2 });
    let atOnce = 0;
    let most = 0;
    const work = async () => {
      const leave = await queue.enter('mallory');
      most = Math.max(most, ++atOnce);
      await turn();
      atOnce--;
      leave();
      // A second time changes nothing.
      leave();
    };
    await Promise.all(Array.from({ length: 9 }, work));
    expect(most).toBe(2);
  });
});
