import { asCodes, asTable } from './ways-page.js';

/** How far the repair of a share has come for its owner's client. */
export const REPAIR_STAGES = {
  asked: 'the server was asked whether its share is lost; its operator has not answered',
  stated: 'it has signed that it is; the operators of those who help have not answered',
  helping: 'those who help have joined, and not all of them have answered',
  answered: 'all have answered; the server has not taken its share',
} as const;
export type RepairStage = keyof typeof REPAIR_STAGES;

/** What has become meanwhile of the server whose share is lost, or of one that helps. */
export const REPAIR_FATES = {
  ended: 'found its database older than itself: its sessions are over',
  older: 'back from a backup older than the repair, the share lost in it too',
  gone: 'does not answer',
  refused: 'its operator says no',
} as const;
export type RepairFate = keyof typeof REPAIR_FATES;
export type RepairRole = 'lost' | 'helps';

/** What has become of all of them. */
export const REPAIR_TIMES = { same: 'as they were', late: 'eight days later' } as const;
export type RepairState = keyof typeof REPAIR_TIMES | `${RepairRole} ${RepairFate}`;

/** What comes of the same command, and the way out where it does not go on. */
export const REPAIR_ENDS = {
  on: ['goes on, and ends with the share', ''],
  wait: ['goes on when the server answers', '`--stop`; then others may help'],
  anew: ['does not go on', 'cancel it; the same command begins anew'],
} as const;
export type RepairEnd = keyof typeof REPAIR_ENDS;

export interface RepairWay {
  readonly at: readonly RepairStage[];
  readonly ends: RepairEnd;
  /** What the same command says before, in this order; operators answer meanwhile. */
  readonly says: readonly string[];
}

const way = (ends: RepairEnd, says: readonly string[], ...at: readonly RepairStage[]): RepairWay => ({
  at,
  ends,
  says,
});
const ASKS = ['SERVERS_MISSING'];

export const REPAIR_WAYS: Readonly<Record<RepairState, readonly RepairWay[]>> = {
  same: [way('on', ASKS, 'asked', 'stated'), way('on', [], 'helping', 'answered')],
  late: [way('on', ASKS, 'asked', 'stated', 'helping', 'answered')],
  'lost ended': [
    way('on', ['SESSION_CANCELLED', ...ASKS], 'asked', 'stated'),
    way('anew', ['SESSION_ABORTED'], 'helping', 'answered'),
  ],
  'lost older': [
    way('on', ASKS, 'asked'),
    way('on', [...ASKS, 'SESSION_ID_TAKEN', ...ASKS], 'stated'),
    way('on', ['SESSION_UNKNOWN', ...ASKS], 'helping'),
    way('anew', ['SESSION_UNKNOWN'], 'answered'),
  ],
  'lost gone': [way('wait', ASKS, 'asked', 'stated', 'helping', 'answered')],
  'lost refused': [way('on', ['SESSION_REJECTED', ...ASKS], 'asked')],
  'helps ended': [
    way('on', ASKS, 'asked'),
    way('on', ['SESSION_CANCELLED', ...ASKS], 'stated', 'helping'),
    way('on', [], 'answered'),
  ],
  'helps older': [
    way('on', ASKS, 'asked', 'stated'),
    way('on', ['SESSION_UNKNOWN', ...ASKS], 'helping'),
    way('on', [], 'answered'),
  ],
  'helps gone': [way('wait', ASKS, 'asked', 'stated', 'helping'), way('on', [], 'answered')],
  'helps refused': [way('on', ['SESSION_REJECTED', ...ASKS], 'stated')],
};

/** The table as the documentation prints it. */
export function formatRepairWays(): string {
  const rows = Object.entries(REPAIR_WAYS).flatMap(([state, ways]) =>
    ways.map(({ at, ends, says }) => {
      const [resuming, out] = REPAIR_ENDS[ends];
      return [at.join(', '), state, resuming, asCodes(says), out];
    }),
  );
  return asTable(['client', 'server', 'the same command', 'says', 'way out'], rows);
}
