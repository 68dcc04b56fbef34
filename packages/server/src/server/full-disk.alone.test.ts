// @module-tag long
import { afterEach, expect, test, vi } from 'vitest';
import type * as opening from './database/open-storage.js';
import { person } from '../test/rooms.js';
import { startTestServer, type TestServer } from '../test/test-server.js';

const disk = vi.hoisted(() => ({ isFull: false }));

// A disk that is full when a test says so; a real one is in full-disk.slow.test.ts, where one can be mounted.
vi.mock('./database/open-storage.js', async (original) => {
  const real = await original<typeof opening>();
  const { fromDriver } = await import('../storage/codes.js');
  const full = () =>
    fromDriver(Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' }));
  const openStorage: typeof real.openStorage = async (options) => {
    const storage = await real.openStorage(options);
    return {
      ...storage,
      transact: (work) => (disk.isFull ? Promise.reject(full()) : storage.transact(work)),
    };
  };
  return { ...real, openStorage };
});

let alpha: TestServer;
afterEach(async () => {
  disk.isFull = false;
  await alpha.remove();
});

test('a server on a full disk is not ready, answers what is only asked, changes nothing, and is ready again when there is room', async () => {
  alpha = await startTestServer();
  const client = await alpha.as(person(1)).join();
  const readyz = async () => (await fetch(`${alpha.server.url}/readyz`)).status;
  expect(await readyz()).toBe(200);
  disk.isFull = true;
  await expect(alpha.as(person(2)).join()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  expect(await readyz()).toBe(503);
  expect(await client.ask('key.list', { after: null })).toEqual({ keys: [], next: null });
  // What is refused for another reason is refused in its own words.
  const unknown = client.ask('key.show', { keyId: new Uint8Array(32) });
  await expect(unknown).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
  await expect(alpha.sweep()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  disk.isFull = false;
  await alpha.sweep();
  expect(await readyz()).toBe(200);
  expect(alpha.log()).not.toContain('"msg":"bug"');
});
