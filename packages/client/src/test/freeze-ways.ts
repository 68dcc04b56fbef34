import { asTable } from './ways-page.js';

/** How far a freeze of a key of three servers, two of which sign, has come. */
export const FREEZE_STAGES = {
  few: 'one server has it: too few to stop the key',
  stopped: 'two have it, and nothing can be signed',
  asked: 'all have it, and their operators were asked to end it',
  thawed: 'two operators have ended it',
  passed: 'its time is over',
  'used up': 'the key was frozen for seven days of the last thirty',
} as const;
export type FreezeStage = keyof typeof FREEZE_STAGES;
export const FREEZE_STAGE_NAMES = Object.keys(FREEZE_STAGES) as readonly FreezeStage[];

/** What has become meanwhile of a server that had it, but in the first stage. */
export const FREEZE_FATES = {
  same: 'as it was',
  older: 'back from a backup older than the freeze',
  gone: 'does not answer',
} as const;
export type FreezeFate = keyof typeof FREEZE_FATES;

/** What comes of the same command. Whatever it says, the way out is one for all. */
export const FREEZE_ENDS = {
  same: 'it is stopped, until the same moment',
  fresh: 'it is stopped, by a new freeze',
  no: 'it is NOT stopped: `FREEZE_USED_UP`',
} as const;
export type FreezeEnd = keyof typeof FREEZE_ENDS;

export interface FreezeWay {
  readonly at: readonly FreezeStage[];
  readonly fates: readonly FreezeFate[];
  /** Whether it is stopped before anybody says anything again. */
  readonly isStopped: boolean;
  readonly ends: FreezeEnd;
}

const way = (
  isStopped: boolean,
  ends: FreezeEnd,
  fates: readonly FreezeFate[],
  ...at: readonly FreezeStage[]
): FreezeWay => ({ at, fates, isStopped, ends });
const ANY = Object.keys(FREEZE_FATES) as readonly FreezeFate[];

export const FREEZE_WAYS: readonly FreezeWay[] = [
  way(false, 'same', ['same'], 'few'),
  // Whoever came back from an older state hears of it from the others, before it does anything with the key.
  way(true, 'same', ['older', 'gone'], 'few'),
  way(true, 'same', ANY, 'stopped'),
  way(true, 'fresh', ANY, 'asked'),
  way(false, 'fresh', ['same'], 'thawed'),
  way(true, 'fresh', ['older', 'gone'], 'thawed'),
  way(false, 'fresh', ANY, 'passed'),
  way(false, 'no', ANY, 'used up'),
];

/** The table as the documentation prints it. */
export function formatFreezeWays(): string {
  const rows = FREEZE_WAYS.map(({ at, fates, isStopped, ends }) => [
    at.join(', '),
    fates.length === ANY.length ? 'any' : fates.join(', '),
    isStopped ? 'nothing' : 'what it is asked',
    FREEZE_ENDS[ends],
  ]);
  return asTable(['freeze', 'server', 'the key signs', '`ckm freeze` again'], rows);
}
