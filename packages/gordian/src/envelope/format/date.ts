import { MAJOR, type Cbor } from '../../cbor/dcbor.js';

/** Some 260,000 years before and after 1970, as far as the reference counts. */
const FURTHEST_SECONDS = 8_200_000_000_000;

/**
 * A date of seconds since 1970, which may be negative or have a fraction: whole days without a time, years beyond 9999 with a
 * sign; `null` for what is no date. Source: bc-dcbor-rust, src/date.rs.
 */
export function dateText(content: Cbor): string | null {
  const seconds = secondsIn(content);
  if (!(Math.abs(seconds) <= FURTHEST_SECONDS)) return null;
  const [day, time] = new Date(Math.trunc(seconds) * 1000).toISOString().split('T') as [string, string];
  const shortened = day.replace(/^([+-])0{1,2}(?=\d{4})/, '$1');
  return time.startsWith('00:00:00') ? shortened : `${shortened}T${time.slice(0, 8)}Z`;
}

function secondsIn(content: Cbor): number {
  if (content.type === MAJOR.unsigned || content.type === MAJOR.negative) return Number(content.value);
  return content.type === MAJOR.simple && typeof content.value === 'number' ? content.value : Number.NaN;
}
