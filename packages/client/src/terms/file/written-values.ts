import { fileRefusal, type TermsFileErrorCode } from './file-errors.js';
import { type Spot, shownAt, textOf } from './spot.js';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const SATS_DIGITS = 8;
const SHARE_DIGITS = 2;

/** Satoshis of `0.01 BTC`, `25000 sats`. @throws EncodingError `TERMS_FILE_AMOUNT` */
export function satsOf(spot: Spot): number {
  const [, whole, rest = '', unit] =
    /^([0-9]{1,16})(?:\.([0-9]{1,8}))? ?(BTC|sats?)$/.exec(textOf(spot)) ?? [];
  const sats = unit === 'BTC' ? scaled(whole!, rest, SATS_DIGITS) : Number(whole);
  if (unit === undefined || (unit !== 'BTC' && rest !== '') || !Number.isSafeInteger(sats))
    throw unread('TERMS_FILE_AMOUNT', spot, 'no amount');
  return sats;
}

/** `0.01 BTC`; so that {@link satsOf} gives the same again. */
export function writeSats(sats: number): string {
  const rest = (sats % 10 ** SATS_DIGITS).toString().padStart(SATS_DIGITS, '0').replace(/0+$/, '');
  return `${Math.floor(sats / 10 ** SATS_DIGITS)}${rest === '' ? '' : `.${rest}`} BTC`;
}

/** Ten-thousandths of `2.5 %`. @throws EncodingError `TERMS_FILE_SHARE` */
export function shareOf(spot: Spot): number {
  const [, whole, rest = ''] = /^([0-9]{1,9})(?:\.([0-9]{1,2}))? ?%$/.exec(textOf(spot)) ?? [];
  if (whole === undefined) throw unread('TERMS_FILE_SHARE', spot, 'no share');
  return scaled(whole, rest, SHARE_DIGITS);
}

export function writeShare(tenThousandths: number): string {
  const rest = (tenThousandths % 100).toString().padStart(SHARE_DIGITS, '0').replace(/0+$/, '');
  return `${Math.floor(tenThousandths / 100)}${rest === '' ? '' : `.${rest}`} %`;
}

/** Seconds of `24h`, `3d`, `0`. @throws EncodingError `TERMS_FILE_TIME` */
export function secondsOf(spot: Spot): number {
  const text = textOf(spot);
  const [, count, unit] = /^([0-9]{1,9})([smhd])$/.exec(text) ?? [];
  if (unit !== undefined) return Number(count) * SECONDS[unit as keyof typeof SECONDS];
  throw unread('TERMS_FILE_TIME', spot, 'no length of time');
}

export function writeSeconds(seconds: number): string {
  const [unit, size] = (Object.entries(SECONDS) as [string, number][])
    .toReversed()
    .find(([, one]) => seconds % one === 0 && seconds >= one) ?? ['s', 1];
  return `${seconds / size}${unit}`;
}

/** UnixSeconds of `2027-12-31` (its beginning, UTC), or with a time and its zone. @throws EncodingError `TERMS_FILE_DATE` */
export function momentOf(spot: Spot): number {
  const text = textOf(spot);
  const [, date] = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text) ?? [];
  // Of a day that does not exist some readers of dates make one that does.
  const midnight = date === undefined ? Number.NaN : Date.parse(`${date}T00:00:00Z`);
  const exists = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date!);
  const moment = exists ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(moment) || moment < 0) throw unread('TERMS_FILE_DATE', spot, 'no date');
  return Math.floor(moment / 1_000);
}

export function writeMoment(at: number): string {
  return new Date(at * 1_000)
    .toISOString()
    .replace(/(?:T00:00:00)?\.000Z$/, (end) => (end.startsWith('T') ? '' : 'Z'));
}

/** Digits before and behind the point as one whole number. */
function scaled(whole: string, rest: string, digits: number): number {
  return Number(`${whole}${rest.padEnd(digits, '0')}`);
}

function unread(code: TermsFileErrorCode, spot: Spot, what: string) {
  return fileRefusal(code, `${shownAt(spot)}, which is ${what}`);
}
