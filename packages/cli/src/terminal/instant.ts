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
  [1, 's', 60],
  [60, 'min', 60],
  [3_600, 'h', 24],
] as const;
const DAY_SECONDS = 86_400;

/** In the smallest unit of which there are not too many, to the nearest: `40 s`, `5 min`, `2 h`, `3 d`. */
function formatDuration(seconds: number): string {
  for (const [size, name, tooMany] of UNITS) {
    const count = Math.round(seconds / size);
    if (count < tooMany) return `${count} ${name}`;
  }
  return `${Math.round(seconds / DAY_SECONDS)} d`;
}

export function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}
