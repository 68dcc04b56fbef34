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

/** A whole number between two others. @throws UsageError `OPTION_INVALID` */
export function parseWhole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= least && value <= most) return value;
  throw optionInvalid(
    `${flag} is not a whole number between ${least} and ${most}`,
    `write for example ${flag} ${least}`,
  );
}

/** At most so many in so long: `100/1h`. @throws UsageError `OPTION_INVALID` */
export function parseRate(
  flag: string,
  text: string,
): { readonly count: number; readonly perSeconds: number } {
  const [, count, span] = /^(\d{1,7})\/(.+)$/.exec(text) ?? [];
  if (count === undefined || span === undefined) {
    throw optionInvalid(`${flag} is not a number in a length of time`, `write for example ${flag} 100/1h`);
  }
  return { count: Number(count), perSeconds: parseDuration(flag, span) };
}

export function optionInvalid(what: string, hint: string): UsageError {
  return new UsageError(what, { code: 'OPTION_INVALID', hint });
}
