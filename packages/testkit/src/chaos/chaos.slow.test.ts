import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresCluster, postgresPrograms, startPostgres } from '../postgres.js';
import { type ChaosReport, runSchedule } from './schedule.js';

/** Few, always the same; `npm run chaos` draws others, as many as one likes. */
const SEEDS = ['anchor', 'basalt', 'cinder'];
/** What a busy machine may need for them; a quiet one needs a tenth. */
const LONG_MS = 300_000;

async function expectSound(seeds: readonly string[], cluster: PostgresCluster | null): Promise<void> {
  const reports = await Promise.all(seeds.map((seed) => runSchedule(seed, cluster)));
  expect(reports.flatMap(({ seed, violations }) => violations.map((what) => `${seed}: ${what}`))).toEqual([]);
  const sum = (count: (report: ChaosReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  // Schedules in which nothing failed, or nothing worked, would prove nothing.
  expect(sum(({ faults }) => faults.size)).toBeGreaterThan(10);
  expect(sum(({ keys }) => keys)).toBeGreaterThan(1);
  expect(sum(({ signatures }) => signatures)).toBeGreaterThan(4);
  expect(sum(({ shares }) => shares)).toBeGreaterThan(8);
}

describe('random faults between two owners and three servers use no nonce twice, lose no key and leave nothing stuck', () => {
  test(
    'on SQLite',
    async () => {
      await expectSound(SEEDS, null);
    },
    LONG_MS,
  );

  describe.skipIf(postgresPrograms() === null)('(skipped when PostgreSQL is not installed)', () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres();
    });
    afterAll(() => cluster.stop());

    test(
      'on PostgreSQL',
      async () => {
        await expectSound(SEEDS, cluster);
      },
      LONG_MS,
    );
  });
});
