import { JOB_STEPS, type SteppedJob } from './job-steps.js';
import type { OnProgress, ProgressEvent } from './progress.js';

/**
 * Tells what is one session for itself as steps of the longer job that it is a part of.
 * @param job whose steps are counted
 * @param id of the whole job; empty: it has none
 * @param before how many steps of the job come before its first one
 */
export function partOf(on: OnProgress, job: SteppedJob, id: ProgressEvent['id'], before: number): OnProgress {
  const of = JOB_STEPS[job].length;
  return (event) => on({ ...event, job, id, stage: 'exchange', round: before + event.round, of });
}
