import { describe, expect, test } from 'vitest';
import { createWriteQueue, type WriteQueueCommands } from './write-queue.js';

/** Commands that only note what they were told. */
function recorded(failing: readonly (keyof WriteQueueCommands)[] = []): {
  commands: WriteQueueCommands;
  told: string[];
} {
  const told: string[] = [];
  const command = (name: keyof WriteQueueCommands) => () => {
    told.push(name);
    if (failing.includes(name)) throw new Error(`${name} failed`);
  };
  return {
    told,
    commands: {
      begin: command('begin'),
      commit: command('commit'),
      sync: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        command('sync')();
      },
      rollback: command('rollback'),
      savepoint: command('savepoint'),
      release: command('release'),
      rollbackToSavepoint: command('rollbackToSavepoint'),
    },
  };
}

describe('writes that come together', () => {
  test('are committed together, once', async () => {
    const { commands, told } = recorded();
    const queue = createWriteQueue(commands, 1_000);
    const order: number[] = [];
    const write = (number: number) => queue.write(async () => order.push(number));
    await Promise.all([write(1), write(2), write(3)]);
    expect(told.filter((name) => name === 'commit')).toHaveLength(1);
    // Behind the first, each in one of its own.
    expect(told.filter((name) => name === 'savepoint')).toHaveLength(2);
    expect(order).toEqual([1, 2, 3]);
  });

  test('none of them is told so before the commit is on the disk', async () => {
    const { commands, told } = recorded();
    const queue = createWriteQueue(commands, 1_000);
    const write = () => queue.write(async () => undefined).then(() => told.at(-1));
    expect(await Promise.all([write(), write()])).toEqual(['sync', 'sync']);
  });

  test('and nobody reads it before, nor is the next batch begun', async () => {
    const { commands, told } = recorded();
    const queue = createWriteQueue(commands, 1_000);
    const order: string[] = [];
    const first = queue.write(async () => order.push('wrote'));
    while (!told.includes('commit')) await new Promise((resolve) => setImmediate(resolve));
    const read = queue.read(async () => order.push(`read after ${told.at(-1)}`));
    const second = queue.write(async () => order.push(`wrote after ${told.at(-1)}`));
    await Promise.all([first, read, second]);
    expect(order).toEqual(['wrote', 'read after sync', 'wrote after begin']);
    expect(told.join(' ')).toBe('begin commit sync begin commit sync');
  });

  test('when the disk does not take it all of them fail, and nothing is read or written any more', async () => {
    const { commands, told } = recorded(['sync']);
    const queue = createWriteQueue(commands, 1_000);
    const fails = (name: string) =>
      queue.write(async () => {
        throw new Error(name);
      });
    const batch = [queue.write(async () => 1), fails('two'), queue.write(async () => 3)];
    await new Promise((resolve) => setImmediate(resolve));
    const waiting = [queue.read(async () => 4), queue.write(async () => 5)];
    const reasons = (await Promise.allSettled([...batch, ...waiting])).map(
      (outcome) => (outcome as PromiseRejectedResult).reason as Error,
    );
    expect(reasons.map(({ message }) => message)).toEqual([
      'sync failed',
      'two',
      'sync failed',
      'sync failed',
      'sync failed',
    ]);
    await expect(queue.read(async () => 6)).rejects.toThrow('sync failed');
    await expect(queue.write(async () => 7)).rejects.toThrow('sync failed');
    expect(told.filter((name) => name === 'begin')).toHaveLength(1);
    await queue.close();
  });

  test('a batch of which nothing is left is not put on the disk', async () => {
    const { commands, told } = recorded();
    const queue = createWriteQueue(commands, 1_000);
    const nothing = queue.write(async () => {
      throw new Error('one');
    });
    await expect(nothing).rejects.toThrow('one');
    expect(told).not.toContain('sync');
  });

  test('one that fails takes only itself along', async () => {
    const { commands, told } = recorded();
    const queue = createWriteQueue(commands, 1_000);
    const outcomes = await Promise.allSettled([
      queue.write(async () => 'one'),
      queue.write(async () => {
        throw new Error('two');
      }),
      queue.write(async () => 'three'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(told.filter((name) => name === 'rollbackToSavepoint')).toHaveLength(1);
    expect(told.slice(-2)).toEqual(['commit', 'sync']);
  });

  test('one that fails before any other has written takes nothing along, and the others are committed', async () => {
    const { commands, told } = recorded();
    const queue = createWriteQueue(commands, 1_000);
    const failing = (name: string) =>
      queue.write(async () => {
        throw new Error(name);
      });
    const outcomes = await Promise.allSettled([
      failing('one'),
      failing('two'),
      queue.write(async () => 'three'),
      failing('four'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'rejected']);
    expect(told.join(' ')).toBe(
      'begin rollback begin rollback begin savepoint rollbackToSavepoint commit sync',
    );
  });

  test('when the transaction of one that failed cannot begin again, all of its batch hear of it', async () => {
    const failing: (keyof WriteQueueCommands)[] = [];
    const { commands } = recorded(failing);
    const queue = createWriteQueue(commands, 1_000);
    const first = queue.write(async () => {
      failing.push('begin');
      throw new Error('one');
    });
    await expect(first).rejects.toThrow('begin failed');
    failing.pop();
    expect(await queue.write(async () => 2)).toBe(2);
  });

  test('when the commit fails all of them fail, and the queue goes on', async () => {
    const failing: (keyof WriteQueueCommands)[] = ['commit'];
    const { commands, told } = recorded(failing);
    const queue = createWriteQueue(commands, 1_000);
    const outcomes = await Promise.allSettled([queue.write(async () => 1), queue.write(async () => 2)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(told.at(-1)).toBe('rollback');
    failing.pop();
    expect(await queue.write(async () => 3)).toBe(3);
  });

  test('when a transaction cannot begin, only whoever asked first fails', async () => {
    const failing: (keyof WriteQueueCommands)[] = ['begin'];
    const { commands } = recorded(failing);
    const queue = createWriteQueue(commands, 1_000);
    const first = queue.write(async () => 1);
    const second = first.catch(() => {
      failing.pop();
    });
    const third = queue.write(async () => 3);
    await expect(first).rejects.toThrow('begin failed');
    await second;
    expect(await third).toBe(3);
  });
});

describe('reads', () => {
  test('wait for a write that runs, and a write for reads that run', async () => {
    const { commands } = recorded();
    const queue = createWriteQueue(commands, 1_000);
    const order: string[] = [];
    const slow = (name: string) => async () => {
      order.push(`${name} begins`);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
    };
    const read = queue.read(slow('read'));
    const write = queue.write(slow('write'));
    await read;
    const late = write.then(() => order.push('write told'));
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([queue.read(slow('second read')), late]);
    expect(order.slice(0, 4)).toEqual(['read begins', 'read ends', 'write begins', 'write ends']);
  });

  test('inside a write ends in an error, not in waiting for ever', async () => {
    const { commands } = recorded();
    const queue = createWriteQueue(commands, 5);
    const nested = queue.write(() => queue.read(async () => 'never'));
    await expect(nested).rejects.toMatchObject({ code: 'STORAGE_BUSY', retryable: true });
    expect(await queue.read(async () => 'fine')).toBe('fine');
  });
});

describe('closing', () => {
  test('finishes what was asked and refuses what comes later', async () => {
    const { commands } = recorded();
    const queue = createWriteQueue(commands, 1_000);
    const asked = queue.write(async () => 'done');
    const closing = queue.close();
    await expect(queue.write(async () => 'late')).rejects.toMatchObject({ code: 'STORAGE_CLOSED' });
    await expect(queue.read(async () => 'late')).rejects.toMatchObject({ code: 'STORAGE_CLOSED' });
    await closing;
    expect(await asked).toBe('done');
  });
});
