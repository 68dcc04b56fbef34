// @module-tag long
import {
  isPgBouncerHere,
  type PgBouncer,
  type PostgresCluster,
  postgresPrograms,
  startPgBouncer,
  startPostgres,
} from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openPostgres } from './postgres.js';

const isHere = postgresPrograms() !== null && isPgBouncerHere();
const reason = isHere ? '' : ' (skipped: PostgreSQL or PgBouncer is not installed here)';

describe.skipIf(!isHere)(`a server whose database is behind PgBouncer${reason}`, () => {
  let cluster: PostgresCluster;
  let pooler: PgBouncer | null = null;
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterEach(async () => {
    await pooler?.stop();
    pooler = null;
  });
  afterAll(() => cluster.stop());

  async function refusal(mode: 'transaction' | 'session', poolSize: number, keep: boolean): Promise<unknown> {
    const database = await cluster.createDatabase();
    // Settings of the database itself stand in for the start parameters that a pooler drops.
    if (keep) await cluster.configure(database, KEPT);
    pooler = await startPgBouncer(database, mode, { poolSize });
    try {
      const storage = await openPostgres({ url: pooler.url, connections: 2 });
      await storage.close();
      return null;
    } catch (error) {
      return error;
    }
  }

  const KEPT = { synchronous_commit: 'on', statement_timeout: '15s', lock_timeout: '10s' };

  test.each([1, 2, 4])('in transaction mode with %i sessions is refused in words', async (poolSize) => {
    expect(await refusal('transaction', poolSize, true)).toMatchObject({
      code: 'STORAGE_POOLED',
      hint: expect.stringContaining('pool_mode = session') as string,
    });
  });

  test('that drops the settings of a session is refused in words', async () => {
    expect(await refusal('session', 4, false)).toMatchObject({ code: 'STORAGE_SETTINGS_LOST' });
  });

  test('in session mode, with these settings on the database, is as good as PostgreSQL itself', async () => {
    expect(await refusal('session', 4, true)).toBeNull();
  });
});
