import { asCodes, asTable } from './ways-page.js';

/** How far settling which of two certificates counts has come for its owner's client. The way from one to the next: `keys/forks`. */
export const SETTLE_STAGES = {
  forked: 'the key is forked, and nothing is ordered',
  asked: 'those who settle have the order; their operators have not answered',
  ordered: 'their operators have said yes, and nobody has promised',
  promised: 'those who settle have promised to take part',
  locked: 'they have locked the one that is to count, and one has given way; too few to settle',
  settled: 'it is settled, and the votes are at the owner’s client alone',
  told: 'some servers have taken in what was settled; none that is to go back',
} as const;
export type SettleStage = keyof typeof SETTLE_STAGES;
export const SETTLE_STAGE_NAMES = Object.keys(SETTLE_STAGES) as readonly SettleStage[];

/** What has become meanwhile of one server. */
export const SETTLE_FATES = {
  ended: 'found its database older than itself, and forgot what it said',
  older: 'back from a backup older than the order',
  gone: 'does not answer',
  refused: 'its operator says no',
  lost: 'has lost its share',
} as const;
export type SettleFate = keyof typeof SETTLE_FATES;

/** Which server it is. */
export const SETTLE_ROLES = {
  settles: 'one of those who settle, which went on by the certificate that is to die',
  holds: 'came to the key by the certificate that is to count, and is needed for its quorum',
  twice: 'signed twice',
  dies: 'came to the key by the certificate that is to die',
} as const;
export type SettleRole = keyof typeof SETTLE_ROLES;

/** What has become of all of them, or of the order. */
export const SETTLE_TIMES = {
  same: 'as they were',
  late: 'eight days later by the date; servers were off',
  long: 'thirty days later by the date; servers were off',
  overdue: 'one of those who settle has run for more than seven days with the order',
  'taken back': 'another computer of the owner has taken the order back (`--cancel`)',
} as const;
export type SettleTime = keyof typeof SETTLE_TIMES;
export type SettleState = SettleTime | `${SettleRole} ${SettleFate}`;

/** What comes of the same command, and the way out where it does not go on. */
export const SETTLE_ENDS = {
  on: ['goes on, and ends with the one that counts', ''],
  behind: [
    'goes on, and ends with the one that counts; that server follows when it is told',
    'the same command tells it',
  ],
  apart: ['goes on, and ends with the one that counts; that server keeps to the other one', ''],
  wait: ['goes on when the server answers', '`--cancel`; the key stays stopped'],
  free: ['orders nothing, and stops no server', 'a change by the certificate on record, without that server'],
  week: ['is over', 'the other certificate at once; this one begins anew in a week'],
  other: ['is over', '`--counts` with the other certificate'],
  bound: ['is over', '`--counts` with the other certificate; the one that is locked counts'],
  stuck: ['does not go on, and the key stays stopped', 'none'],
} as const;
export type SettleEnd = keyof typeof SETTLE_ENDS;

/** How settling goes on from there. */
export interface SettleWay {
  readonly at: readonly SettleStage[];
  readonly ends: SettleEnd;
  /** What the same command says before, in this order; operators answer meanwhile, and ten minutes pass where a try is to be another one. */
  readonly says: readonly string[];
}

const way = (ends: SettleEnd, says: readonly string[], ...at: readonly SettleStage[]): SettleWay => ({
  at,
  ends,
  says,
});
const ASKS = ['CHANGE_WAITING'];

/** Every state that differs: the stages that are not among those of a row are left out, as they are no other than their neighbours. */
export const SETTLE_WAYS: Readonly<Partial<Record<SettleState, readonly SettleWay[]>>> = {
  same: [
    way('on', ASKS, 'forked', 'asked'),
    way('on', [], 'ordered', 'promised', 'locked', 'settled', 'told'),
  ],
  late: [way('on', ASKS, 'asked'), way('on', [], 'promised', 'settled')],
  long: [way('on', ASKS, 'asked'), way('on', [], 'ordered', 'promised', 'locked', 'settled', 'told')],
  overdue: [way('on', ASKS, 'asked', 'ordered', 'promised', 'locked')],
  'taken back': [
    way('week', ['CHANGE_OVER'], 'asked', 'ordered', 'promised'),
    way('bound', ['CHANGE_OVER'], 'locked'),
    way('on', [], 'settled'),
  ],
  'settles ended': [
    way('free', ['SETTLERS_FORGOT'], 'forked'),
    way('stuck', [...ASKS, 'SETTLERS_FORGOT'], 'asked'),
    way('stuck', ['SETTLERS_FORGOT'], 'ordered', 'promised', 'locked'),
    way('on', [], 'settled', 'told'),
  ],
  'settles older': [
    way('free', ['SETTLERS_FORGOT'], 'forked'),
    way('stuck', [...ASKS, 'SETTLERS_FORGOT'], 'asked', 'ordered', 'promised', 'locked'),
    way('on', [], 'settled', 'told'),
  ],
  'settles gone': [
    way('free', ['SERVERS_MISSING'], 'forked'),
    way('wait', [...ASKS, 'SERVERS_MISSING'], 'asked'),
    way('wait', ['SERVERS_MISSING'], 'ordered', 'promised', 'locked'),
    way('behind', [], 'settled', 'told'),
  ],
  'settles refused': [
    way('other', ['CHANGE_OVER'], 'asked', 'ordered', 'promised'),
    way('bound', ['CHANGE_OVER'], 'locked'),
  ],
  'holds older': [
    way('on', ASKS, 'asked'),
    way('on', [], 'ordered', 'promised', 'locked', 'settled', 'told'),
  ],
  'holds gone': [
    way('wait', ['SERVERS_MISSING'], 'asked', 'ordered', 'promised'),
    way('behind', [], 'locked', 'settled', 'told'),
  ],
  'holds refused': [way('on', [], 'ordered', 'locked')],
  'holds lost': [
    way('other', ['SETTLEMENT_NOT_HELD'], 'asked', 'ordered', 'promised'),
    way('on', [], 'locked', 'settled', 'told'),
  ],
  'twice ended': [way('on', [], 'ordered', 'locked', 'settled')],
  'twice older': [way('on', [], 'ordered', 'locked', 'settled')],
  'twice gone': [way('on', [], 'ordered', 'locked', 'settled')],
  'dies older': [way('on', [], 'ordered', 'settled')],
  'dies gone': [way('on', [], 'ordered', 'settled', 'told')],
  'dies refused': [way('apart', [], 'told')],
};

/** The table as the documentation prints it. */
export function formatSettleWays(): string {
  const rows = Object.entries(SETTLE_WAYS).flatMap(([state, ways]) =>
    ways.map(({ at, ends, says }) => {
      const [resuming, out] = SETTLE_ENDS[ends];
      return [stagesOf(at), state, resuming, asCodes(says), out];
    }),
  );
  return asTable(['client', 'server', 'the same command', 'says', 'way out'], rows);
}

function stagesOf(at: readonly SettleStage[]): string {
  return at.length === SETTLE_STAGE_NAMES.length ? 'any' : at.join(', ');
}
