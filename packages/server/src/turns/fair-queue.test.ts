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

  test('V70: four names that fill all places with long work do not make a fifth wait for its first turn', async () => {
    const queue = createFairQueue({ inAll: 64, forEach: 16, always: 1 });
    for (let place = 0; place < 64; place++) await queue.enter(`mallory ${place % 4}`);
    const order: string[] = [];
    const enter = async (name: string) => {
      const leave = await queue.enter(name);
      order.push(name);
      return leave;
    };
    void enter('mallory 0');
    const first = enter('alice');
    void enter('alice');
    await turn();
    expect(order).toEqual(['alice']);
    (await first)();
    await turn();
    expect(order).toEqual(['alice', 'alice']);
  });

  test('V70: names that want all the room there is leave half of the rest to whoever comes next', async () => {
    const queue = createFairQueue({ inAll: 1, forEach: 1 });
    const filled = (name: string) => {
      while (queue.count(name) < queue.roomFor(name, 256)) void queue.enter(name);
      return queue.count(name);
    };
    expect(['one', 'two', 'three', 'four'].map(filled)).toEqual([128, 64, 32, 16]);
    expect(queue.roomFor('alice', 256)).toBe(8);
    expect(queue.roomFor('one', 256)).toBe(72);
  });
});
