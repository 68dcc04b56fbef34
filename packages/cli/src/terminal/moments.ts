const STEPS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** A moment both ways: `2026-11-21 14:00 UTC (in 2 h)`. Both in UnixSeconds. */
export function showMoment(moment: number, now: number): string {
  return `${showInstant(moment)} (${showDistance(moment - now)})`;
}

/** `2026-11-21 14:00 UTC`. */
export function showInstant(moment: number): string {
  return `${new Date(moment * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function showDistance(seconds: number): string {
  if (seconds === 0) return 'now';
  const length = Math.abs(seconds);
  const [unit, letter] = STEPS.find(([size]) => length >= size) ?? STEPS[3];
  const text = `${Math.floor(length / unit)} ${letter}`;
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

/** Seconds of `90`, `30s`, `10m`, `2h`, `7d`; null for anything else. */
export function parseDuration(text: string): number | null {
  const [, count, unit = 's'] = /^(\d{1,9})(s|m|h|d)?$/.exec(text) ?? [];
  if (count === undefined) return null;
  return Number(count) * { s: 1, m: 60, h: 3_600, d: 86_400 }[unit as 's' | 'm' | 'h' | 'd'];
}
