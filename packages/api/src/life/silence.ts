import type { KeyTerms } from '../terms/schema.js';

/** What the terms of a key say of silence. */
export type SilenceRule = NonNullable<KeyTerms['silence']>;

/** A case that an heir has opened at one server. It is of the key: whichever heir asks later goes on with it. */
export interface SilenceCase {
  /** As the terms call whoever opened it. */
  readonly heir: string;
  /** Where the count stood when everybody who can be told had been; null: that is still going out. */
  readonly from: number | null;
}

/**
 * For how long one server has heard nothing of the owner of a key: one count of the seconds that it ran, and what it did at which of them. So nothing of it knows a
 * date, and what was switched off, asleep or told another date adds nothing (L12).
 */
export interface Silence {
  /** Seconds. */
  readonly counted: number;
  /** What the owner was warned of last. */
  readonly warned: 'nothing' | 'half' | 'nearly';
  /** Where the count stood when the sending of the last warning was on record; null: it is not. */
  readonly noticeFrom: number | null;
  readonly case: SilenceCase | null;
}

/** A case is open for so long before anything comes of it, and so long before that people were warned. Seconds. */
export const LEAST_NOTICE_SECONDS = 14 * 86_400;

/** The owner was heard just now, or a server that was restored or has come to the key takes it to be so: no case, no notice. */
export const JUST_HEARD: Silence = { counted: 0, warned: 'nothing', noticeFrom: null, case: null };

/** The same with as many seconds as are counted by now. */
export function silentFor(silence: Silence, counted: number): Silence {
  return counted > silence.counted ? { ...silence, counted } : silence;
}

/** Of which warning it is time; null: of none that was not given. */
export function warningDue(
  { counted, warned }: Silence,
  { afterSeconds }: SilenceRule,
): 'half' | 'nearly' | null {
  if (counted >= nearly(afterSeconds)) return warned === 'nearly' ? null : 'nearly';
  return counted >= Math.ceil(afterSeconds / 2) && warned === 'nothing' ? 'half' : null;
}

function nearly(afterSeconds: number): number {
  return Math.ceil((afterSeconds * 9) / 10);
}

export function warnedOf(silence: Silence, warned: 'half' | 'nearly'): Silence {
  return { ...silence, warned, noticeFrom: null };
}

/** The sending of the last warning is on record: how long people have had it is counted from now on. */
export function noticeSent(silence: Silence): Silence {
  const isNew = silence.warned === 'nearly' && silence.noticeFrom === null;
  return isNew ? { ...silence, noticeFrom: silence.counted } : silence;
}

/** The same with a case, where the owner has been silent for long enough; null: he has not. One that is open stays as it is, whoever asks. */
export function withCase(silence: Silence, { afterSeconds }: SilenceRule, heir: string): Silence | null {
  if (silence.counted < afterSeconds) return null;
  return silence.case === null ? { ...silence, case: { heir, from: null } } : silence;
}

/** Whoever can be told of the case has been: its days are counted from now on. */
export function caseTold(silence: Silence): Silence {
  const { case: opened, counted } = silence;
  return opened?.from === null ? { ...silence, case: { ...opened, from: counted } } : silence;
}

/** The same where somebody doubts it: the days of the case begin anew. Null: there is no case whose days have begun. */
export function caseDoubted(silence: Silence): Silence | null {
  const { case: opened, counted } = silence;
  return opened === null || opened.from === null ? null : { ...silence, case: { ...opened, from: counted } };
}

/** How many more seconds this server has to count before the time has come by what it has heard: silence, notice and case have each lasted. Null: nobody has opened a case, or somebody has still to be told. */
export function ripeIn({ counted, noticeFrom, case: opened }: Silence, rule: SilenceRule): number | null {
  if (noticeFrom === null || opened === null || opened.from === null) return null;
  const notice = Math.max(LEAST_NOTICE_SECONDS, Math.ceil(rule.afterSeconds / 10));
  const at = Math.max(rule.afterSeconds, noticeFrom + notice, opened.from + LEAST_NOTICE_SECONDS);
  return Math.max(0, at - counted);
}

/** Whether by what this one server has heard the time has come. */
export function isRipe(silence: Silence, rule: SilenceRule): boolean {
  return ripeIn(silence, rule) === 0;
}

/** What others say of a case, as one server knows it. */
export interface SilenceSaid {
  /** Its own slot. */
  readonly own: number;
  /** Slots of others whose signed word it is that the time has come there, too. */
  readonly said: ReadonlySet<number>;
  /** Slots of others without whose word its operator lets it go on: dead, as far as he knows. */
  readonly without: ReadonlySet<number>;
}

/**
 * Whether a server may let an heir do what the terms say: by its own count, and by the word of every other server of the key. One that is silent may be dead, or have
 * heard the owner yesterday and be withheld by the heir, and nothing that he could bring tells which: without it its operator decides, of each by name, and n − t + 1 and
 * a quorum have said so.
 */
export function isGranted(
  silence: Silence,
  rule: SilenceRule,
  { needed, of }: { readonly needed: number; readonly of: number },
  { own, said, without }: SilenceSaid,
): boolean {
  if (!isRipe(silence, rule)) return false;
  const heard = new Set([...said, own]);
  return heard.size >= fewestToGoOn({ needed, of }) && new Set([...heard, ...without]).size >= of;
}

/** So many servers of a key have to have said that the time has come before an operator may go on without the others: a quorum, and n − t + 1. */
export function fewestToGoOn({ needed, of }: { readonly needed: number; readonly of: number }): number {
  return Math.max(needed, of - needed + 1);
}
