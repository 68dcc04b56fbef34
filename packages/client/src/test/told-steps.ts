import { expect } from 'vitest';
import { JOB_STEPS, type SteppedJob } from '../progress/job-steps.js';
import type { OnProgress, ProgressEvent } from '../progress/progress.js';

export interface ToldSteps {
  readonly on: OnProgress;
  /** That every step was told as one of this job, in order and in its own words, and that nobody is waited for in the end. */
  expectAll(): void;
}

/** Hears what a job tells of its steps. */
export function hearSteps(job: SteppedJob): ToldSteps {
  const events: ProgressEvent[] = [];
  return {
    on: (event) => void events.push(event),
    expectAll: () => {
      const steps = JOB_STEPS[job];
      const told = events.map((event) => lineOf(event, event.job));
      const { id } = events[0]!;
      const all = steps.map((text, i) => lineOf({ id, round: i + 1, of: steps.length, text }, job));
      expect([...new Set(told)]).toEqual(all);
      expect(events.at(-1)!.waiting).toEqual([]);
    },
  };
}

function lineOf({ id, round, of, text }: Pick<ProgressEvent, 'id' | 'round' | 'of' | 'text'>, job: string) {
  return `${job} ${id}: ${round} of ${of}, ${text}`;
}
