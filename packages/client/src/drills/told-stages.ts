import { JOB_STEPS } from '../progress/job-steps.js';
import { partOf } from '../progress/part-of.js';
import type { OnProgress } from '../progress/progress.js';
import type { DrillStage } from './drill-record.js';

/** How each stage of a drill is told: as steps of the one drill, which is gone on with by the name of its key. */
export function toldStages(on: OnProgress): Readonly<Record<DrillStage, OnProgress>> {
  const { making, repair, drill } = JOB_STEPS;
  const signing = partOf(on, 'drill', '', making.length + repair.length);
  return {
    make: partOf(on, 'drill', '', 0),
    'give-back': partOf(on, 'drill', '', making.length),
    // Of a request it is attempts that are counted.
    sign: (event) => signing({ ...event, round: 1, text: drill.at(-1)! }),
  };
}
