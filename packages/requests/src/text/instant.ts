/** A Unix time as `2026-11-21 18:40:05 UTC`; `null` when it is outside the years 1970 to 9999. */
export function formatInstant(unixSeconds: number): string | null {
  if (!Number.isSafeInteger(unixSeconds) || unixSeconds < 0 || unixSeconds > 253_402_300_799) return null;
  const iso = new Date(unixSeconds * 1000).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}
