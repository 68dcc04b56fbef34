/** A moment as people read it: absolute in UTC, and how far away. @param at UnixSeconds @param now UnixSeconds */
export function formatInstant(at: number, now: number): string {
  const absolute = new Date(at * 1000).toISOString().replace('T', ' ').slice(0, 16);
  if (at === now) return `${absolute} UTC (now)`;
  const distance = formatDuration(Math.abs(at - now));
  return at >= now ? `${absolute} UTC (in ${distance})` : `${absolute} UTC (${distance} ago)`;
}

/** The day of a moment in UTC: `2026-11-29`. @param at UnixSeconds */
export function dateOf(at: number): string {
  return new Date(at * 1000).toISOString().slice(0, 10);
}

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
] as const;

/** The largest unit that fits, rounded down: `3 d`, `2 h`, `5 min`, `40 s`. */
function formatDuration(seconds: number): string {
  for (const [size, name] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  return `${Math.floor(seconds)} s`;
}

export function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}
