import { UsageError } from '@ckm/foundation';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/**
 * Seconds of `90`, `30s`, `10m`, `2h`, `7d`.
 * @param flag the name to complain about
 * @throws UsageError `OPTION_INVALID`
 */
export function parseDuration(flag: string, text: string): number {
  const [, count, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * SECONDS[unit as keyof typeof SECONDS];
  throw optionInvalid(`${flag} is not a length of time`, `write for example ${flag} 7d (or s, m, h)`);
}

/**
 * The moment that a date names: `2027-12-31` (its beginning, UTC), or with a time and its zone. UnixSeconds.
 * @throws UsageError `OPTION_INVALID`, also for a day that no calendar has
 */
export function parseMoment(flag: string, text: string): number {
  const [, date] = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text) ?? [];
  // Of a day that does not exist some readers of dates make one that does.
  const midnight = date === undefined ? Number.NaN : Date.parse(`${date}T00:00:00Z`);
  const exists = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date!);
  const moment = exists ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(moment)) return Math.floor(moment / 1000);
  throw optionInvalid(
    `${flag} is not a date or a length of time`,
    `write it like 2027-12-31, 2027-12-31T18:00Z or 90d`,
  );
}

/** A whole number between two others. @throws UsageError `OPTION_INVALID` */
export function parseWhole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= least && value <= most) return value;
  throw optionInvalid(
    `${flag} is not a whole number between ${least} and ${most}`,
    `write for example ${flag} ${least}`,
  );
}

const MOST_REQUESTS = 1_000_000;
const LONGEST_SPAN = 365 * SECONDS.d;

/** At most so many in so long: `10/1h`. @throws UsageError `OPTION_INVALID` */
export function parseRate(
  flag: string,
  text: string,
): { readonly count: number; readonly perSeconds: number } {
  const [, count, span] = /^(\d{1,7})\/(.+)$/.exec(text) ?? [];
  if (count === undefined || span === undefined) {
    throw optionInvalid(`${flag} is not a number in a length of time`, `write for example ${flag} 10/1h`);
  }
  const rate = { count: Number(count), perSeconds: parseDuration(flag, span) };
  if (rate.count < 1 || rate.count > MOST_REQUESTS) {
    throw optionInvalid(`${flag} allows 1 to ${MOST_REQUESTS} requests`, `write for example ${flag} 10/1h`);
  }
  if (rate.perSeconds < 1 || rate.perSeconds > LONGEST_SPAN) {
    throw optionInvalid(`${flag} counts in a time of 1s to 365d`, `write for example ${flag} 10/1h`);
  }
  return rate;
}

export function optionInvalid(what: string, hint: string): UsageError {
  return new UsageError(what, { code: 'OPTION_INVALID', hint });
}
