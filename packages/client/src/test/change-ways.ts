import { asCodes, asTable } from './ways-page.js';

/** How far the change of a key has come for its owner's client. The way from one to the next: `keys/changes`. */
export const CHANGE_STAGES = {
  ordered: 'every server has taken the order in, and all operators have said yes',
  promised: 'the old members have promised to take part',
  moving: 'new shares are dealt; some of the servers that get one have signed',
  signed: 'all of those have signed, and no old member has locked that',
  locked: 'old members have locked it, and one has given way; too few to decide',
  certified: 'it is decided, and the certificate is at the owner’s client alone',
  stored: 'one server has stored the certificate; too few for the new epoch',
  entered: 'all have stored it, and one has gone over to the new epoch',
  retiring: 'all are in the new epoch, and one has destroyed its old share',
} as const;
export type ChangeStage = keyof typeof CHANGE_STAGES;
export const CHANGE_STAGE_NAMES = Object.keys(CHANGE_STAGES) as readonly ChangeStage[];

/** What has become meanwhile of a server that stays, of the one that leaves, or of the one that joins. */
export const CHANGE_FATES = {
  ended: 'found its database older than itself: its sessions are over, and it forgot what it said',
  older: 'back from a backup older than the order; of a key with recovery `epoch`',
  derives: 'back from a backup older than the order; of a key with recovery `static`',
  gone: 'does not answer',
  refused: 'its operator says no',
} as const;
export type ChangeFate = keyof typeof CHANGE_FATES;
export type ChangeRole = 'stays' | 'leaves' | 'joins';

/** What has become of all of them. */
export const CHANGE_TIMES = {
  same: 'as they were',
  late: 'a month later by the date; servers were off',
  overdue: 'one of them has run for more than seven days with the order',
} as const;
export type ChangeTime = keyof typeof CHANGE_TIMES;

/** A server that leaves is waited for by nobody: whether it lost its session, or derives, changes nothing. */
type LeftOut = 'leaves ended' | 'leaves derives';
export type ChangeState = ChangeTime | Exclude<`${ChangeRole} ${ChangeFate}`, LeftOut> | 'two older';

/** What comes of going on, and the way out where it does not. */
export const CHANGE_ENDS = {
  on: ['goes on, and ends with the new epoch', ''],
  behind: ['goes on, and ends with the new epoch; that server follows when it answers', ''],
  silent: ['goes on, and ends with the new epoch; that server destroys its old share when it answers', ''],
  repair: [
    'goes on, and ends with the new epoch, of which that server has no share',
    '`ckm key repair` gives it one',
  ],
  wait: ['goes on when the server answers', 'cancel; then another change, without that server'],
  bound: [
    'goes on when the server answers',
    'cancel; with the next change the one that is locked comes first, then that one',
  ],
  over: ['is over; the key is as it was', 'another change'],
  overBound: ['is over', 'another change; the one that is locked comes first, then that one'],
  stuck: ['cannot go on; the key signs in the epoch before', 'none for changes: make another key'],
} as const;
export type ChangeEnd = keyof typeof CHANGE_ENDS;

/** How a change goes on from there. */
export interface ChangeWay {
  readonly at: readonly ChangeStage[];
  readonly ends: ChangeEnd;
  /** What going on says before, in this order; each is gone on from by doing what it says, or by the same command. */
  readonly says: readonly string[];
}

const way = (ends: ChangeEnd, says: readonly string[], ...at: readonly ChangeStage[]): ChangeWay => ({
  at,
  ends,
  says,
});

/** Every state that differs: the stages that are not among those of a row are left out, as they are no other than their neighbours. */
export const CHANGE_WAYS: Readonly<Record<ChangeState, readonly ChangeWay[]>> = {
  same: [way('on', [], ...CHANGE_STAGE_NAMES)],
  late: [
    way('on', ['EXPIRY_PASSED'], 'promised'),
    way('on', ['SESSION_EXPIRED'], 'moving'),
    way('on', [], 'locked'),
  ],
  overdue: [way('over', ['CHANGE_OVER'], 'ordered'), way('overBound', ['CHANGE_OVER'], 'locked')],
  'stays ended': [
    way('on', [], 'promised'),
    way('on', ['SESSION_CANCELLED'], 'moving'),
    way('on', [], 'signed', 'locked', 'certified', 'stored'),
  ],
  'stays older': [
    way('on', ['CHANGE_WAITING'], 'ordered', 'promised'),
    way('on', ['CHANGE_WAITING', 'SESSION_UNKNOWN'], 'moving'),
    way('repair', ['CHANGE_WAITING'], 'signed', 'locked'),
    way('repair', [], 'certified', 'stored', 'entered', 'retiring'),
  ],
  'stays derives': [
    way('on', ['CHANGE_WAITING'], 'signed', 'locked'),
    way('on', [], 'certified', 'stored', 'entered', 'retiring'),
  ],
  'stays gone': [
    way('wait', ['SERVERS_MISSING'], 'ordered', 'promised', 'moving', 'signed'),
    way('bound', ['SERVERS_MISSING'], 'locked'),
    way('behind', [], 'certified', 'stored', 'entered'),
    way('silent', [], 'retiring'),
  ],
  'stays refused': [
    way('over', ['CHANGE_OVER'], 'ordered', 'promised', 'moving', 'signed'),
    way('overBound', ['CHANGE_OVER'], 'locked'),
    way('on', [], 'certified'),
  ],
  'leaves older': [way('on', [], ...CHANGE_STAGE_NAMES)],
  'leaves gone': [way('silent', [], ...CHANGE_STAGE_NAMES)],
  'leaves refused': [way('on', [], 'ordered', 'locked')],
  'joins ended': [way('on', ['SESSION_CANCELLED'], 'moving'), way('on', [], 'signed')],
  'joins older': [
    way('on', ['CHANGE_WAITING'], 'ordered', 'promised'),
    way('on', ['CHANGE_WAITING', 'SESSION_UNKNOWN'], 'moving'),
    way('repair', ['CHANGE_WAITING'], 'signed', 'locked'),
    way('repair', [], 'certified', 'stored', 'entered', 'retiring'),
  ],
  'joins derives': [
    way('on', ['CHANGE_WAITING'], 'signed', 'locked'),
    way('repair', [], 'certified', 'stored', 'entered', 'retiring'),
  ],
  'joins gone': [
    way('wait', ['SERVERS_MISSING'], 'ordered', 'promised', 'moving', 'signed'),
    way('bound', ['SERVERS_MISSING'], 'locked'),
    way('behind', [], 'certified', 'stored', 'entered'),
    way('on', [], 'retiring'),
  ],
  'joins refused': [way('over', ['CHANGE_OVER'], 'ordered'), way('overBound', ['CHANGE_OVER'], 'locked')],
  'two older': [way('stuck', ['SERVERS_MISSING'], 'certified')],
};

/** The table as the documentation prints it. */
export function formatChangeWays(): string {
  const rows = Object.entries(CHANGE_WAYS).flatMap(([state, ways]) =>
    ways.map(({ at, ends, says }) => {
      const [resuming, out] = CHANGE_ENDS[ends];
      return [stagesOf(at), state, resuming, asCodes(says), out];
    }),
  );
  return asTable(['client', 'server', 'going on', 'says', 'way out'], rows);
}

function stagesOf(at: readonly ChangeStage[]): string {
  return at.length === CHANGE_STAGE_NAMES.length ? 'any' : at.join(', ');
}
