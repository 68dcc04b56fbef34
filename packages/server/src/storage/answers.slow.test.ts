import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openRooms } from '../test/rooms.js';
import { startTestServer } from '../test/test-server.js';
import { storageError } from './codes.js';
import { watchStorage } from './answers.js';
import type { Storage } from './storage.js';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

const readyz = async (url: string) => {
  const response = await fetch(`${url}/readyz`);
  return [response.status, await response.json()];
};

describe('whether the database answers', () => {
  test('an embedded one that was closed does not', async () => {
    const rooms = await openRooms();
    cleanUps.push(() => rooms.close());
    const { fault } = watchStorage(rooms.storage, { keepMs: 0 });
    expect(await fault()).toBeNull();
    await rooms.storage.close();
    expect(await fault()).toBe('STORAGE_UNREACHABLE');
  });

  test('one that neither answers nor refuses counts as gone, and is asked once however many want to know', async () => {
    const rooms = await openRooms();
    cleanUps.push(() => rooms.close());
    const read = vi.fn(() => new Promise<never>(() => undefined));
    const { fault } = watchStorage({ ...(rooms.storage as Storage), read }, { limitMs: 5, keepMs: 0 });
    expect(await Promise.all([fault(), fault(), fault()])).toEqual(Array(3).fill('STORAGE_UNREACHABLE'));
    expect(await fault()).toBe('STORAGE_UNREACHABLE');
    expect(read).toHaveBeenCalledTimes(1);
  });

  test('one that is full does not, until something is written to it again; what is wrong with one row does not count', async () => {
    const rooms = await openRooms();
    cleanUps.push(() => rooms.close());
    const { fault, storage } = watchStorage(rooms.storage, { keepMs: 0 });
    const fail = (code: 'STORAGE_FULL' | 'ROW_EXISTS') =>
      storage.transact(() => Promise.reject(storageError(code, 'no', 'none'))).catch(() => undefined);
    await fail('ROW_EXISTS');
    expect(await fault()).toBeNull();
    await fail('STORAGE_FULL');
    expect(await fault()).toBe('STORAGE_FULL');
    await storage.transact(async () => undefined);
    expect(await fault()).toBeNull();
  });
});

const isHere = postgresPrograms() !== null;
const reason = isHere ? '' : ' (skipped: PostgreSQL is not installed here)';

describe.skipIf(!isHere)(`a server on PostgreSQL${reason}`, () => {
  async function startCluster(): Promise<PostgresCluster & { halt(): Promise<void> }> {
    const cluster = await startPostgres();
    let halted: Promise<void> | null = null;
    const halt = () => (halted ??= cluster.stop());
    cleanUps.push(halt);
    return { ...cluster, halt };
  }

  test('is not ready any more when its database is stopped, and still lives', async () => {
    const cluster = await startCluster();
    const variables = { CKM_ALLOW_INSPECT: '1', CKM_DATABASE_URL: await cluster.createDatabase() };
    const alpha = await startTestServer({ start: { variables } });
    cleanUps.push(() => alpha.remove());
    expect(await readyz(alpha.server.url)).toEqual([200, { status: 'ready' }]);
    await cluster.halt();
    await vi.waitFor(
      async () =>
        expect(await readyz(alpha.server.url)).toEqual([
          503,
          { status: 'storage', code: 'STORAGE_UNREACHABLE' },
        ]),
      { timeout: 5_000, interval: 200 },
    );
    expect((await fetch(`${alpha.server.url}/healthz`)).status).toBe(200);
  });
});
