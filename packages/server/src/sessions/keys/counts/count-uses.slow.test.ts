import { type Parameters, parseHead } from '@ckm/api';
import { afterEach, expect, test } from 'vitest';
import type { Reader, Storage } from '../../../storage/storage.js';
import { countUses } from './count-uses.js';
import { TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

/** What one reading may look at: nobody waits longer for the database. */
const SLICE = 256;
const REQUESTS = 2_000;
const MOST = 1_000_000;

/** A storage that counts the requests that are looked at, one reading after the other, and apart from that those of transactions. */
function createWatch() {
  const looked = { slices: [] as number[], held: 0 };
  const watch = <R extends Reader>(reader: R, note: (count: number) => void): R => ({
    ...reader,
    requests: new Proxy(reader.requests, {
      get: (requests, name) => {
        const method = Reflect.get(requests, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          const found = await method(...args);
          note(Array.isArray(found) ? found.length : typeof found === 'number' ? found : 0);
          return found;
        };
      },
    }),
  });
  return {
    looked,
    wrap: (storage: Storage): Storage => ({
      ...storage,
      read: (work) => storage.read((reader) => work(watch(reader, (count) => looked.slices.push(count)))),
      transact: (work) =>
        storage.transact((transaction) => work(watch(transaction, (count) => (looked.held += count)))),
    }),
    forget() {
      looked.slices.length = 0;
      looked.held = 0;
    },
  };
}

/** Two servers with a key that has no limit anywhere, and at the first of them requests that it gave a share for. */
async function usedKey(moments: readonly number[]) {
  const watch = createWatch();
  const { servers, callers } = await network.openMany(2, { wrap: watch.wrap });
  const { keyId } = await makeKey(callers);
  const owner = alice.xid;
  const { storage } = servers[0]!.context;
  await storage.transact(async ({ requests, attempts }) => {
    for (const [i, createdAt] of moments.entries()) {
      const requestId = new Uint8Array(32);
      new DataView(requestId.buffer).setUint32(0, i);
      const [waiting, version, expiresAt] = [false, 1, TEST_TIME + 600];
      const state = 'approved';
      const sealed = new Uint8Array(60);
      await requests.insert({
        owner,
        requestId,
        keyId,
        state,
        waiting,
        version,
        createdAt,
        expiresAt,
        sealed,
      });
      await attempts.insert({ owner, requestId, number: 1, sealed });
    }
  });
  watch.forget();
  const ask = async (windows: NonNullable<Parameters<'key.head'>['windows']>) => {
    const { head } = await callers[0]!.call('key.head', { keyId, nonce: new Uint8Array(32), windows });
    return parseHead(head).counts!.map(({ count }) => count);
  };
  return { ...watch, context: servers[0]!.context, name: { owner, keyId }, ask };
}

/** One a second, the last of them a second ago. */
const EACH_SECOND = Array.from({ length: REQUESTS }, (_, i) => TEST_TIME - REQUESTS + i);
const WINDOWS = [3_600, 1_000, 500, 100];

test('P14, V70: whoever asks how often a key was used has no more looked at than he wants to know, and nothing while the key is held', async () => {
  const { ask, looked } = await usedKey(EACH_SECOND);
  expect(await ask(WINDOWS.map((within) => ({ within, most: 10 })))).toEqual([10, 10, 10, 10]);
  expect(looked.held).toBe(0);
  expect(Math.max(...looked.slices)).toBeLessThanOrEqual(SLICE);
  expect(looked.slices.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(WINDOWS.length * SLICE);
});

test('where he wants to know all of it everything is looked at once, slice by slice, and counted right', async () => {
  const { ask, looked } = await usedKey(EACH_SECOND);
  expect(await ask(WINDOWS.map((within) => ({ within, most: MOST })))).toEqual([REQUESTS, 999, 499, 99]);
  expect(looked.held).toBe(0);
  expect(Math.max(...looked.slices)).toBeLessThanOrEqual(SLICE);
  // The last second of each slice is looked at again.
  expect(looked.slices.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(REQUESTS + looked.slices.length);
});

test('each slice is charged before it is read, and a count ends where the allowance does', async () => {
  const { context, name, looked } = await usedKey(EACH_SECOND);
  const start = { since: 0, most: MOST };
  const charged: number[] = [];
  await countUses(context, name, [start], (costMs) => charged.push(costMs));
  expect(charged).toHaveLength(looked.slices.length);
  looked.slices.length = 0;
  let left = 3;
  const refused = countUses(context, name, [start], () => {
    if (left-- === 0) throw new Error('used up');
  });
  await expect(refused).rejects.toThrow('used up');
  expect(looked.slices).toEqual([SLICE, SLICE, SLICE]);
});

test('more requests in one second than a slice has are all counted', async () => {
  const { ask } = await usedKey(Array.from({ length: 3 * SLICE + 1 }, () => TEST_TIME - 5));
  expect(await ask([{ within: 60, most: MOST }])).toEqual([3 * SLICE + 1]);
});
