import type { KeyTerms } from '../terms/schema.js';

/** What the terms of a key say of silence. */
export type SilenceRule = NonNullable<KeyTerms['silence']>;

/** A case that an heir has opened at one server. */
export interface SilenceCase {
  /** 32 bytes, drawn by the heir, the same at every server. */
  readonly id: Uint8Array;
  /** As the terms call him. */
  readonly heir: string;
  /** Where the count stood when it was opened. */
  readonly from: number;
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

/**
 * The same with a case, where the owner has been silent for long enough; null: he has not. One that is open stays as it is, whoever asks: the id of the first one
 * is what all servers speak about.
 */
export function withCase(
  silence: Silence,
  { afterSeconds }: SilenceRule,
  opened: Pick<SilenceCase, 'id' | 'heir'>,
): Silence | null {
  if (silence.counted < afterSeconds) return null;
  return silence.case === null ? { ...silence, case: { ...opened, from: silence.counted } } : silence;
}

/** Whether by what this one server has heard the time has come: silence, notice and case have each lasted. */
export function isRipe(silence: Silence, rule: SilenceRule): boolean {
  const { counted, noticeFrom, case: opened } = silence;
  if (counted < rule.afterSeconds || noticeFrom === null || opened === null) return false;
  const notice = Math.max(LEAST_NOTICE_SECONDS, Math.ceil(rule.afterSeconds / 10));
  return counted - noticeFrom >= notice && counted - opened.from >= LEAST_NOTICE_SECONDS;
}

/**
 * Whether a server may let an heir do what the terms say: by its own count, and by what n − t + 1 servers have said of the same case, itself among them.
 * @param said slots whose signed word it is that the case is ripe there
 */
export function isGranted(
  silence: Silence,
  rule: SilenceRule,
  { needed, of }: { readonly needed: number; readonly of: number },
  own: number,
  said: ReadonlySet<number>,
): boolean {
  return isRipe(silence, rule) && new Set([...said, own]).size >= of - needed + 1;
}
