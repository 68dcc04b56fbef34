import { asCodes, asTable } from './ways-page.js';

/** How far a drill has come for its owner's client. The way from one to the next: `drills/drill.ts`. */
export const DRILL_STAGES = {
  making: 'the key of the drill is being made',
  made: 'it is made; the server named has not forgotten its share',
  lost: 'that one has forgotten its share; nobody was asked to give it back',
  helping: 'those who give it back have joined, and not all of them have answered',
  back: 'it has its share again; nobody has signed',
} as const;
export type DrillStage = keyof typeof DRILL_STAGES;
export const DRILL_STAGE_NAMES = Object.keys(DRILL_STAGES) as readonly DrillStage[];

/** What has become meanwhile of the server that is drilled, or of one that helps. */
export const DRILL_FATES = {
  ended: 'found its database older than itself: its sessions are over',
  older: 'back from a backup older than the drill',
  gone: 'does not answer',
} as const;
export type DrillFate = keyof typeof DRILL_FATES;
export type DrillRole = 'drilled' | 'helps';

/** What has become of all of them. */
export const DRILL_TIMES = {
  same: 'as they were',
  late: 'a day later',
  refreshed: 'the key itself has gone on to another epoch',
  cleared: 'another computer of the owner has had keys of drills forgotten (`ckm drill clear`)',
} as const;
export type DrillTime = keyof typeof DRILL_TIMES;
export type DrillState = DrillTime | `${DrillRole} ${DrillFate}`;

/** What comes of the same command, and the way out where it does not go on. */
export const DRILL_ENDS = {
  on: ['goes on, and ends', ''],
  anew: ['begins anew, and ends', ''],
  failed: ['is over', 'the same command drills anew'],
  wait: [
    'goes on when the server answers',
    'a day later: `ckm drill clear`, and the same command begins anew',
  ],
  day: ['does not go on', 'a day later: `ckm drill clear`, and the same command begins anew'],
} as const;
export type DrillEnd = keyof typeof DRILL_ENDS;

/** How a drill goes on from there. */
export interface DrillWay {
  readonly at: readonly DrillStage[];
  readonly ends: DrillEnd;
  /** What the same command says before, each with what it says that of. */
  readonly says: readonly Said[];
}

/** A code, and that of its cause. */
export type Said = readonly [code: string, because: string];

const way = (ends: DrillEnd, says: readonly Said[], ...at: readonly DrillStage[]): DrillWay => ({
  at,
  ends,
  says,
});
const notOver = (because: string): Said => ['DRILL_NOT_OVER', because];
const failed = (because: string): Said => ['DRILL_FAILED', because];

export const DRILL_WAYS: Readonly<Record<DrillState, readonly DrillWay[]>> = {
  same: [way('on', [], ...DRILL_STAGE_NAMES)],
  late: [way('anew', [], ...DRILL_STAGE_NAMES)],
  refreshed: [way('anew', [], ...DRILL_STAGE_NAMES)],
  cleared: [
    way('on', [], 'making'),
    way('day', [notOver('SERVERS_MISSING')], 'made'),
    way('failed', [failed('KEY_UNKNOWN')], 'lost', 'helping', 'back'),
  ],
  'drilled ended': [
    way('on', [notOver('SESSION_CANCELLED')], 'making'),
    way('on', [], 'made', 'lost'),
    way('failed', [failed('SESSION_ABORTED')], 'helping'),
    way('failed', [failed('KEY_HEAD_UNKNOWN')], 'back'),
  ],
  'drilled older': [
    way('failed', [failed('SESSION_UNKNOWN')], 'making', 'helping'),
    way('on', [], 'made', 'lost'),
    way('failed', [failed('KEY_UNKNOWN')], 'back'),
  ],
  'drilled gone': [
    way('wait', [notOver('SERVERS_MISSING')], 'making', 'lost', 'helping'),
    way('wait', [notOver('SERVER_UNREACHABLE')], 'made'),
    way('wait', [notOver('TOO_FEW_SERVERS')], 'back'),
  ],
  'helps ended': [
    way('on', [notOver('SESSION_CANCELLED')], 'making'),
    way('failed', [failed('KEY_HEAD_UNKNOWN')], 'made', 'lost'),
    way('failed', [notOver('SESSION_CANCELLED'), failed('KEY_HEAD_UNKNOWN')], 'helping'),
    way('on', [], 'back'),
  ],
  'helps older': [
    way('failed', [failed('SESSION_UNKNOWN')], 'making', 'helping'),
    way('day', [notOver('SERVERS_MISSING')], 'made'),
    way('failed', [failed('KEY_UNKNOWN')], 'lost'),
    way('on', [], 'back'),
  ],
  'helps gone': [
    way('wait', [notOver('SERVERS_MISSING')], 'making', 'made', 'lost', 'helping'),
    way('on', [], 'back'),
  ],
};

/** The table as the documentation prints it. */
export function formatDrillWays(): string {
  const rows = Object.entries(DRILL_WAYS).flatMap(([state, ways]) =>
    ways.map(({ at, ends, says }) => {
      const [resuming, out] = DRILL_ENDS[ends];
      const stages = at.length === DRILL_STAGE_NAMES.length ? 'any' : at.join(', ');
      const [codes, causes] = [says.map(([code]) => code), says.map(([, because]) => because)];
      return [stages, state, resuming, asCodes(codes), asCodes(causes), out];
    }),
  );
  return asTable(['client', 'server', 'the same command', 'says', 'because', 'way out'], rows);
}
