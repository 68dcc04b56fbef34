import { expect } from 'vitest';
import type { PostgresCluster } from '../postgres.js';
import { type ChaosReport, runSchedule } from './schedule.js';

/** What a busy machine may need for a few schedules; a quiet one needs a tenth. */
export const LONG_MS = 300_000;

/** Plays the schedules of these seeds side by side. @param cluster null: on SQLite */
export async function expectSound(seeds: readonly string[], cluster: PostgresCluster | null): Promise<void> {
  const reports = await Promise.all(seeds.map((seed) => runSchedule(seed, cluster)));
  expect(reports.flatMap(({ seed, violations }) => violations.map((what) => `${seed}: ${what}`))).toEqual([]);
  const sum = (count: (report: ChaosReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  // Schedules in which nothing failed, or nothing worked, would prove nothing.
  expect(sum(({ faults }) => faults.size)).toBeGreaterThan(6);
  expect(sum(({ keys }) => keys)).toBeGreaterThan(1);
  expect(sum(({ signatures }) => signatures)).toBeGreaterThan(4);
  expect(sum(({ shares }) => shares)).toBeGreaterThan(8);
  expect(sum(({ epochs }) => epochs)).toBeGreaterThan(0);
}
