import type { ClientCraft, CraftJob } from './client-craft.js';
import { evaluationCraft } from './evaluation.js';
import { frostCraft } from './frost.js';

/** All tasks of a request are of one craft. */
export function craftOf(job: CraftJob): ClientCraft {
  return job.request.tasks[0]?.craft === 'evaluation' ? evaluationCraft(job) : frostCraft(job);
}
