import { optionInvalid, parseDuration } from '../command-line/option-values.js';

const LONGEST_SECONDS = 12 * 3_600;

/** For how long a seed may be kept open. Seconds. @throws UsageError `OPTION_INVALID` */
export function parseUnlockTime(flag: string, text: string): number {
  // A bare number is seconds elsewhere, and whoever writes 5 here means minutes.
  const hasUnit = !/^\d+$/.test(text.trim());
  const seconds = parseDuration(flag, text);
  if (hasUnit && seconds >= 1 && seconds <= LONGEST_SECONDS) return seconds;
  throw optionInvalid(`${flag} is not a time of 1s to 12h`, `write for example ${flag} 10m`);
}

/** What goes with an open seed, behind the time until which it is open. */
export const OPEN_SEED_NOTE =
  'whoever uses this machine as you until then can use your keys; ckm lock ends it sooner';
