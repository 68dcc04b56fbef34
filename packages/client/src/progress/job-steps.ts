/**
 * The steps of everything that takes a while, in the words that a person reads of each: as many as are counted. All of them fit a
 * terminal of 60 columns, behind the name of the job and the number of the step, before how many servers are done.
 */

export const OFFERING = 'asking for offers';
export const STORING = 'storing the certificate';
export const TAKING_BACK = 'taking the share back';
const CHECKING = 'checking shares';
const DEALING = 'dealing sealed shares';

const MAKING = [OFFERING, 'committing', DEALING, CHECKING, STORING] as const;
const REPAIR = [
  OFFERING,
  'helpers show fresh keys',
  'helpers split their parts',
  'helpers answer it alone',
  TAKING_BACK,
] as const;

/** Three of them are those of the session that moves shares. */
export const CHANGE_STEPS = {
  order: 'giving the order',
  promise: 'asking who takes part',
  offer: OFFERING,
  deal: DEALING,
  check: CHECKING,
  lock: 'asking servers to decide',
  yield: 'asking them to give way',
  store: 'storing the new shares',
  enter: 'entering the new epoch',
  retire: 'forgetting old shares',
} as const;
export type ChangeStep = keyof typeof CHANGE_STEPS;

export const SETTLING_STEPS = {
  order: 'giving the order',
  promise: 'asking who takes part',
  lock: 'asking servers to decide',
  yield: 'asking them to give way',
  end: 'telling what was settled',
} as const;
export type SettlingStep = keyof typeof SETTLING_STEPS;

export const EXPORT_STEPS = {
  ask: 'asking who gives shares',
  take: 'taking the shares',
  tell: 'telling the others',
} as const;
export type ExportStep = keyof typeof EXPORT_STEPS;

export const JOB_STEPS = {
  making: MAKING,
  import: [OFFERING, CHECKING, STORING],
  refresh: Object.values(CHANGE_STEPS),
  change: Object.values(CHANGE_STEPS),
  settling: Object.values(SETTLING_STEPS),
  repair: REPAIR,
  export: Object.values(EXPORT_STEPS),
  /** A key is made for it, a share of that repaired, and a signature made with it. */
  drill: [...MAKING, ...REPAIR, 'signing with that share'],
} as const;

/** What is done step by step. */
export type SteppedJob = keyof typeof JOB_STEPS;
/** What goes on, in one word, whatever sessions it is made of. */
export type Job = SteppedJob | 'request' | 'check' | 'restore';

/** The words of the rounds of a session that is a whole job: between the offers and the end. */
export function roundsOf(job: SteppedJob): readonly string[] {
  return JOB_STEPS[job].slice(1, -1);
}
