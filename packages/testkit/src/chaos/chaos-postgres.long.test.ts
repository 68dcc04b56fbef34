// @module-tag long
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type PostgresCluster, postgresPrograms, startPostgres } from '../postgres.js';
import { expectSound, LONG_MS } from './expect-sound.js';

describe.skipIf(postgresPrograms() === null)('(skipped when PostgreSQL is not installed)', () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());

  test(
    'random faults between two owners and four servers on PostgreSQL use no nonce twice, lose no key, fork none and leave nothing stuck, whatever is changed meanwhile',
    () => expectSound(['anchor', 'basalt', 'cinder'], cluster),
    LONG_MS,
  );
});
