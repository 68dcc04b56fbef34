import type { WindowAsked } from '@ckm/api';

/**
 * Since when this server has seen every request for a key, where it has not from the first on: it came back from an older state, its
 * share was repaired, or it joined. What it let in before may be forgotten; what is counted belongs to the key all the same (L8).
 */
export interface Counting {
  /** UnixSeconds. */
  readonly at: number;
  /** 32 bytes, drawn then: what others are asked with. */
  readonly nonce: Uint8Array;
  /** What they said of the time before: at most so often within so many seconds, or `most`, or more often. */
  readonly told: readonly ToldCount[];
  /** The epoch in which it joined the key; absent: it had a share before. */
  readonly joined?: number;
  /** When others were heard last who could not tell how much was let in: until others are heard anew that counts as all of it. UnixSeconds; absent: never. */
  readonly tried?: number;
  /** Its operator let it go by what it has itself: it still tells nobody how often that was. */
  readonly isReleased?: boolean;
}

export type ToldCount = WindowAsked & {
  readonly count: number;
  /** When they said so, UnixSeconds: those who have not met its epoch yet may sign in the one before until then. Absent: when this server began to count. */
  readonly at?: number;
};

/** Counts what is stored of a key that came after a moment, at most so many. */
export type CountStored = (since: number, most: number) => Promise<number>;

/** Without one that is stored itself, let in then; absent: none. */
export function countBesides(countStored: CountStored, letInAt: number | undefined): CountStored {
  if (letInAt === undefined) return countStored;
  return async (since, most) =>
    letInAt > since ? (await countStored(since, most + 1)) - 1 : countStored(since, most);
}

/** Whether anything may still count within a window that this server has not seen itself. */
export function reachesBack(counting: Counting, window: WindowAsked, now: number): boolean {
  return now - counting.at < window.within || toldOf(counting, window, now) !== null;
}

/**
 * Whether a request may be of before, and be signed once more than others have counted: it is let in anew when it is asked for again. One of that
 * very second may be of before it or behind it. A server that its operator has released goes by what it has.
 */
export function isFromBefore(counting: Counting | null, letInAt: number): counting is Counting {
  return counting !== null && counting.isReleased !== true && letInAt <= counting.at;
}

/** When a request is let in, UnixSeconds: not before this server began to count, though the clock of another replica may be behind. */
export function momentOfEntry(counting: Counting | null, now: number): number {
  return Math.max(now, counting?.at ?? 0);
}

/**
 * What others said of a window, as long as that counts: the shortest that covers it, and in which they have not stopped counting too early; null:
 * nothing.
 */
export function toldOf(
  counting: Counting,
  { within, most, of }: WindowAsked,
  now: number,
): (ToldCount & Required<Pick<ToldCount, 'at'>>) | null {
  const covering = counting.told
    .map((one) => ({ ...one, at: one.at ?? counting.at }))
    .filter((one) => one.of === of && one.within >= within && isEnough(one, most) && now - one.at < within);
  return covering.toSorted((a, b) => a.within - b.within)[0] ?? null;
}

/** Whether a count says what has to be known of whether a key was used so often. */
function isEnough({ count, most: stopped }: ToldCount, most: number): boolean {
  return count < stopped || stopped >= most;
}

/** From when on is counted, and where that stops. */
export interface CountStart {
  /** UnixSeconds, itself left out. */
  readonly since: number;
  readonly most: number;
}

/** What {@link countWithin} counts of what is stored. */
export function startsOf(counting: Counting | null, window: WindowAsked, now: number): readonly CountStart[] {
  const { within, most } = window;
  const whole = { since: now - within, most };
  if (counting === null || !reachesBack(counting, window, now)) return [whole];
  return [whole, { since: Math.max(now - within, counting.at - 1), most }];
}

/**
 * How often a key was used within a window, at most `most`: what is stored here, and where this server has not seen all of it, what the others
 * said instead of what it has of the time before, unless that is more. Null: it does not know.
 * @param counting null: it has seen all of it
 */
export async function countWithin(
  countStored: CountStored,
  counting: Counting | null,
  { now, ...window }: WindowAsked & { readonly now: number },
): Promise<number | null> {
  const [whole, behind] = startsOf(counting, window, now);
  const seen = await countStored(whole!.since, window.most);
  if (behind === undefined) return seen;
  const told = toldOf(counting!, window, now);
  if (told === null) return null;
  const since = await countStored(behind.since, window.most);
  return Math.min(window.most, since + Math.max(told.count, seen - since));
}
