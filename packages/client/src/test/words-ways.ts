import { asCodes, asTable } from './ways-page.js';

/** How far an order by the words is, of a key of four servers, two of which sign and two of which are gone for good. */
export const WORDS_STAGES = {
  ordered: 'the two that are left, and the one that joins, have the order',
  ripe: 'its seven days are over at all of them',
  promised: 'the two that are left have promised, by the words',
  locked: 'they have locked what was signed, and one has given way',
  certified: 'it is decided, and the certificate is at the owner’s client alone',
} as const;
export type WordsStage = keyof typeof WORDS_STAGES;
export const WORDS_STAGE_NAMES = Object.keys(WORDS_STAGES) as readonly WordsStage[];

/** What has become meanwhile of one of the two that are left, or of the order. */
export const WORDS_FATES = {
  same: 'as they were',
  older: 'one of the two is back from a backup older than the order',
  gone: 'one of the two does not answer',
  refused: 'the operator of one of the two says no, though nobody asks him',
  'taken back': 'another device has taken the order back',
  back: 'one of those that were gone answers again',
} as const;
export type WordsFate = keyof typeof WORDS_FATES;

export const WORDS_ENDS = {
  on: 'goes on, and ends with the new epoch, which may fork',
  repair: 'goes on, and ends with the new epoch, of which that server has no share',
  over: 'is over; the key is as it was',
  wait: 'goes on when the server answers',
} as const;
export type WordsEnd = keyof typeof WORDS_ENDS;

export interface WordsWay {
  readonly at: readonly WordsStage[];
  readonly fates: readonly WordsFate[];
  readonly ends: WordsEnd;
  /** What is said before that, seven days or ten minutes between. */
  readonly says: readonly string[];
  readonly out: string;
}

const way = (
  at: readonly WordsStage[],
  fates: readonly WordsFate[],
  ends: WordsEnd,
  says: readonly string[] = [],
  out = '',
): WordsWay => ({ at, fates, ends, says, out });
const AGAIN = 'ordered again it waits seven days anew';
const RELEASE = 'its operator says how far the key is: `ckm server policy release`';
const NO = 'another order, without that server';

export const WORDS_WAYS: readonly WordsWay[] = [
  way(['ordered'], ['same', 'back'], 'on', ['CHANGE_WAITING']),
  way(['ripe', 'promised', 'locked', 'certified'], ['same', 'back'], 'on'),
  way(['ordered', 'ripe'], ['older'], 'on', ['CHANGE_WAITING', 'KEY_HEAD_UNKNOWN'], RELEASE),
  way(['promised'], ['older'], 'on', ['CHANGE_WAITING', 'EXPIRY_PASSED', 'KEY_HEAD_UNKNOWN'], RELEASE),
  way(['locked'], ['older'], 'repair', ['CHANGE_WAITING'], '`ckm key repair` gives it one'),
  way(['certified'], ['older'], 'repair', [], '`ckm key repair` gives it one'),
  way(['ordered', 'ripe', 'promised', 'locked'], ['gone'], 'wait', ['SERVERS_MISSING'], 'cancel'),
  way(['certified'], ['gone'], 'on'),
  way(['ordered', 'ripe', 'promised', 'locked'], ['refused'], 'over', ['CHANGE_OVER'], NO),
  way(['ordered', 'ripe', 'promised', 'locked'], ['taken back'], 'over', ['CHANGE_OVER'], AGAIN),
];

/** The table as the documentation prints it. */
export function formatWordsWays(): string {
  const rows = WORDS_WAYS.map(({ at, fates, ends, says, out }) => [
    at.join(', '),
    fates.join(', '),
    WORDS_ENDS[ends],
    asCodes(says),
    out,
  ]);
  return asTable(['client', 'servers', 'the same command', 'says', 'way out'], rows);
}
